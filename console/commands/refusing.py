"""`refused`: what was refused, those that are alike together; or one record against what was expected of it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from events.envelope import Envelope
    from flows.reading import Reading
    from flows.refused import RefusedRecord
    from flows.sent_again import Successor
    from handlers.state import State


def refused(options: argparse.Namespace, report: Report) -> Result:
    """All logs, with those of records that belong to no programme; one log; or one record of it."""
    from flows.reading import open_reading

    if options.out is not None and options.index is None:
        raise Usage("--out writes one record, and none is named", hint="phasegate refused PROGRAMME INDEX --out FILE")
    with open_reading(settings_of(options, report)) as reading:
        if options.index is None:
            return _groups(reading, options)
        programme = reading.head(options.programme).programme
        return _one(reading, programme, options)


def _groups(reading: Reading, options: argparse.Namespace) -> Result:
    named = options.programme
    if named is None and options.at is not None and options.at.size is not None:
        raise Usage("--at with a size is of one log, and there may be several", hint="name the programme, or a time")
    heads = reading.ledger.heads() if named is None else [reading.head(named)]
    logs = [one for head in heads if (one := _of_log(reading, head.programme, options)) is not None]
    data = logs[0] if named is not None and logs else {"logs": logs}
    return Result(data, partial(_show_groups, logs))


def _of_log(reading: Reading, programme: str, options: argparse.Namespace) -> dict[str, Any] | None:
    """None for a log that had not begun at that time, where all are asked for."""
    from flows.refused import grouped, refused_records

    try:
        size = reading.reader.size_at(programme, options.at)
    except NotFound:
        if options.programme is not None:
            raise
        return None
    rows = [row for row in refused_records(reading, programme, size) if _is_wanted(row, options)]
    requeued = reading.reader.prefix(programme, size).state.requeued
    groups = [group.data() for group in grouped(rows, requeued)]
    return {"programme": programme, "size": size, "count": len(rows), "groups": groups}


def _is_wanted(row: RefusedRecord, options: argparse.Namespace) -> bool:
    return options.reason in (None, row.refusing.reason) and options.source in (None, row.source)


def _show_groups(logs: list[dict[str, Any]], console: Console) -> None:
    from console.commands.refusal_shown import printable
    from console.tables import table

    heads = ("log", "reason", "source", "records", "sent again", "first", "last", "example")
    rows = [
        (
            *(one["programme"], row["reason"], printable(row["source"] or "?", 120)),
            *(str(row["count"]), str(row["sent_again"]), row["first"], row["last"], str(row["example"])),
        )
        for one in logs
        for row in one["groups"]
    ]
    if not rows:
        console.print("nothing was refused")
        return
    console.print(table(heads, rows))
    console.print("phasegate refused LOG EXAMPLE shows the record, what was expected, and what to do next")


def _one(reading: Reading, programme: str, options: argparse.Namespace) -> Result:
    from flows.refused import refused_record

    size = reading.reader.size_at(programme, options.at)
    row = refused_record(reading, programme, options.index, size)
    if options.out is not None:
        _write(options.out, row)
    data = {"programme": programme, "size": size, "path": options.out and str(options.out)}
    data |= _told(reading, programme, row, reading.reader.prefix(programme, size).state)
    return Result(data, partial(_show_one, data))


def _told(reading: Reading, programme: str, row: RefusedRecord, state: State) -> dict[str, Any]:
    from console.next_steps import next_step
    from events.reasons import REFUSALS
    from events.values import format_instant
    from flows.entries import opened
    from flows.sent_again import successor

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
    from events.envelope import Malformed, decode

    try:
        return decode(None if row.opening is None else row.opening.value)
    except Malformed:
        return None


def _expected(event: Envelope | None) -> dict[str, Any]:
    """The published schema of the type, and each fault of the record against it."""
    from events.envelope import schema_uri
    from events.names import TYPES
    from handlers.schema_faults import schema_faults

    if event is None or event.type not in TYPES:
        return {"schema": None, "faults": []}
    return {"schema": schema_uri(event.type), "faults": [fault.data() for fault in schema_faults(event)]}


def _phase(state: State, event: Envelope | None) -> dict[str, Any] | None:
    """The phase that the record names, as it stood."""
    from events.values import format_instant
    from handlers.concerns import phase_of

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


def _write(path: Path, row: RefusedRecord) -> None:
    if row.opening is None or row.opening.value is None:
        raise Refused(f"there are no bytes of the record of entry {row.begun.index}", hint="nothing was written")
    try:
        with path.open("xb") as file:
            file.write(row.opening.value)
    except FileExistsError:
        raise Refused(f"{path} is there already", hint="name another file; nothing was written") from None
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error


def _show_one(data: Mapping[str, Any], console: Console) -> None:
    from console.commands.refusal_shown import show_refusal

    show_refusal(data, console)
