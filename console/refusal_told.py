"""One refused record against what was expected of it, as plain data: for `refused`, and for its page in the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.next_steps import next_step
from events.envelope import Envelope, Malformed, decode, schema_uri
from events.names import TYPES
from events.reasons import REFUSALS
from events.values import format_instant
from flows.entries import opened
from flows.reading import Reading
from flows.refused import RefusedRecord
from flows.sent_again import Successor, successor
from handlers.concerns import phase_of
from handlers.schema_faults import schema_faults
from handlers.state import State


def told_of(reading: Reading, programme: str, row: RefusedRecord, state: State) -> dict[str, Any]:
    """Why it was refused, the record, its faults, the phase then and now, and what to do next. `state` is of now."""
    reason, event = row.refusing.reason or "", _event(row)
    said, followed = state.requeued.get(row.place), successor(reading, programme, state, row)
    again = {"said": said and said.index, "as": said and said.as_id, "record": followed and followed.data()}
    then = reading.reader.prefix(programme, row.refusing.index).state
    return {
        "index": row.begun.index,
        "settled_by": None if row.refusing is row.begun else row.refusing.index,
        "received": format_instant(row.begun.received_ms),
        "topic": row.begun.topic, "partition": row.begun.partition, "offset": row.begun.offset,
        "type": row.begun.type, "source": row.source,
        "reason": reason, "rule": REFUSALS[reason], "detail": row.detail,
        "record": None if row.opening is None else opened(row.opening),
        **_expected(event),
        "then": _phase(then, event), "now": _phase(state, event),
        "sent_again": None if said is None else again,
        "next": _next(programme, followed) or next_step(reason, programme, row.begun.index),
    }  # fmt: skip


def _next(programme: str, followed: Successor | None) -> str | None:
    """Of a record that was sent again: what it was sent as is to be looked at, or nothing."""
    if followed is None:
        return None
    if followed.verdict == "pending":
        return f"wait: what it was sent again as pends (phasegate log {programme} {followed.index})"
    if followed.verdict == "refused":
        return f"phasegate refused {programme} {followed.index}: what it was sent again as was refused too"
    return f"nothing: it was sent again, and entry {followed.index} counts"


def _event(row: RefusedRecord) -> Envelope | None:

    try:
        return decode(None if row.opening is None else row.opening.value)
    except Malformed:
        return None


def _expected(event: Envelope | None) -> dict[str, Any]:
    """The published schema of the type, and each fault of the record against it."""
    if event is None or event.type not in TYPES:
        return {"schema": None, "faults": []}
    return {"schema": schema_uri(event.type), "faults": [fault.data() for fault in schema_faults(event)]}


def _phase(state: State, event: Envelope | None) -> dict[str, Any] | None:
    """The phase that the record names, as it stood."""
    phase = None if event is None else phase_of(state, event.data)
    if phase is None:
        return None
    return {
        "phase": phase.rules.id,
        "status": phase.status,
        "opens": format_instant(phase.opens_ms),
        "deadlines": {window: format_instant(last_ms) for window, last_ms in _by_end(phase.deadlines)},
        "reopened_until": None if phase.round.until_ms is None else format_instant(phase.round.until_ms),
    }


def _by_end(deadlines: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(deadlines.items(), key=lambda row: (row[1], row[0]))
