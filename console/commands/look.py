"""Looking: `status`, `decisions`, `log`. Each as it is now, or as it was at an earlier size or time."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from console.commands.looking import show_check, show_logs, show_standing
from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console

    from console.arguments import At
    from events.entry import Entry
    from flows.entries import Wanted
    from flows.reading import Reading
    from infra.ledger import Head

ATTENTION = 10
LAST = 50
"""How many entries `log` shows unless it is told another number."""


def status(options: argparse.Namespace, report: Report) -> Result:
    """Where every log stands, or one programme in full. With `--check` a line for each problem, and exit code 10 when there
    is one. A broker that is away is one; without the database nothing can be said at all (exit code 7).
    """
    from flows.attention import notes_of, problems_of, problems_of_recorder
    from flows.bounded import ANSWER_S, within
    from flows.lag import recorder_lag
    from flows.reading import open_reading
    from flows.standing import standing
    from infra.clock import now_ms

    settings, wall_ms = settings_of(options, report), now_ms()
    with within(ANSWER_S, "the database", partial(open_reading, settings)) as reading:
        wanted = _heads_at(reading, options.at) if options.programme is None else [reading.head(options.programme)]
        told = [standing(reading, head, options.at, wall_ms) for head in wanted]
        recorder = recorder_lag(settings, reading.ledger, wall_ms) if options.at is None else None
    problems = [*(said for one in told for said in problems_of(one)), *problems_of_recorder(recorder)]
    notes = [said for one in told for said in notes_of(one)]
    data = {"logs": told} if options.programme is None else told[0]
    data |= {"recorder": recorder, "attention": [said.text for said in problems]}
    data |= {"problems": [asdict(said) for said in problems], "notes": [asdict(said) for said in notes]}
    if not options.check:
        return Result(data, partial(show_logs if options.programme is None else show_standing, data))
    render = partial(show_check, data, len(told))
    if not problems:
        return Result(data, render)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    hint = f"docs/operating.md#{problems[0].code} says what to do"
    return Result(data, render, ATTENTION, problems[0].text + more, hint)


def _heads_at(reading: Reading, at: At | None) -> list[Head]:
    """The logs that had an entry at that moment. A size means nothing to several logs: Usage."""
    if at is not None and at.size is not None:
        raise Usage(
            "--at with a size is of one log, and there may be several", hint="name the programme, or give a time"
        )
    return [head for head in reading.ledger.heads() if _had_begun(reading, head, at)]


def _had_begun(reading: Reading, head: Head, at: At | None) -> bool:
    try:
        return reading.reader.size_at(head.programme, at) > 0
    except NotFound:
        return False


def decisions(options: argparse.Namespace, report: Report) -> Result:
    """Every phase, and once decided its standings with every criterion, outcomes, means, vacancies and basis."""
    from flows.entries import erased_of
    from flows.reading import open_reading
    from handlers.views import phases_view

    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = reading.state(programme, options.at)
        gone = sorted(erased_of(reading, programme, state.size))
    titles = {rules.id: rules.title or {} for rules in (state.rulebook.phases if state.rulebook else ())}
    finalists = None if state.concluded is None else state.concluded.data["finalists"]
    data = {"programme": programme, "size": state.size, "phases": phases_view(state), "finalists": finalists}
    data["erased"] = gone
    announced = {} if state.announced is None else state.announced.data.get("title") or {}
    return Result(data, partial(_show_decisions, data, titles, announced))


def _show_decisions(
    data: dict[str, Any], titles: dict[str, dict[str, str]], announced: dict[str, str], console: Console
) -> None:
    """`announced` is the title under which the programme was announced: a scenario says there what it is."""
    from console.commands.course import conclusion, history
    from console.commands.showing import show_phase, text_of

    console.print(f"{data['programme']} at {data['size']} entries")
    if announced:
        console.print(text_of(announced))
    console.print("")
    for view in data["phases"]:
        show_phase(console, view, text_of(titles[view["phase"]] or {"en": view["phase"]}))
        if lines := list(history(view)):
            console.print("\n".join(f"  {line}" for line in lines) + "\n", soft_wrap=True)
    if data["erased"]:
        entries = ", ".join(map(str, data["erased"]))
        console.print(
            f"{len(data['erased'])} records are erased (entries {entries}); what was computed from them stands in the"
            " assessments, and phasegate replay says what cannot be recomputed",
            soft_wrap=True,
        )
    if not data["phases"]:
        console.print("no programme is announced in this log")
    if (line := conclusion(data)) is not None:
        console.print(line)


def log(options: argparse.Namespace, report: Report) -> Result:
    """The entries of a log, the last of them at the end; or one with everything that the ledger keeps of it."""
    from flows.entries import listed, whole
    from flows.reading import open_reading
    from flows.traced import of_trace

    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        size = reading.reader.size_at(programme, options.at)
        if options.index is not None:
            entry = whole(reading, programme, options.index, size)
            return Result({"programme": programme, "size": size, "entry": entry}, partial(_show_entry, entry))
        limit = options.limit or (None if options.json else LAST)
        wanted = _wanted(options)
        if options.trace is not None:
            rows = of_trace(reading, programme, size, options.trace, wanted, limit)
        else:
            rows = listed(reading, programme, size, wanted, limit)
    data = {"programme": programme, "size": size, "entries": rows}
    return Result(data, partial(_show_entries, data))


def _wanted(options: argparse.Namespace) -> Wanted | None:
    """What `--verdict` and `--type` ask for; None when they ask for nothing."""
    verdict, name = options.verdict, options.type
    if verdict is None and name is None:
        return None

    def wanted(entry: Entry, settled_by: int | None) -> bool:
        is_waiting = entry.verdict == "pending" and settled_by is None
        fits = verdict is None or (is_waiting if verdict == "waiting" else entry.verdict == verdict)
        return fits and (name is None or name in (entry.type, short_name(entry.type)))

    return wanted


def short_name(name: str | None) -> str:
    """`score.recorded` of `phasegate.score.recorded.v1`."""
    return "" if name is None else name.removeprefix("phasegate.").rpartition(".v")[0]


def _show_entries(data: Mapping[str, Any], console: Console) -> None:
    from console.tables import table

    heads: tuple[str, ...] = ("entry", "received", "verdict", "record", "type", "reason")
    rows = [
        (
            *(str(row["index"]), row["received"], _verdict(row)),
            *(f"{row['topic']}/{row['partition']}/{row['offset']}", short_name(row["type"]), row["reason"] or ""),
            *([", ".join(map(str, row["decisions"]))] if "decisions" in row else []),
        )
        for row in data["entries"]
    ]
    if any("decisions" in row for row in data["entries"]):
        heads = (*heads, "decisions")
    console.print(table(heads, rows))
    console.print(f"{len(rows)} of {data['size']} entries of {data['programme']}")


def _verdict(row: Mapping[str, Any]) -> str:
    if row["of"] is not None:
        return f"{row['verdict']} (settles {row['of']})"
    settled = "" if row["settled_by"] is None else f" (settled by {row['settled_by']})"
    return f"{row['verdict']}{settled}" + ("" if row["erased_by"] is None else ", erased")


def _show_entry(entry: Mapping[str, Any], console: Console) -> None:
    import json

    shown = {
        "entry": str(entry["index"]),
        "received": f"{entry['received']}, stamped by the {entry['received_by']}",
        "record": f"{entry['topic']}/{entry['partition']}/{entry['offset']}",
        "type": entry["type"] or "-",
        "verdict": _verdict(entry),
        "reason": entry["reason"],
        "detail": entry["detail"],
        "bytes": entry["bytes"],
        "leaf hash": entry["leaf_hash"],
        "commitment": entry["commitment"],
    }
    for name, text in shown.items():
        if text is not None:
            console.print(f"{name:<11} {text}", soft_wrap=True)
    if (record := entry["record"]) is None:
        by = entry["erased_by"]
        console.print("its record is not in this ledger" if by is None else f"its record was erased, by entry {by}")
        return
    console.print(f"{'salt':<11} {record['salt']}", soft_wrap=True)
    console.print(f"{'key':<11} {record['key']}", soft_wrap=True)
    for name, text in record["headers"]:
        console.print(f"{'header':<11} {name}: {text}", soft_wrap=True)
    if record["event"] is not None:
        console.print(json.dumps(record["event"], ensure_ascii=False, indent=2), soft_wrap=True)
    else:
        console.print(f"{'value':<11} {record['value']!r}", soft_wrap=True)
