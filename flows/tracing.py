"""Whose trace a record that is sent now belongs to: a new one, that of the command's environment, or that of its cause."""

from __future__ import annotations

import os

from events.entry import decode_entry, decode_headers
from events.traceparent import Span, parse, span_of
from infra.ledger import Ledger

VARIABLE = "TRACEPARENT"
"""How a command is told the trace that it is called in; what tools that trace command lines set."""

LOOK_BACK = 200
"""Entries that are looked through for the record behind a settlement: those of one transaction that settles more are rare."""


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
            return None if opening is None else span_of(decode_headers(opening.headers))
    return None
