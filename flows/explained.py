"""Reading from a ledger what an explanation is made from: two states, where marks stand, and what was not counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from events.entry import Entry, Opening, decode_entry
from events.errors import NotFound
from flows.reader import Moment
from flows.reading import Reading
from handlers.known import Known, Recorded
from handlers.other_history import size_decided_from
from handlers.state import Decision, State

_MARKS = frozenset({"phasegate.score.recorded.v1", "phasegate.score.corrected.v1"})


def known_of(reading: Reading, programme: str, state: State, decision: Decision | None) -> Known:
    """What is needed to explain a decision, from the prefix of the log that `state` was folded from. Without a decision the
    records that did not count are read, and no mark.
    """
    at_cut = None
    if decision is not None:
        size = size_decided_from(state, decision, reading.head(programme).origin)
        at_cut = None if size is None else reading.reader.prefix(programme, size).state
    places: dict[str, tuple[int, int]] = {}
    missed: dict[int, Recorded] = {}
    first: dict[int, tuple[Entry, Opening | None]] = {}
    for stored in reading.ledger.read(programme, 0, state.size):
        entry = decode_entry(stored.entry)
        if entry.of is not None:
            begun, opening = first.pop(entry.of)
        else:
            begun, opening = entry, stored.opening
        match entry.verdict:
            case "pending":
                first[entry.index] = (entry, opening)
            case "accepted":
                if decision is not None and begun.type in _MARKS and (event := event_of(opening)) is not None:
                    places[str(event["id"])] = (begun.index, begun.received_ms)
            case _:
                missed[begun.index] = _recorded(begun, entry, opening, stored.detail)
    return Known(state, at_cut, places, [missed[index] for index in sorted(missed)])


def event_of(opening: Opening | None) -> Mapping[str, Any] | None:
    """The event of a record, where it is the JSON of one."""
    if opening is None or opening.value is None:
        return None
    try:
        event = orjson.loads(opening.value)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None


def _recorded(begun: Entry, entry: Entry, opening: Opening | None, detail: str | None) -> Recorded:
    event = event_of(opening)
    data = None if event is None else event.get("data")
    return Recorded(
        begun.index,
        begun.received_ms,
        entry.verdict,
        entry.reason,
        detail,
        begun.type,
        data if isinstance(data, dict) else None,
        None if entry is begun else entry.index,
    )


def record_of(reading: Reading, programme: str, index: int, at: Moment | None) -> Recorded:
    """One record by the index of any of its entries, with the verdict that it has in the end. Raises NotFound."""
    size = reading.reader.size_at(programme, at)
    if not 0 <= index < size:
        raise NotFound(f"the log of {programme!r} has the entries 0 to {size - 1}, not {index}")
    stored = next(iter(reading.ledger.read(programme, index, index + 1)))
    entry = decode_entry(stored.entry)
    if entry.of is not None:
        begun = record_of(reading, programme, entry.of, at)
        return replace(begun, verdict=entry.verdict, reason=entry.reason, detail=stored.detail, settled=index)
    found = _recorded(entry, entry, stored.opening, stored.detail)
    if entry.verdict != "pending":
        return found
    for later in reading.ledger.read(programme, index + 1, size):
        settling = decode_entry(later.entry)
        if settling.of == index:
            detail, settled = later.detail, settling.index
            return replace(found, verdict=settling.verdict, reason=settling.reason, detail=detail, settled=settled)
    return found
