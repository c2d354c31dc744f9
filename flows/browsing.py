"""Going through a log from its end, a page at a time. However long the log is, a page looks at a bounded part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from events.entry import Entry, decode_entry
from events.names import PREFIX, TYPES
from flows.entries import erased_of, row
from flows.reading import Reading
from flows.traced import indexes_of

ROWS = 50
LOOKED_AT_MOST = 20_000
"""Entries that one page looks at: what is wanted seldom is looked for over several pages."""

_FIRST, _NEXT = 100, 1000
"""Entries that are read at a time: few where each is wanted."""

NO_TYPE = "-"
"""Asks for entries without a type: what was no event, or none of ours."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What entries are wanted; an empty text asks for nothing. `verdict` may be `waiting`, `type` is without prefix and
    version, `text` stands somewhere in what the record holds, `trace` is the id of the trace that its headers name.
    """

    verdict: str = ""
    type: str = ""
    reason: str = ""
    topic: str = ""
    text: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The newest wanted entries below an index, the newest first, and the lowest index that was looked at."""

    rows: list[dict[str, Any]]
    low: int


def browse(reading: Reading, programme: str, size: int, asked: Asked, before: int) -> Found:
    """The wanted ones below `before`, as they stood when the log had `size` entries. Each row has also `event`: what the
    record held, where that is a JSON object and stands with this entry.
    """
    erased = erased_of(reading, programme, size)
    floor = max(0, before - LOOKED_AT_MOST)
    traced = None if not asked.trace else indexes_of(reading, programme, (floor, before), asked.trace)
    rows: list[dict[str, Any]] = []
    for entry, settled_by, value in _backwards(reading, programme, (floor, before), size, asked):
        event = _event(value) if asked.text else None
        if traced is not None and entry.index not in traced:
            continue
        if _is_wanted(asked, entry, settled_by, event):
            first = entry.index if entry.of is None else entry.of
            more = {"settled_by": settled_by, "erased_by": erased.get(first), "event": event or _event(value)}
            rows.append(row(entry) | {"short": short_type(entry.type)} | more)
        if len(rows) == ROWS:
            return Found(rows, entry.index)
    return Found(rows, floor)


def _backwards(
    reading: Reading, programme: str, within: tuple[int, int], size: int, asked: Asked
) -> Iterator[tuple[Entry, int | None, bytes | None]]:
    floor, stop = within
    width = _FIRST if asked == Asked() else _NEXT
    while stop > floor:
        start = max(floor, stop - width)
        settlements = reading.ledger.settlements(programme, start, stop, size)
        for index, data, value in reversed(list(reading.ledger.read_values(programme, start, stop))):
            yield decode_entry(data), settlements.get(index), value
        stop = start


def _is_wanted(asked: Asked, entry: Entry, settled_by: int | None, event: dict[str, Any] | None) -> bool:
    return (
        _has_verdict(asked.verdict, entry, settled_by)
        and asked.type in ("", short_type(entry.type) or NO_TYPE)
        and asked.reason in ("", entry.reason)
        and asked.topic in ("", entry.topic)
        and (not asked.text or says(event, asked.text))
    )


def _has_verdict(verdict: str, entry: Entry, settled_by: int | None) -> bool:
    if verdict == "waiting":
        return entry.verdict == "pending" and settled_by is None
    return verdict in ("", entry.verdict)


def short_type(name: str | None) -> str:
    """A type without prefix and version, also of a version that is older than ours."""
    if name is None:
        return ""
    known = TYPES.get(name)
    return known.short if known else name.removeprefix(PREFIX).rsplit(".", 1)[0]


def _event(value: bytes | None) -> dict[str, Any] | None:
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def says(event: dict[str, Any] | None, text: str) -> bool:
    """Whether a text stands in an event, whatever the case."""
    return event is not None and any(text.casefold() in found.casefold() for found in texts(event))


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case dict() as members:
                left += members.values()
            case list() as items:
                left += items
            case _:
                pass
