"""A year of a programme: ten phases, 200 entrants at first, 50 evaluators, 110,000 marks, from announcement to conclusion.

Everything but Kafka and Prefect is real: the recorder, a SQLite ledger, and every transition as a flow would perform it.
What is timed is one transition from `due` to recorded, by its kind and phase; so the rows say how it grows with the log.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.measure import Row
from benchmarks.programme import LOG_KEY, OFFICE_KEY, ORIGIN
from events.bus import Message
from events.envelope import Envelope
from events.record import Position
from events.rulebook import digest
from events.values import format_instant, parse_instant
from flows.office import message
from flows.recorder import Recorder
from flows.transitions import Progress
from flows.wiring import assemble
from handlers.transition import CloseIntake, DecidePhase, MarkWindow, OpenPhase, Transition, describe
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus

PROGRAMME = "year-2030"
OFFICE = f"urn:phasegate:{PROGRAMME}:office"
PHASES, ENTRANTS, EVALUATORS, FEWER = 10, 200, 50, 20
ITEMS = ("plan", "result")
DAY_MS = 86_400_000
BEGINS_MS = parse_instant("2030-01-01T00:00:00.000Z")
SEND = 5000
"""Marks per publication."""


def opens_ms(number: int) -> int:
    """When a phase opens: one every 36 days."""
    return BEGINS_MS + number * 36 * DAY_MS


def phase(number: int) -> dict[str, Any]:
    """One phase: a jury of all evaluators, two items, and 20 places fewer than entrants."""
    steps: list[Any] = [
        {"over": "items", "by": "sum"},
        {"over": "evaluators", "by": "trimmed-mean", "drop": ["1", "1"]},
    ]
    return {
        "id": f"phase-{number + 1:02d}",
        "opens": format_instant(opens_ms(number)),
        "windows": {"scores": format_instant(opens_ms(number) + 30 * DAY_MS)},
        "criteria": [
            {
                "id": "jury",
                "points": "100",
                "panel": "jury",
                "items": {item: ["0", "50"] for item in ITEMS},
                "steps": [*steps, {"round": {"places": "2", "mode": "half-up"}}],
            }
        ],
        "ties": ["panel"],
        "advance": {"places": str(ENTRANTS - FEWER * (number + 1) or 1)},
        "sign_off": [],
    }


def rulebook() -> dict[str, Any]:
    """Every scalar is text, as YAML is read."""
    jury = {"source": "urn:jury", "types": ["score.recorded"], "panel": "jury"}
    sources = [{"source": OFFICE, "role": "office", "types": ["*"], "signs": "true"}, jury]
    return {
        "programme": PROGRAMME,
        "version": "1",
        "means": {"places": "2", "mode": "half-up"},
        "sources": sources,
        "phases": [phase(number) for number in range(PHASES)],
    }


def said(name: str, number: int, source: str, at_ms: int, data: dict[str, Any]) -> Envelope:
    event_id = str(UUID(int=0x7000_8000_0000_0000_0000 | number))
    return Envelope(event_id, source, f"phasegate.{name}.v1", PROGRAMME, format_instant(at_ms), data)


class Year:
    """The parts, and what is played on them."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/year.sqlite"
        upgrade(url)
        bus = MemoryBus("year", 4, "scenario", lambda: 0)
        bus.ensure_topics()
        parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
        self.recorder: Recorder = parts.recorder()
        self.publisher = bus.publisher()
        self.way = Progress(parts, PROGRAMME)
        self.way.office.pause = lambda _seconds: self.record()
        self.numbers = iter(range(1, 1_000_000))

    def record(self) -> None:
        while self.recorder.step(0.0):
            pass

    def tell(self, topic: str, events: list[Envelope], *, signed: bool = False) -> list[Position]:
        key = OFFICE_KEY if signed else None
        messages: list[Message] = [message(topic, event, key, parse_instant(event.time)) for event in events]
        positions = self.publisher.publish(messages)
        self.record()
        return positions

    def begin(self) -> None:
        document, at_ms = rulebook(), BEGINS_MS - 30 * DAY_MS
        announced = {"rulebook": document, "digest": digest(document), "clock": "scenario"}
        self.tell("decisions", [said("programme.announced", next(self.numbers), OFFICE, at_ms, announced)], signed=True)
        jury = [{"evaluator": f"juror-{number:02d}", "panel": "jury"} for number in range(EVALUATORS)]
        appointed = [said("evaluator.appointed", next(self.numbers), OFFICE, at_ms, data) for data in jury]
        self.tell("decisions", appointed, signed=True)
        teams = [{"entrant": f"team-{n:03d}", "name": f"Team {n}", "members": []} for n in range(ENTRANTS)]
        registered = [said("entrant.registered", next(self.numbers), OFFICE, at_ms, data) for data in teams]
        self.tell("submissions", registered, signed=True)

    def marks(self, number: int) -> list[Envelope]:
        """Every evaluator's marks for everybody who is left; no two totals are equal."""
        phase_id, at_ms = f"phase-{number + 1:02d}", opens_ms(number) + DAY_MS
        left = self.way.state.phases[phase_id].entrants
        found = []
        for place, entrant in enumerate(left):
            for juror in range(EVALUATORS):
                for item in ITEMS:
                    value = f"{(place * 7 + juror * 3 + number) % 25 + place // 10}.{place % 100:02d}"
                    data = {
                        "phase": phase_id,
                        "entrant": entrant,
                        "criterion": "jury",
                        "item": item,
                        "evaluator": f"juror-{juror:02d}",
                        "value": value,
                    }
                    found.append(said("score.recorded", next(self.numbers), "urn:jury", at_ms, data))
        return found


def play(folder: Path) -> Iterator[Row]:
    """The whole year; a row for all marks, then one per kind of transition and phase that shows growth."""
    year = Year(folder)
    year.begin()
    spent: dict[tuple[type[Transition], str], float] = defaultdict(float)
    sizes: dict[str, int] = {}
    marks, recording_s = 0, 0.0
    for number in range(PHASES):
        _advance(year, opens_ms(number) + 1, spent)
        events = year.marks(number)
        began = time.perf_counter()
        for start in range(0, len(events), SEND):
            year.tell("scores", events[start : start + SEND])
        recording_s += time.perf_counter() - began
        marks += len(events)
        _advance(year, opens_ms(number) + 30 * DAY_MS + 1, spent)
        sizes[f"phase-{number + 1:02d}"] = year.way.state.size
    if year.way.state.concluded is None:
        raise RuntimeError(f"the year did not end: {year.way.due(opens_ms(PHASES))}")
    yield Row("year: marks judged and recorded", marks, recording_s)
    yield from _rows(spent, sizes)


def _advance(year: Year, now_ms: int, spent: dict[tuple[type[Transition], str], float]) -> None:
    while (transition := year.way.due(now_ms)) is not None:
        began = time.perf_counter()
        year.way.perform(transition, now_ms)
        spent[type(transition), transition.phase] += time.perf_counter() - began
        if time.perf_counter() - began > 60:
            raise RuntimeError(f"{describe(transition)} took more than a minute")


def _rows(spent: dict[tuple[type[Transition], str], float], sizes: dict[str, int]) -> Iterator[Row]:
    """The first, a middle and the last phase of each kind of transition, by entries in the log when it happened."""
    for kind, name in (
        (OpenPhase, "open"),
        (MarkWindow, "mark"),
        (CloseIntake, "close intake"),
        (DecidePhase, "decide"),
    ):
        rows = [
            Row(f"year: {name} {phase_id}", sizes[phase_id], spent[kind, phase_id])
            for phase_id in ("phase-01", "phase-05", "phase-10")
        ]
        yield rows[0]
        for row in rows[1:]:
            yield Row(row.name, row.events, row.seconds, "seconds of phase-01", row.seconds / rows[0].seconds)
