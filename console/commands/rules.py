"""Rulebooks without a programme: `check` lists faults with their lines, `score` computes standings from a table."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.output import Report, Result, Usage
from events.errors import NotFound, Refused

if TYPE_CHECKING:
    from rich.console import Console

    from events.rulebook import Leaf, Phase, Rulebook
    from handlers.marks import Seats
    from infra.marks_file import MarkRow

REFUSED = 6
SCORED = frozenset({"criteria", "ties", "rank_by", "means"})
"""The members of a rulebook that scores and ranks follow from."""
NAMED_AT_MOST = 5
"""How many things a warning names before it says how many more there are."""


def check(options: argparse.Namespace, report: Report) -> Result:
    """Every fault of the document at once, in the order of its lines; exit code 6 when there are any."""
    from handlers.check import faults
    from infra.rulebook_file import load

    del report
    path: Path = options.rulebook
    loaded = load(path)
    found = sorted(
        (
            {"line": loaded.line(fault.path), "path": _dotted(fault.path), "code": fault.code,
             "message": fault.message}
            for fault in faults(loaded.document)
        ),
        key=lambda fault: (fault["line"], fault["path"], fault["code"]),
    )  # fmt: skip
    if not found:
        data = {"rulebook": str(path), "faults": []}
        return Result(data, lambda console: console.print(f"{path}: no faults", soft_wrap=True))
    return Result(
        {"rulebook": str(path), "faults": found},
        partial(_show_faults, path, found),
        REFUSED,
        f"{path} has {len(found)} fault{'s' if len(found) > 1 else ''}",
        "correct them; nothing is announced before a rulebook is free of them",
    )


def _dotted(path: Sequence[Any]) -> str:
    return ".".join(map(str, path))


def _show_faults(path: Path, found: Sequence[Mapping[str, Any]], console: Console) -> None:
    for fault in found:
        console.print(f"{path}:{fault['line']}: {fault['message']} [{fault['code']}]", soft_wrap=True)


def score(options: argparse.Namespace, report: Report) -> Result:
    """Standings of one phase. The evaluators found in the table are the panel."""
    from handlers.marks import Mark, missing_marks, seats_in
    from handlers.ranking import standings
    from handlers.scoring import score_phase
    from infra.marks_file import read_marks

    phase = chosen_phase(_rulebook(options.rulebook, report), options.phase)
    rows = _rows_of(phase, options.marks, read_marks(options.marks), report)
    marks = {row.slot: Mark(row.value, row.reference) for row in rows}
    entrants = sorted({row.team for row in rows})
    seats = seats_in(phase, marks)
    _warn_of_gaps(phase, missing_marks(phase, entrants, marks, seats), seats, report)
    scored = score_phase(phase, entrants, marks, seats)
    lines = [
        {"entrant": line.entrant, "rank": line.rank, "total": line.total, "scores": dict(line.scores)}
        for line in standings(scored)
    ]
    means = {node: value.text for node, value in scored.means.items()}
    data = {"phase": phase.id, "standings": lines, "means": means}
    return Result(data, partial(_show_standings, phase, lines, means))


def _rulebook(path: Path, report: Report) -> Rulebook:
    """The rules of a file. Faults in what scoring needs are refused; of others there is only a warning."""
    from events.rulebook import parse_rulebook
    from handlers.check import faults
    from infra.rulebook_file import load

    loaded = load(path)
    found = faults(loaded.document)
    grave = [fault for fault in found if SCORED & set(fault.path)] or ([] if _parses(loaded.document) else found)
    if grave:
        lines = [f"{path}:{loaded.line(fault.path)}: {fault.message}" for fault in grave]
        message = f"{len(lines)} faults keep the rulebook from scoring, first {lines[0]}"
        raise Refused(message, hint=f"phasegate check {path} lists all", faults=lines)
    if found:
        report.warn(f"{path} has faults that do not touch the scores: {len(found)}; phasegate check {path}")
    return parse_rulebook(loaded.document)


def _parses(document: object) -> bool:
    from events.rulebook import parse_rulebook

    try:
        return isinstance(document, dict) and parse_rulebook(document) is not None
    except Refused:
        return False


def chosen_phase(rulebook: Rulebook, wanted: str | None) -> Phase:
    """The phase that was asked for; the only one where none was."""
    names = ", ".join(phase.id for phase in rulebook.phases)
    if wanted is None and len(rulebook.phases) > 1:
        raise Usage(f"{rulebook.programme} has several phases: {names}", hint="choose one with --phase")
    found = rulebook.phases[0] if wanted is None else rulebook.find_phase(wanted)
    if found is None:
        raise NotFound(f"{rulebook.programme} has no phase {wanted!r}", hint=f"its phases are {names}")
    return found


def _rows_of(phase: Phase, path: Path, rows: Sequence[MarkRow], report: Report) -> list[MarkRow]:
    """The rows of this phase, each within its range. Rows of other criteria are left out, with a warning."""
    own = [row for row in rows if row.criterion in phase.leaves and row.item in phase.leaves[row.criterion].items]
    if rows and not own:
        known = ", ".join(phase.leaves)
        raise Refused(f"{path} has no mark for {phase.id}", hint=f"its criteria are {known}; is --phase right?")
    if len(own) < len(rows):
        strange = sorted(
            {f"{row.criterion}/{row.item}" for row in rows} - {f"{row.criterion}/{row.item}" for row in own}
        )
        report.warn(f"{len(rows) - len(own)} rows are left out; {phase.id} has no {_some(strange)}")
    wrong = [f"{path}:{row.line}: {fault}" for row in own if (fault := _fault(phase.leaves[row.criterion], row))]
    if wrong:
        message = f"{len(wrong)} marks cannot be scored, first {wrong[0]}"
        raise Refused(message, hint="correct the table (--json lists all); is it of this phase?", marks=wrong)
    return own


def _fault(leaf: Leaf, row: MarkRow) -> str:
    """What is wrong with a mark by the rules under which the recorder judges it, in words."""
    from events.values import format_number

    low, high = leaf.items[row.item]
    for name, value in (("value", row.value), ("reference", row.reference)):
        if value is not None and not low <= value <= high:
            allowed = f"{format_number(low)} to {format_number(high)}"
            return f"{name} {format_number(value)} of {leaf.id}/{row.item} is outside {allowed}"
    if leaf.takes_reference and (row.reference is None or row.reference <= 0):
        return f"{leaf.id}/{row.item} divides by a reference above 0, and there is none"
    return ""


def _warn_of_gaps(phase: Phase, gaps: Sequence[tuple[str, ...]], seats: Seats, report: Report) -> None:
    unmarked = [leaf for leaf in phase.leaves if not seats.get(leaf)]
    if unmarked:
        report.warn(f"nobody marked {', '.join(unmarked)}: no entrant has a total")
    if gaps:
        names = _some(["/".join(slot) for slot in gaps])
        report.warn(f"{len(gaps)} marks are missing, dealt with by `missing: {phase.missing}`: {names}")


def _some(names: Sequence[str]) -> str:
    rest = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _show_standings(
    phase: Phase, lines: Sequence[Mapping[str, Any]], means: Mapping[str, str], console: Console
) -> None:
    """Criteria downwards, entrants across by rank: there are more criteria than entrants."""
    from console.tables import table

    heads = ("criterion", "points", *(str(line["entrant"]) for line in lines), "mean")
    body = [
        (*_name_and_points(phase, node), *(line["scores"].get(node, "-") for line in lines), means.get(node, "-"))
        for node in _downwards(phase)
    ]
    body.append(("total", "", *(line["total"] or "-" for line in lines), means.get("total", "-")))
    body.append(("rank", "", *(str(line["rank"] or "-") for line in lines), ""))
    console.print(table(heads, body, numbers_from=1, title=phase.id))


def _downwards(phase: Phase) -> list[str]:
    """Each branch before its parts, as a reader expects a heading."""
    order = {node: place for place, node in enumerate(phase.tree)}
    first = {node: min(place for other, place in order.items() if f"{other}.".startswith(f"{node}.")) for node in order}
    return sorted(order, key=lambda node: (first[node], node.count(".")))


def _name_and_points(phase: Phase, node: str) -> tuple[str, str]:
    from events.rulebook import Leaf
    from events.values import format_number

    found = phase.tree[node]
    points = found.points if isinstance(found, Leaf) else None
    name = "  " * node.count(".") + node.rpartition(".")[2] + ("" if found.counts else " (does not count)")
    return name, "" if points is None else format_number(points)
