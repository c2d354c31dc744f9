"""Everything is killed at random while programmes run to their end: `python -m tests.endurance.chaos`, or `make chaos`.

Recorders, broker, PostgreSQL and flows are killed with -9 and paused, and PostgreSQL's disk fills. At the end nothing may be
lost or doubled, every log must hold, and every decision must be that of a quiet run.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from events.values import parse_instant
from infra.ledger import Ledger
from tests.e2e.test_recorder_crash import everything_is_recorded_once
from tests.endurance.chaos_world import UNAVAILABLE, World, world
from tests.endurance.conductor import Conductor
from tests.endurance.cups import Cup
from tests.endurance.faults import Faults, Say
from tests.endurance.processes import end
from tests.endurance.verdict import kept_as_acknowledged, told, told_in_quiet

DAY_MS = 86_400_000
BEGINS_MS = parse_instant("2030-01-01T00:00:00.000Z")
HEALS_WITHIN_S = 180.0
ALLOWED = {-9, UNAVAILABLE, 0}
"""How a recorder may end: killed, or by itself where its broker or database is away as it starts, or told to."""


@dataclass(frozen=True)
class Size:
    """How large a run is; `marks` of each phase are teams x judges x items."""

    programmes: int = 60
    teams: int = 10
    judges: int = 20
    items: int = 4
    partitions: int = 12
    recorders: int = 3
    workers: int = 2
    at_once: int = 8
    disk_mb: int = 3000
    gap_s: tuple[float, float] = (5.0, 12.0)
    pause_s: tuple[float, float] = (4.0, 16.0)
    within_s: float = 5400.0
    only_once: bool = False
    """Each kind of fault once, and no more."""

    def cups(self) -> list[Cup]:
        phases = tuple((BEGINS_MS + n * 40 * DAY_MS, BEGINS_MS + (n * 40 + 30) * DAY_MS) for n in range(2))
        return [
            Cup(f"cup-{number:03}", "scenario", BEGINS_MS - 30 * DAY_MS, phases, self.teams, self.judges, self.items)
            for number in range(self.programmes)
        ]


SHORT = Size(
    programmes=6,
    teams=6,
    judges=10,
    items=4,
    at_once=6,
    disk_mb=400,
    gap_s=(0.5, 2.0),
    pause_s=(3.0, 13.0),
    within_s=900.0,
    only_once=True,
)


@dataclass
class Found:
    """The figures of a run."""

    seed: int
    disk: str = ""
    records: int = 0
    acknowledged: int = 0
    sent_again: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    recorders_ended: dict[int, int] = field(default_factory=dict)
    flows_killed: int = 0
    flows_failed: dict[str, int] = field(default_factory=dict)
    decisions: int = 0
    events_of_pipeline: int = 0
    seconds: float = 0.0
    heals_s: float = 0.0


def play(size: Size, seed: int, folder: Path, say: Say) -> Found:
    """A whole run; every claim is asserted. Raises AssertionError."""
    cups, found = size.cups(), Found(seed)
    quiet, began = told_in_quiet(folder, cups, seed, size.partitions), time.monotonic()
    with world(folder, size.partitions, size.recorders, size.workers, size.disk_mb) as on:
        found.disk = on.disk.how
        conductor = Conductor(on, cups, seed, size.at_once)
        faults = Faults(on, Random(seed), size.gap_s, size.pause_s, say, size.only_once)
        threads = conductor.start()
        faults.start()
        while any(thread.is_alive() for thread in threads):
            assert time.monotonic() - began < size.within_s, f"seed {seed}: not through in {size.within_s:.0f} s"
            assert faults.error is None, f"seed {seed}: {faults.error!r}"
            time.sleep(0.5)
        faults.stop.set()
        faults.join(HEALS_WITHIN_S)
        assert faults.error is None, f"seed {seed}: {faults.error!r}"
        assert conductor.failed == [], f"seed {seed}: {conductor.failed}"
        found.seconds = round(time.monotonic() - began, 1)
        _settle(on, found)
        acknowledged = [one for sender in conductor.senders for one in sender.acknowledged]
        everything_is_recorded_once(on.parts, [position for position, _ in acknowledged])
        found.acknowledged = kept_as_acknowledged(on.parts, acknowledged)
        found.records = sum(on.parts.bus.ends().values())
        found.sent_again = sum(sender.again for sender in conductor.senders)
        found.faults = faults.done
        _note(on, found)
        said = told(on.parts.ledger, cups)
    assert said == quiet, f"seed {seed}: {different(said, quiet)}"
    found.events_of_pipeline = sum(map(len, said.values()))
    found.decisions = sum(b"phase.decided" in value for rows in said.values() for value in rows.values())
    return found


def _settle(on: World, found: Found) -> None:
    """Nothing happens any more: the recorders catch up and sign, and end when they are told to."""
    began = time.monotonic()
    on.wake()
    while not _is_settled(on):
        assert time.monotonic() - began < HEALS_WITHIN_S, "the recorders do not catch up and sign"
        time.sleep(0.5)
    found.heals_s = round(time.monotonic() - began, 1)
    on.over.set()
    endings = Counter(ending for one in on.recorders for ending in one.endings.elements())
    endings.update(end(one.process, 60) for one in on.recorders)
    found.recorders_ended = dict(endings)
    assert set(endings) <= ALLOWED, f"recorders ended by themselves: {endings}; see {on.folder}/recorder-*.log"
    assert endings[0] >= len(on.recorders), f"a recorder did not end when it was told to: {endings}"


def _is_settled(on: World) -> bool:
    ends, ledger = on.parts.bus.ends(), on.parts.ledger
    return ledger.positions(list(ends)) == ends and all(
        _is_signed(ledger, head.programme, head.size) for head in ledger.heads()
    )


def _is_signed(ledger: Ledger, name: str, size: int) -> bool:
    signed = ledger.checkpoints(name)
    return bool(signed) and signed[-1].size == size


def _note(on: World, found: Found) -> None:
    found.flows_killed = sum(worker.killed for worker in on.workers)
    failed: Counter[str] = Counter()
    for worker in on.workers:
        for answer, count in worker.failed.items():
            failed[answer.partition(":")[0]] += count
    found.flows_failed = dict(failed)
    assert "Refused" not in failed, [worker.failed for worker in on.workers]


def different(said: object, quiet: object) -> str:
    """The first place where two runs are not the same."""
    if isinstance(said, dict) and isinstance(quiet, dict):
        for name in sorted(said.keys() | quiet.keys()):
            if said.get(name) != quiet.get(name):
                return f"{name}: {different(said.get(name), quiet.get(name))}"
    return f"{said!r} where a quiet run has {quiet!r}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=20260115)
    parser.add_argument("--programmes", type=int, default=Size.programmes)
    parser.add_argument("--short", action="store_true", help="the form that the tests run")
    parser.add_argument("--keep", type=Path, help="a folder for keys and logs of the processes, which then stay")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="phasegate-chaos-") as name:
        folder = given.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        size = SHORT if given.short else Size(programmes=given.programmes)
        found = play(size, given.seed, folder, _say)
    _say(json.dumps(asdict(found), indent=2))
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
