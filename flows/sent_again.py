"""What became of refused records that were sent again, and which record came of which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from events.entry import Entry, Opening, decode_entry
from events.record import Position
from flows.explained import event_of
from flows.reading import Reading
from flows.refused import RefusedRecord, refused_record
from handlers.explaining_left_out import sent_again, sent_before
from handlers.explanation import Noted
from handlers.state import State


@dataclass(frozen=True, slots=True)
class Successor:
    """The record that a refused one was sent again as: its first entry, and what became of it."""

    index: int
    verdict: str
    reason: str | None

    def data(self) -> dict[str, Any]:
        return {"index": self.index, "verdict": self.verdict, "reason": self.reason}


def successor(reading: Reading, programme: str, state: State, row: RefusedRecord) -> Successor | None:
    """The record that came under the id that the act names; of several the accepted one, else the last. None where the
    record is not sent again, or the act is on record and the record is not.
    """
    said = state.requeued.get(row.place)
    if said is None:
        return None
    found: dict[int, Successor] = {}
    wanted = said.as_id.encode()
    for index, data, value in reading.ledger.read_values(programme, 0, state.size):
        entry = decode_entry(data)
        if entry.of in found:
            found[entry.of] = Successor(entry.of, entry.verdict, entry.reason)
        elif value is not None and wanted in value and _comes_after(row.begun, entry) and _id_of(value) == said.as_id:
            found[index] = Successor(index, entry.verdict, entry.reason)
    accepted = [one for one in found.values() if one.verdict == "accepted"]
    return next(iter(accepted or reversed(list(found.values()))), None)


def _comes_after(before: Entry, entry: Entry) -> bool:
    """Behind it in its own partition; in another, wherever it stands: a record goes to where it belongs."""
    if (entry.topic, entry.partition) == (before.topic, before.partition):
        return entry.offset > before.offset
    return entry.index > before.index


def _id_of(value: bytes) -> object:
    return (event_of(Opening(b"", None, b"[]", value)) or {}).get("id")


def requeues_of(reading: Reading, programme: str, state: State, index: int) -> Iterator[Noted]:
    """Of a record by its first entry: that it was sent again, and of which refused one it came; each with the entries."""
    if not state.requeued:
        return
    stored = next(iter(reading.ledger.read(programme, index, index + 1)))
    entry = decode_entry(stored.entry)
    said = state.requeued.get((entry.topic, entry.partition, entry.offset))
    if said is not None:
        found = successor(reading, programme, state, refused_record(reading, programme, index, state.size))
        yield sent_again(said.index, None if found is None else found.index)
    event_id = (event_of(stored.opening) or {}).get("id")
    for place, one in state.requeued.items():
        before = reading.ledger.find(Position(*place)) if one.as_id == event_id else None
        if before is None:
            continue
        found = successor(reading, programme, state, refused_record(reading, programme, before[1], state.size))
        if found is not None and found.index == index:
            yield sent_before(before[1], one.index)
