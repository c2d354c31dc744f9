"""Erasures of the small programme: which records, said by the office."""

from __future__ import annotations

from events.entry import Entry, decode_entry
from events.envelope import Envelope, decode
from infra.ledger import Ledger
from tests.support import small

AFTER = small.OPENS + 40 * small.DAY
GROUNDS = "a person asked for it"


def erasure(
    *places: tuple[str, int, int], at_ms: int = AFTER, event_id: str = "erase-1", grounds: str = GROUNDS
) -> Envelope:
    rows = [{"topic": topic, "partition": partition, "offset": offset} for topic, partition, offset in places]
    return small.event("record.erased", event_id, small.OFFICE, at_ms, records=rows, grounds=grounds)


def first_entry(ledger: Ledger, event_id: str, programme: str = small.PROGRAMME) -> Entry:
    """The first entry of the record that has this event id."""
    for stored in ledger.read(programme):
        entry = decode_entry(stored.entry)
        value = None if stored.opening is None else stored.opening.value
        if entry.of is None and value is not None and decode(value).id == event_id:
            return entry
    raise AssertionError(f"no entry of {event_id}")


def place_of(entry: Entry) -> tuple[str, int, int]:
    return entry.topic, entry.partition, entry.offset
