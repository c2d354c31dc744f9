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

    from flows.reading import Reading
    from flows.refused import RefusedRecord


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
    from console.refusal_told import told_of
    from flows.refused import refused_record

    size = reading.reader.size_at(programme, options.at)
    row = refused_record(reading, programme, options.index, size)
    if options.out is not None:
        _write(options.out, row)
    data = {"programme": programme, "size": size, "path": options.out and str(options.out)}
    data |= told_of(reading, programme, row, reading.reader.prefix(programme, size).state)
    return Result(data, partial(_show_one, data))


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
