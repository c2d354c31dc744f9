"""What came of it: nothing lost or doubled, every log whole, and every decision that of a run in which nothing happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from events.bus import Bus
from events.entry import decode_entry
from events.record import TOPICS, Position, Record
from flows.transitions import Progress
from flows.wiring import Parts, assemble
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.endurance.conductor import script
from tests.endurance.cups import Cup
from tests.support.pipeline import own_events, without_basis
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

Told = Mapping[str, Mapping[str, bytes]]
"""By programme and id, what the pipeline said, without what tells how it lay in its log."""


def kept_as_acknowledged(parts: Parts, acknowledged: Iterable[tuple[Position, bytes | None]]) -> int:
    """Asserts that Kafka and the ledger have the very bytes at the place that was acknowledged. Returns how many."""
    records, count = on_the_bus(parts.bus), 0
    values = recorded(parts)
    for position, value in acknowledged:
        place = position.topic, position.partition, position.offset
        assert records[place].value == value, f"Kafka has something else at {position}"
        assert values[place] == value, f"the ledger has something else for {position}"
        count += 1
    return count


def on_the_bus(bus: Bus) -> dict[tuple[str, int, int], Record]:
    ends = bus.ends()
    return {
        (topic, partition, record.offset): record
        for (topic, partition), end in ends.items()
        if topic in TOPICS
        for record in bus.read(topic, partition, 0, end)
    }


def recorded(parts: Parts) -> dict[tuple[str, int, int], bytes | None]:
    """The bytes of every record as the ledger keeps them. Asserts that each has one first entry."""
    found: dict[tuple[str, int, int], bytes | None] = {}
    for head in parts.ledger.heads():
        for stored in parts.ledger.read(head.programme):
            if stored.opening is None:
                continue
            entry = decode_entry(stored.entry)
            place = entry.topic, entry.partition, entry.offset
            assert place not in found, f"{place} is recorded twice"
            found[place] = stored.opening.value
    return found


def told(ledger: Ledger, cups: Iterable[Cup]) -> Told:
    return {
        cup.name: {name: without_basis(value) for name, value in own_events(ledger, cup.name).items()} for cup in cups
    }


def told_in_quiet(folder: Path, cups: Iterable[Cup], seed: int, partitions: int) -> Told:
    """The same cups where nothing happens: one process, one recorder, a bus in memory."""
    url = f"sqlite:///{folder}/quiet.sqlite"
    upgrade(url)
    bus = MemoryBus("quiet", partitions, "scenario", lambda: 0)
    parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    recorder, publisher = parts.recorder(), bus.publisher()

    def record(_seconds: float = 0.0) -> None:
        while recorder.step(0.0):
            pass

    found: dict[str, Mapping[str, bytes]] = {}
    for cup in cups:
        way = Progress(parts, cup.name)
        way.office.pause = record
        for step in script(cup, seed):
            if isinstance(step, list):
                publisher.publish(step)
                record()
            else:
                list(way.steps(step))
        assert way.state.concluded is not None, f"{cup.name} does not come to its end where nothing happens"
        found |= told(parts.ledger, [cup])
    recorder.close()
    parts.close()
    return found
