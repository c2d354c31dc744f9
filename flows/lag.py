"""How far the recorder is behind the bus, measured outside its consumer, so that a recorder that hangs shows too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from events.bus import Bus
from events.entry import decode_entry
from events.errors import Refused, Unavailable
from events.record import Record
from flows.bounded import ANSWER_S, within
from infra.ledger import Ledger
from infra.settings import Settings

LOOK_AHEAD = 1000
"""Offsets that are looked through for a first record that is not recorded: some hold no record (Kafka's control batches)."""

READ_S = 60.0
"""How long a broker that answers may take to hand out what waits in each partition."""


@dataclass(frozen=True, slots=True)
class Behind:
    """One partition with records that the ledger does not have; `since_ms`: the receipt of the first (Unix milliseconds)."""

    topic: str
    partition: int
    next_offset: int
    records: int
    since_ms: int


def behind(bus: Bus, ledger: Ledger, ends: Mapping[tuple[str, int], int] | None = None) -> list[Behind]:
    """The partitions with unrecorded records below `ends`; by default below where the bus ends now. Raises Unavailable."""
    ends = bus.ends() if ends is None else ends
    positions = ledger.positions(ends)
    found = []
    for (topic, partition), end in sorted(ends.items()):
        start = positions[topic, partition]
        if start >= end:
            continue
        if (first := first_waiting(bus, topic, partition, start, end)) is not None:
            found.append(Behind(topic, partition, start, end - start, first.received_ms))
    return found


def first_waiting(bus: Bus, topic: str, partition: int, start: int, end: int) -> Record | None:
    """The first record at `start` or after it; None when there is none up to `end`."""
    return next(iter(bus.read(topic, partition, start, min(end, start + LOOK_AHEAD))), None)


def recorder_lag(settings: Settings, ledger: Ledger, now_ms: int) -> dict[str, Any] | None:
    """How many records are not recorded yet, and how long the first of them has waited; None where no Kafka is named by
    the settings nor was ever started here. In scenario time there are no seconds to tell.
    """
    stream = ledger.stream()
    if stream is None or not (settings.kafka or (settings.home / "kafka").exists()):
        return None
    try:
        bus, ends = within(ANSWER_S, "Kafka", partial(_reached, settings, ledger))
        with closing(bus):
            rows, left = within(READ_S, "Kafka", lambda: (behind(bus, ledger, ends), still_on_the_bus(bus, ledger)))
    except (Unavailable, Refused) as error:
        return {"reachable": False, "problem": error.message, "behind": None, "seconds": None, "erasures": None}
    waited_ms = max((now_ms - row.since_ms for row in rows), default=0) if stream.clock == "broker" else None
    seconds = None if waited_ms is None else max(0, waited_ms) // 1000
    count = sum(row.records for row in rows)
    return {"reachable": True, "problem": None, "behind": count, "seconds": seconds, "erasures": left}


def _reached(settings: Settings, ledger: Ledger) -> tuple[Bus, Mapping[tuple[str, int], int]]:
    from flows.wiring import open_bus

    bus = open_bus(settings, ledger)
    return bus, bus.ends()


def still_on_the_bus(bus: Bus, ledger: Ledger) -> list[dict[str, Any]]:
    """The partitions in which Kafka still holds records that were erased: how many, and the offset before which everything
    would have to be deleted there (DeleteRecords) for them to be gone.
    """
    offsets: dict[tuple[str, int], list[int]] = defaultdict(list)
    for head in ledger.heads():
        for erased in ledger.erased(head.programme):
            entry = decode_entry(next(iter(ledger.read(head.programme, erased.index, erased.index + 1))).entry)
            offsets[entry.topic, entry.partition].append(entry.offset)
    if not offsets:
        return []
    begins = bus.begins()
    left = {at: [offset for offset in found if offset >= begins.get(at, 0)] for at, found in sorted(offsets.items())}
    return [
        {"topic": topic, "partition": partition, "records": len(found), "delete_before": max(found) + 1}
        for (topic, partition), found in left.items()
        if found
    ]
