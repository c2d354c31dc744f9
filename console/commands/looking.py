"""How `status` shows where programmes stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from console.commands.course import conclusion, course, history

if TYPE_CHECKING:
    from rich.console import Console


def show_logs(data: Mapping[str, Any], console: Console) -> None:
    """One line per log."""
    from console.tables import table

    heads = ("log", "entries", "phases", "checkpoint", "age")
    rows = [
        (
            *(one["programme"], str(one["size"])),
            ", ".join(f"{row['phase']} {row['status']}" for row in one["phases"]) or "not announced",
            *(_checkpoint_size(one), _checkpoint_age(one)),
        )
        for one in data["logs"]
    ]
    console.print(table(heads, rows) if rows else "the ledger has no log yet; phasegate announce RULEBOOK begins one")
    _show_rest(console, data)


def _checkpoint_size(one: Mapping[str, Any]) -> str:
    if one["checkpoint"] is None:
        return "none"
    behind = one["checkpoint"]["behind"]
    return f"{one['checkpoint']['size']}" + (f", {behind} entries behind" if behind else "")


def _checkpoint_age(one: Mapping[str, Any]) -> str:
    return "" if one["checkpoint"] is None else duration(one["checkpoint"]["age_seconds"])


def duration(seconds: int) -> str:
    """`3 d 4 h`: the two largest units."""
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count or unit == "s")


def show_standing(data: Mapping[str, Any], console: Console) -> None:
    """One programme: its log, each phase with its windows and what it waits for, what is due."""
    verdicts = data["verdicts"]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    records = sum(verdicts.values())
    console.print(f"{data['programme']}: {data['size']} entries of {records} records: {counts}")
    console.print(f"  as of {data['now']} ({data['clock'] or 'no'} clock), last received {data['last_received']}")
    console.print(f"  entrants: {data['entrants']}")
    if data["erased"]:
        console.print(f"  erased: {data['erased']} records")
    console.print(f"  checkpoint: {_checkpoint_size(data)}, age {_checkpoint_age(data) or 'unknown'}\n")
    for row in data["phases"]:
        console.print(f"{row['phase']}: {row['status']}")
        for line in _lines(row):
            console.print(f"  {line}", soft_wrap=True)
    if (said := conclusion(data)) is not None:
        console.print(said)
    console.print("")
    since = f", since {data['due_since']}" if data["due"] else ""
    console.print(f"due now:  {data['due'] or 'nothing'}{since}")
    console.print(f"due next: {data['due_next'] or 'nothing by time alone'}")
    _show_rest(console, data)


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    for window in row["windows"]:
        marked = f", marked in {', '.join(window['marked'])}" if window["marked"] and not window["complete"] else ""
        yield f"{window['window']} until {window['deadline']}: {'complete' if window['complete'] else 'open'}{marked}"
    for missing in row["owed"]:
        yield f"held: {missing['code']}, owed by {missing['who']}: {missing['what']}"
    if row["unsigned"]:
        yield f"to be signed by {', '.join(row['unsigned'])}: decision {row['decision']}"
    yield from history(row)
    yield from course(row)


def _show_rest(console: Console, data: Mapping[str, Any]) -> None:
    recorder = data["recorder"]
    if recorder is not None:
        said = f"{recorder['behind']} records behind" if recorder["reachable"] else f"unknown: {recorder['problem']}"
        console.print(f"recorder: {said}")
        for row in recorder["erasures"] or ():
            console.print(
                f"erased, but still in Kafka: {row['records']} records of {row['topic']}/{row['partition']}, until"
                f" everything before offset {row['delete_before']} is deleted there (DeleteRecords)",
                soft_wrap=True,
            )
    for said in data["notes"]:
        console.print(f"note: {said['text']}", soft_wrap=True)
    for text in data["attention"]:
        console.print(f"ATTENTION {text}", soft_wrap=True)


def show_check(data: Mapping[str, Any], logs: int, console: Console) -> None:
    """For monitors: a line for each problem and each note, its code first; one line when all is well."""
    for word, key in (("ATTENTION", "problems"), ("note", "notes")):
        for said in data[key]:
            console.print(f"{word} {said['code']}: {said['text']}", soft_wrap=True)
    if not data["problems"]:
        console.print(f"ok: {logs} log{'' if logs == 1 else 's'}, nothing needs attention")
