"""A scenario played whole over real parts: what came of it, and what a replay says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from events.bus import Bus
from events.entry import decode_entry
from events.envelope import decode
from flows.comparison import unmet
from flows.play import Player
from flows.prefect_server import PrefectServer
from flows.scenario import read_scenario
from flows.wiring import assemble
from handlers.replay import Replay
from handlers.replay_report import Report
from handlers.state import State
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.support.pipeline import own_events, without_basis
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN


@dataclass(frozen=True, slots=True)
class Outcome:
    """`verdicts` is the last one on each event id with its reason; `said` what the pipeline said, without what says how it
    lay in its log; `unmet` a line for each figure that is not as the scenario expects.
    """

    state: State
    transitions: list[str]
    verdicts: dict[str, tuple[str, str | None]]
    refused: list[str]
    said: dict[str, bytes]
    expected: int
    unmet: list[str]
    replay: Report


def memory() -> MemoryBus:
    return MemoryBus("memory", 12, "scenario", lambda: 0)


def play_scenario(folder: Path, bus: Bus, url: str, prefect: PrefectServer | None = None) -> Outcome:
    """Plays a scenario directory on a bus and an empty database, and replays its log. Without a Prefect server, which
    takes most of the time, what is due is performed in this thread.
    """
    upgrade(url)
    bus.ensure_topics()
    parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    scenario = read_scenario(folder)
    try:
        played = Player(scenario, parts, prefect, lambda _text: None).play()
        verdicts, refused = _verdicts(parts.ledger, scenario.programme)
        said = own_events(parts.ledger, scenario.programme)
        expected, lines = unmet(scenario.about, played.state)
        return Outcome(
            played.state,
            played.transitions,
            verdicts,
            refused,
            {name: without_basis(value) for name, value in said.items()},
            expected,
            lines,
            _replayed(
                parts.ledger,
                scenario.programme,
                Replay(
                    scenario.programme, f"{ORIGIN}/{scenario.programme}", parts.deployment, parts.ledger.attribution
                ),
            ),
        )
    finally:
        parts.close()


def _replayed(ledger: Ledger, programme: str, replay: Replay) -> Report:
    for stored in ledger.read(programme):
        replay.feed(stored)
    return replay.finish()


def _verdicts(ledger: Ledger, programme: str) -> tuple[dict[str, tuple[str, str | None]], list[str]]:
    verdicts: dict[str, tuple[str, str | None]] = {}
    names: dict[int, str] = {}
    refused = []
    for stored in ledger.read(programme):
        entry = decode_entry(stored.entry)
        if stored.opening is not None and stored.opening.value is not None:
            names[entry.index] = decode(stored.opening.value).id
        name = names[entry.index if entry.of is None else entry.of]
        verdicts[name] = (entry.verdict, entry.reason)
        refused += [name] if entry.verdict == "refused" else []
    return verdicts, refused
