"""The entries of a log as plain data: in a list, and one alone with everything that the ledger keeps of it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from events.entry import Entry, Opening, decode_entry, decode_headers
from events.errors import NotFound
from events.merkle import leaf_hash
from events.values import format_instant
from flows.reading import Reading
from infra.ledger import Head, Stored

Wanted = Callable[[Entry, int | None], bool]
"""Asked of an entry and of the index of the entry that settles it, if there is one."""


def listed(
    reading: Reading, programme: str, size: int, wanted: Wanted | None, limit: int | None
) -> list[dict[str, Any]]:
    """The last `limit` of the wanted entries below `size`, in order; all of them without a limit."""
    start = max(0, size - limit) if wanted is None and limit is not None else 0
    settlements: dict[int, int] = {}
    if wanted is not None:
        settlements = {
            entry.of: entry.index for entry in _entries(reading, programme, start, size) if entry.of is not None
        }
    erased = erased_of(reading, programme, size)
    kept: deque[Entry] = deque(maxlen=limit)
    for entry in _entries(reading, programme, start, size):
        if entry.of is not None:
            settlements[entry.of] = entry.index
        if wanted is None or wanted(entry, settlements.get(entry.index)):
            kept.append(entry)
    return [row(entry) | _settled(entry, settlements) | {"erased_by": erased.get(_first(entry))} for entry in kept]


def erased_of(reading: Reading, programme: str, size: int) -> dict[int, int]:
    """The erased records of the first `size` entries, by index, with the entry that says so."""
    rows = reading.ledger.erased(programme)
    return {erased.index: erased.by for erased in rows if erased.by is not None and erased.by < size}


def place_of_entry(reading: Reading, head: Head, index: int) -> dict[str, Any]:
    """Where the record of an entry stands, as `record.erased` names it. Raises NotFound."""
    if not 0 <= index < head.size:
        raise NotFound(f"the log of {head.programme!r} has the entries 0 to {head.size - 1}, not {index}")
    entry = decode_entry(_stored(reading, head.programme, index).entry)
    return {"topic": entry.topic, "partition": entry.partition, "offset": entry.offset}


def _first(entry: Entry) -> int:
    return entry.index if entry.of is None else entry.of


def _entries(reading: Reading, programme: str, start: int, size: int) -> Iterator[Entry]:
    for stored in reading.ledger.read(programme, start, size, with_openings=False):
        yield decode_entry(stored.entry)


def row(entry: Entry) -> dict[str, Any]:
    """An entry's members; those that it does not have are null."""
    return {
        "index": entry.index,
        "received": format_instant(entry.received_ms),
        "received_by": entry.received_by,
        "verdict": entry.verdict,
        "topic": entry.topic,
        "partition": entry.partition,
        "offset": entry.offset,
        "type": entry.type,
        "reason": entry.reason,
        "of": entry.of,
    }


def _settled(entry: Entry, settlements: dict[int, int]) -> dict[str, Any]:
    return {"settled_by": settlements.get(entry.index)}


def whole(reading: Reading, programme: str, index: int, size: int) -> dict[str, Any]:
    """One entry: its bytes and hash, what its commitment opens to, why, and what settles it or what it settles."""
    if not 0 <= index < size:
        raise NotFound(f"the log of {programme!r} has the entries 0 to {size - 1}, not {index}")
    stored = _stored(reading, programme, index)
    entry = decode_entry(stored.entry)
    first = stored if entry.of is None else _stored(reading, programme, entry.of)
    settled_by = None
    if entry.verdict == "pending":
        settled_by = reading.ledger.settlements(programme, index, index + 1, size).get(index)
    return row(entry) | {
        "settled_by": settled_by,
        "commitment": entry.commitment,
        "bytes": stored.entry.decode(),
        "leaf_hash": leaf_hash(stored.entry).hex(),
        "detail": stored.detail,
        "record": None if first.opening is None else opened(first.opening),
        "erased_by": erased_of(reading, programme, size).get(first.index),
    }


def _stored(reading: Reading, programme: str, index: int) -> Stored:
    return next(iter(reading.ledger.read(programme, index, index + 1)))


def opened(opening: Opening) -> dict[str, Any]:
    """What a record held. `event` is its value where that is JSON; `value` the text of any other."""
    event, value = None, None
    if opening.value is not None:
        try:
            event = json.loads(opening.value)
        except ValueError:
            value = opening.value.decode("utf-8", errors="backslashreplace")
    return {
        "salt": opening.salt.hex(),
        "key": None if opening.key is None else opening.key.decode("utf-8", errors="backslashreplace"),
        "headers": [
            [name, text.decode("utf-8", errors="backslashreplace")] for name, text in decode_headers(opening.headers)
        ],
        "event": event,
        "value": value,
    }
