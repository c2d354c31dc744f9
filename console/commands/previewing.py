"""What acts would change, before they are done: `preview`, and `--dry-run` of the acts that can change an outcome."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.commands.composing import moment, validated
from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from events.envelope import Envelope
    from handlers.state import State

REFUSED = 6


def preview(options: argparse.Namespace, report: Report) -> Result:
    """What the events of a file would change, taken together. Reads the ledger and sends nothing."""
    from console.commands.acting import announced
    from flows.reading import open_reading

    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = announced(reading.state(programme, options.at))
    at_ms = moment(state, options.now, is_needed=False)
    return result_of(state, list(_events(options.file, programme)), at_ms)


def _events(path: Path, programme: str) -> Iterator[Envelope]:
    """The events of a file, each of this programme and fit for its model. Raises Refused with the line of the first fault."""
    from events.envelope import Malformed, decode
    from events.names import TYPES
    from flows.sending import read_lines

    for line in read_lines(path, "broker", None):
        where = f"{path}:{line.number}"
        try:
            event = decode(line.message.value)
            if event.type not in TYPES:
                raise Refused(f"{where}: {event.type!r} is not in the table of stored names")
            validated(TYPES[event.type].short, event.data)
        except (Malformed, Usage) as error:
            raise Refused(f"{where}: {error.message}", hint="correct the line; nothing was sent") from None
        if event.subject != programme:
            raise Refused(f"{where}: it is about {event.subject!r}, not about {programme}")
        yield event


def result_of(state: State, events: Sequence[Envelope], at_ms: int) -> Result:
    """What the events would change. Exit code 6 when one of them would not be accepted."""
    from handlers.preview import preview as previewed

    phases, unaccepted = previewed(state, events, at_ms)
    data = {
        "programme": state.programme,
        "size": state.size,
        "sent": False,
        "events": [{"id": event.id, "type": event.type, "source": event.source} for event in events],
        "phases": [phase.data() for phase in phases],
        "unaccepted": unaccepted,
    }
    render = partial(_show, data)
    if not unaccepted:
        return Result(data, render)
    first = unaccepted[0]
    problem = f"{first['type']} would be {first['verdict']}"
    problem += f" as {first['reason']}: {first['detail']}" if first["reason"] else f": it {first['detail']}"
    return Result(data, render, REFUSED, problem, "nothing was sent")


def _show(data: Mapping[str, Any], console: Console) -> None:
    for phase in data["phases"]:
        show_preview(phase, console)
    if not data["phases"]:
        console.print("no phase that is open or could be computed anew is concerned")
    for row in data["unaccepted"]:
        console.print(
            f"would be {row['verdict']}: {row['type']} {row['reason'] or ''} {row['detail'] or ''}", soft_wrap=True
        )
    console.print("nothing was sent")


def show_preview(phase: Mapping[str, Any], console: Console) -> None:
    """One phase: who would stand elsewhere, and what the answer rests on."""
    from console.tables import table

    console.print(f"{phase['phase']}: " + ("these would change" if phase["changes"] else "nothing would change"))
    if phase["changes"]:
        rows = [(row["entrant"], *_arrows(row["before"], row["after"])) for row in phase["changes"]]
        console.print(table(("entrant", "rank", "total", "outcome"), rows))
    before, after = phase["vacancies"]["before"], phase["vacancies"]["after"]
    if before != after:
        console.print(f"  vacant places: {before} -> {after}")
    for row in phase["assumes"]:
        console.print(f"  supposing it {_SUPPOSED[row['code']]}: {row['what']}", soft_wrap=True)
    for row in phase["missing"]:
        console.print(f"  still missing: {row['code']}, owed by {row['who']}: {row['what']}", soft_wrap=True)
    console.print("")


_SUPPOSED = {"reopened": "is reopened", "approved": "is approved", "in-time": "comes in time"}


def _arrows(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    was, then = before or {}, after or {}
    pairs = [(_word(was.get(name)), _word(then.get(name))) for name in ("rank", "total", "outcome")]
    return [old if old == new else f"{old} -> {new}" for old, new in pairs]


def _word(value: object) -> str:
    return "-" if value is None else str(value)
