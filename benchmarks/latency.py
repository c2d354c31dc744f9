"""From a deadline to the recorded decision: by `serve`, with a Prefect server and the recorder warm, and the same path without
Prefect. Every part is real and a process of its own: broker, recorder, Prefect server, `serve`; the ledger is SQLite.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measure import Row
from events.entry import decode_entry
from events.envelope import Envelope
from events.names import TYPES
from events.rulebook import digest
from events.values import format_instant
from flows.kept_open import KeptPublisher
from flows.office import message
from flows.prefect_server import PrefectServer
from flows.sending import uuid7
from flows.transitions import Progress
from flows.wiring import Parts, open_parts
from infra.clock import now_ms
from infra.kafka.broker import temporary_broker
from infra.ledger import Ledger
from infra.settings import Settings

AIM_S = 2.0
APART_MS = 2_000
LAST_MARK_BEFORE_MS = 200
PATIENCE_S = 120.0

RULES = """
programme: {programme}
version: "1"
sources:
  - {{source: "urn:measured:office", role: office, types: ["*"], signs: true}}
  - {{source: "urn:measured:jury", panel: jury, types: [score.recorded]}}
phases:
  - id: tasting
    opens: {opens}
    windows: {{scores: {closes}}}
    criteria:
      - id: taste
        points: 20
        panel: jury
        items: {{cake: [0, 20]}}
        steps: [{{over: items, by: sum}}, {{over: evaluators, by: mean}}, {{round: {{places: 1, mode: half-up}}}}]
    advance: {{places: 1}}
"""

STEPS = (
    ("the marker's stamp: the look, the start of the run, publication", "intake.marked", "stamp"),
    ("the four markers recorded", "intake.marked", "recorded"),
    ("intake.closed stamped", "intake.closed", "stamp"),
    ("intake.closed recorded", "intake.closed", "recorded"),
    ("assessments and decision computed and stamped", "phase.decided", "stamp"),
    ("decision recorded", "phase.decided", "recorded"),
)
"""From one to the next: what the time is spent on, and which moment ends it."""


@dataclass(slots=True)
class Course:
    """When each event of a programme was stamped by the broker and when it stood in the ledger, in Unix milliseconds."""

    deadline_ms: int
    stamp: dict[str, int] = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)

    def moments(self) -> list[int]:
        return [getattr(self, kind)[name] for _, name, kind in STEPS]


def from_deadline(folder: Path, count: int) -> Iterator[Row]:
    """The same path without Prefect first, then by `serve`: medians, the slowest in twenty, and what it is spent on."""
    with _deployment(folder) as (parts, environment):
        floor = _measured(parts, _names("plain", count), by_hand=True)
        with PrefectServer() as prefect:
            prefect.ready()
            more = {"PREFECT_API_URL": prefect.api_url, "PREFECT_HOME": str(folder / "prefect")}
            with _service("serve", environment | more, folder, "serving"):
                served = _measured(parts, _names("served", count), by_hand=False)
    plain = _row("deadline to recorded decision, without Prefect, median", floor)
    yield plain
    yield from _spent(floor)
    yield _row("deadline to recorded decision, by serve, median", served, plain)
    yield from _spent(served)
    slowest = [sorted(course.moments()[-1] - course.deadline_ms for course in served)[int(0.95 * (count - 1))]]
    yield Row("by serve, 95 of 100 are faster", count, slowest[0] / 1000 * count)
    from_event = [course.moments()[-1] - course.stamp["score.recorded"] for course in served]
    yield Row("last event before it to recorded decision, by serve, median", count, _median_s(from_event) * count)


def _names(kind: str, count: int) -> list[str]:
    return [f"{kind}-{number}" for number in range(count)]


def _median_s(all_ms: Sequence[int]) -> float:
    return statistics.median(all_ms) / 1000


def _row(name: str, courses: list[Course], peer: Row | None = None) -> Row:
    """`µs each` is the median."""
    median_s = _median_s([course.moments()[-1] - course.deadline_ms for course in courses])
    row = Row(name, len(courses), median_s * len(courses))
    if peer is None:
        return row
    ratio = row.microseconds / peer.microseconds
    return Row(name, row.events, row.seconds, peer.name, ratio, f"at most {AIM_S:g} s", median_s <= AIM_S)


def _spent(courses: list[Course]) -> Iterator[Row]:
    for number, (about, *_) in enumerate(STEPS):
        spent = [
            course.moments()[number] - (course.moments()[number - 1] if number else course.deadline_ms)
            for course in courses
        ]
        yield Row(f"  {about}", len(courses), max(_median_s(spent), 1e-6) * len(courses))


@contextmanager
def _deployment(folder: Path) -> Iterator[tuple[Parts, Mapping[str, str]]]:
    with ExitStack() as stack:
        broker = stack.enter_context(temporary_broker())
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PHASEGATE_")}
        environment = kept | {
            "PHASEGATE_HOME": str(folder / "home"), "PHASEGATE_KAFKA": broker.bootstrap, "PHASEGATE_PARTITIONS": "4",
            "PHASEGATE_PROGRESS_SECONDS": "3600",
        }  # fmt: skip
        for words in (["keys", "new", "office"], ["keys", "new", "log"], ["db", "upgrade"]):
            subprocess.run([sys.executable, "-m", "console", *words], env=environment, check=True, capture_output=True)
        stack.enter_context(_service("record", environment, folder, "recording"))
        parts = open_parts(_settings(environment))
        stack.callback(parts.close)
        yield parts, environment


def _settings(environment: Mapping[str, str]) -> Settings:
    names = ("home", "kafka", "partitions")
    return Settings.load(**{name: environment[f"PHASEGATE_{name.upper()}"] for name in names})


@contextmanager
def _service(name: str, environment: Mapping[str, str], folder: Path, ready: str) -> Iterator[None]:
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "console", name]
        process = subprocess.Popen(command, env=dict(environment), stdout=out, stderr=out)
    try:
        _until(lambda: f'"{ready}"' in log.read_text(), f"{name} is not ready; see {log}")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_S)


def _until(is_so: Any, otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.05)


def _measured(parts: Parts, names: Sequence[str], *, by_hand: bool) -> list[Course]:
    """All are opened one after the other, then closed one after the other: no two are at work at the same time."""
    voice = KeptPublisher(parts.bus)
    begin = now_ms() + 6_000
    closing = begin + (len(names) + 4) * APART_MS
    courses = [Course(closing + number * APART_MS) for number in range(len(names))]
    for number, (name, course) in enumerate(zip(names, courses, strict=True)):
        _announce(parts, voice, name, begin + number * APART_MS, course.deadline_ms)
    ways = [Progress(parts, name) for name in names]
    for number, way in enumerate(ways):
        way.office.publisher = voice
        if by_hand:
            _sleep_until(begin + number * APART_MS + 1)
            list(way.steps(now_ms()))
        _until(lambda way=way: "tasting" in way.state.phases, f"{way.programme} did not open")  # type: ignore[misc]
    for way, course in zip(ways, courses, strict=True):
        _close(parts, voice, way, course, by_hand=by_hand)
    voice.close()
    return courses


def _close(parts: Parts, voice: KeptPublisher, way: Progress, course: Course, *, by_hand: bool) -> None:
    _sleep_until(course.deadline_ms - LAST_MARK_BEFORE_MS)
    following = threading.Thread(target=_follow, args=(parts.ledger, way.programme, course), daemon=True)
    following.start()
    for team, value in (("ash", "12"), ("birch", "15")):
        slot = {"phase": "tasting", "criterion": "taste", "item": "cake", "evaluator": "ann"}
        _say(parts, voice, way.programme, "jury", "score.recorded", {**slot, "entrant": team, "value": value})
    if by_hand:
        _sleep_until(course.deadline_ms + 1)
        for _ in way.steps(now_ms()):
            pass
    following.join(PATIENCE_S)
    if following.is_alive():
        raise RuntimeError(f"{way.programme} was not decided")


def _follow(ledger: Ledger, programme: str, course: Course) -> None:
    """Notes the moments of what is recorded from now on, until the decision is."""
    head = ledger.head(programme)
    size = 0 if head is None else head.size
    while "phase.decided" not in course.recorded:
        for stored in ledger.read(programme, size, with_openings=False):
            entry, size = decode_entry(stored.entry), stored.index + 1
            name = "" if entry.type is None else TYPES[entry.type].short
            course.stamp.setdefault(name, entry.received_ms)
            if name in ("score.recorded", "intake.marked"):  # of several the last is waited for
                course.recorded[name] = now_ms()
            if name == "score.recorded":
                course.stamp[name] = entry.received_ms
            course.recorded.setdefault(name, now_ms())
        time.sleep(0.002)


def _announce(parts: Parts, voice: KeptPublisher, name: str, opens_ms: int, closes_ms: int) -> None:
    text = RULES.format(programme=name, opens=format_instant(opens_ms), closes=format_instant(closes_ms))
    document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - the loader that makes strings only
    rules = {"rulebook": document, "digest": digest(document), "clock": "broker"}
    _say(parts, voice, name, "office", "programme.announced", rules)
    _say(parts, voice, name, "office", "evaluator.appointed", {"evaluator": "ann", "panel": "jury"})
    for team in ("ash", "birch"):
        _say(parts, voice, name, "office", "entrant.registered", {"entrant": team, "name": team, "members": []})


def _say(parts: Parts, voice: KeptPublisher, programme: str, source: str, name: str, data: dict[str, Any]) -> None:
    at = now_ms()
    said = Envelope(uuid7(at), f"urn:measured:{source}", f"phasegate.{name}.v1", programme, format_instant(at), data)
    voice.publish([message(TYPES[said.type].topics[0], said, parts.office_key, None)])


def _sleep_until(at_ms: int) -> None:
    time.sleep(max(0, at_ms - now_ms()) / 1000)
