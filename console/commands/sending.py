"""Sending events: `announce` begins a programme, `publish` sends what is in a file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result
from events.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from events.entry import Entry
    from events.record import Position
    from events.rulebook import Rulebook
    from flows.sending import Line

REFUSED = 6


def announce(options: argparse.Namespace, report: Report) -> Result:
    """Publishes the rules of a programme, signed with the office's key, and waits until they are recorded."""
    from flows.office import Office
    from flows.sending import announcement
    from flows.tracing import following, of_environment
    from flows.wiring import open_bus, open_ledger
    from infra.clock import now_ms
    from infra.keys import load_key

    rulebook, document = announceable(options.rulebook)
    settings = settings_of(options, report)
    key = load_key(settings.office_key)
    with open_ledger(settings) as ledger, closing(open_bus(settings, ledger)) as bus:
        if options.clock not in (None, bus.clock):
            raise Refused(
                f"the topics of {bus.prefix!r} run in the {bus.clock}'s time, not in the {options.clock}'s",
                hint="leave --clock out; a programme in its own time is played by phasegate run",
            )
        event = announcement(rulebook, document, bus.clock, now_ms())
        report.say(f"announcing {rulebook.programme}; waiting until it is recorded")
        (entry,) = Office(bus, ledger, key).publish([("decisions", event)], span=following(of_environment()))
    data = {
        "programme": rulebook.programme,
        "id": event.id,
        "digest": event.data["digest"],
        "clock": event.data["clock"],
    }
    data |= {"topic": entry.topic, "partition": entry.partition, "offset": entry.offset}
    data |= {"index": entry.index, "verdict": entry.verdict}
    return Result(data, partial(_show_announced, data))


def announceable(path: Path) -> tuple[Rulebook, Mapping[str, Any]]:
    """A rulebook without a fault, as read and as written. Raises Refused naming the lines of its faults."""
    from events.rulebook import is_bare, parse_rulebook
    from handlers.check import faults
    from infra.rulebook_file import load

    loaded = load(path)
    found = [f"{path}:{loaded.line(fault.path)}: {fault.message}" for fault in faults(loaded.document)]
    if found:
        message = f"{len(found)} faults keep the rulebook from being announced, first {found[0]}"
        raise Refused(message, hint=f"phasegate check {path} lists all", faults=found)
    if is_bare(loaded.document):
        raise Refused(f"{path} is a table of criteria without a programme", hint="give it a programme and its phases")
    return parse_rulebook(loaded.document), loaded.document


def _show_announced(data: Mapping[str, Any], console: Console) -> None:
    console.print(f"{data['programme']} is announced: {data['verdict']} as entry {data['index']} of its log")
    console.print(f"  rulebook {data['digest']}", soft_wrap=True)
    console.print(f"  event    {data['id']} at {data['topic']}/{data['partition']}/{data['offset']}", soft_wrap=True)


def publish(options: argparse.Namespace, report: Report) -> Result:
    """Sends every event of a file, or none when one of its lines cannot be sent."""
    from flows.office import Office
    from flows.sending import read_lines, send
    from flows.wiring import open_bus, open_ledger
    from infra.keys import load_key

    settings = settings_of(options, report)
    key = None if options.key is None else load_key(options.key)
    with open_ledger(settings) as ledger, closing(open_bus(settings, ledger)) as bus:
        lines = read_lines(options.file, bus.clock, key)
        with report.progress("publishing", len(lines)) as advance:
            positions = send(bus, lines, advance)
        entries: Sequence[Entry | None] = [None] * len(lines)
        if options.wait:
            report.say(f"{len(lines)} events are sent; waiting until they are recorded")
            entries = Office(bus, ledger, key).recorded(positions)
    rows = [_row(*parts) for parts in zip(lines, positions, entries, strict=True)]
    data = {"file": str(options.file), "sent": len(rows), "signed": key is not None, "events": rows}
    refused = [row for row in rows if row.get("verdict") == "refused"]
    render = partial(_show_sent, data)
    if not refused:
        return Result(data, render)
    problem = (
        f"{len(refused)} of {len(rows)} events were refused, first line {refused[0]['line']}: {refused[0]['reason']}"
    )
    hint = f"phasegate log {refused[0]['programme']} {refused[0]['index']} shows why"
    return Result(data, render, REFUSED, problem, hint)


def _row(line: Line, position: Position, entry: Entry | None) -> dict[str, Any]:
    row = {"line": line.number, "id": line.id, "type": line.type, "programme": (line.message.key or b"").decode()}
    row |= {"topic": position.topic, "partition": position.partition, "offset": position.offset}
    if entry is not None:
        row |= {"index": entry.index, "verdict": entry.verdict, "reason": entry.reason}
    return row


def _show_sent(data: Mapping[str, Any], console: Console) -> None:
    from console.tables import table

    is_recorded = any("verdict" in row for row in data["events"])
    heads = ("line", "record", "id", *(("entry", "verdict", "reason") if is_recorded else ()))
    rows = []
    for row in data["events"]:
        place = (str(row["line"]), f"{row['topic']}/{row['partition']}/{row['offset']}", str(row["id"]))
        rows.append(
            (
                *place,
                *(
                    "" if row[name] is None else str(row[name])
                    for name in ("index", "verdict", "reason")
                    if is_recorded
                ),
            )
        )
    console.print(table(heads, rows))
    console.print(f"{data['sent']} events sent" + ("" if is_recorded else "; --wait waits until they are recorded"))
