"""Whose trace a record that is sent now belongs to: a new one, that of the command's environment, or that of its cause."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import orjson

from events.entry import Opening, decode_entry, decode_headers
from events.traceparent import Span, parse, span_of
from infra.ledger import Ledger

VARIABLE = "TRACEPARENT"
"""How a command is told the trace that it is called in; what tools that trace command lines set."""

LOOK_BACK = 200
"""Entries that are looked through for the record behind a settlement: those of one transaction that settles more are rare."""

LINKED_AMONG, LINKS_AT_MOST = 1000, 32
"""Entries before a cut whose traces a decision's line names, and how many of those traces."""


def following(span: Span | None) -> Span:
    """The next step of this trace; the first of a new one for None."""
    if span is None:
        return Span(os.urandom(16).hex(), os.urandom(8).hex())
    return Span(span.trace, os.urandom(8).hex(), span.flags)


def of_environment() -> Span | None:
    """The trace that this command is called in."""
    return parse(os.environ.get(VARIABLE, "").encode())


def behind(ledger: Ledger, programme: str, size: int) -> Span | None:
    """What the last record of the first `size` entries said. A settlement is no record: the one that brought it about stands
    before it. None where that was erased, or said nothing.
    """
    for stored in reversed(list(ledger.read(programme, max(0, size - LOOK_BACK), size, with_openings=False))):
        entry = decode_entry(stored.entry)
        if entry.of is None:
            opening = next(iter(ledger.read(programme, entry.index, entry.index + 1))).opening
            return span_in(opening)
    return None


def links(ledger: Ledger, programme: str, cut: int, phase: str, own: Span) -> list[Span]:
    """The steps that a decision rests on, besides the one that it goes on from: of records of its phase before its cut, the
    newest first, one for each trace, and not all of very many. Whatever is left out, `flows.traced` finds.
    """
    found: dict[str, Span] = {}
    for stored in reversed(list(ledger.read(programme, max(0, cut - LINKED_AMONG), cut))):
        span = span_in(stored.opening)
        if span is None or stored.opening is None or span.trace == own.trace or span.trace in found:
            continue
        if decode_entry(stored.entry).verdict in ("accepted", "pending") and phase_of(stored.opening) == phase:
            found[span.trace] = span
        if len(found) == LINKS_AT_MOST:
            break
    return list(found.values())


def span_in(opening: Opening | None) -> Span | None:
    """What the headers of a record say; None where it was erased."""
    return None if opening is None else span_of(decode_headers(opening.headers))


def data_of(opening: Opening) -> Mapping[str, Any]:
    """The data of a record's event; nothing of what is no event."""
    try:
        event = orjson.loads(opening.value or b"")
    except orjson.JSONDecodeError:
        return {}
    data = event.get("data") if isinstance(event, dict) else None
    return data if isinstance(data, dict) else {}


def phase_of(opening: Opening) -> str | None:
    """The phase that a record's event names."""
    phase = data_of(opening).get("phase")
    return phase if isinstance(phase, str) else None
