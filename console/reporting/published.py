"""What a report for the public shows of a decision: outcomes without numbers, and the figures that were published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.commands.showing import why
from console.figures.figure import Figure
from console.figures.margins import Distance, margins_figure
from console.figures.standings import Standing, standings_figure
from console.reporting.chapters import Grid
from handlers.scoring import TOTAL
from handlers.state import Decision, PhaseState

Shown = Mapping[str, Any]


def outcomes_of(decision: Decision) -> Grid:
    """Who goes on and who does not, with the codes of the reasons: a decision itself holds no numbers."""
    found = [(row["entrant"], row["outcome"], why(row)) for row in decision.fact.data["outcomes"]]
    note = "Reasons are codes of the rules; docs/reference.md says what each means."
    entries = {row[0]: decision.fact.index for row in found}
    return Grid("Outcomes", ("entrant", "outcome", "reasons"), tuple(found), note, entries)


def published_grids(shown: Shown, index: int) -> Iterator[Grid]:
    """The figures of one `figures.published`, each kind a table that leads to its entry."""
    for name, found in shown.items():
        if name == "outcomes" or not found:  # The decision's own are shown.
            continue
        heads, rows = _rows(name, found)
        yield Grid(f"Published: {name}", heads, rows, entries={row[0]: index for row in rows})


def _rows(name: str, found: Shown) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    match name:
        case "first":
            firsts = [(path, ", ".join(row["entrants"]), row["score"]) for path, row in found.items()]
            return ("criterion", "first", "score"), tuple(firsts)
        case "scores":
            paths = list(dict.fromkeys(path for scores in found.values() for path in scores))
            rows = [(entrant, *(scores.get(path) or "-" for path in paths)) for entrant, scores in found.items()]
            return ("entrant", *paths), tuple(rows)
        case _:
            what = "criterion" if name in ("means", "gaps") else "entrant"
            return (what, name), tuple((key, "-" if value is None else str(value)) for key, value in found.items())


def published_figures(phase: PhaseState, decision: Decision, shown: Shown, about: str) -> Iterator[Figure]:
    """Pictures of what was published, where it is enough for one."""
    outcomes = {row["entrant"]: row["outcome"] for row in decision.fact.data["outcomes"]}
    ranks, totals, scores = (shown.get(name) or {} for name in ("ranks", "totals", "scores"))
    if totals or scores:
        criteria = [rule.id for rule in phase.rules.criteria if rule.counts] if scores else [TOTAL]
        rows = [
            Standing(name, ranks.get(name), totals.get(name), _parts(name, criteria, scores, totals), outcomes[name])
            for name in _by_rank(outcomes, ranks)
        ]
        places = None if phase.rules.advance is None or not ranks else phase.rules.advance.places
        title = f"Standings of {phase.rules.id}, as published"
        yield standings_figure(f"standings-{phase.rules.id}", title, about, criteria, rows, places)
    if margins := shown.get("margins"):
        distances = [Distance(name, margins.get(name), outcomes[name]) for name in _by_rank(outcomes, ranks)]
        title = f"Margins at the last place of {phase.rules.id}, as published"
        yield margins_figure(f"margins-{phase.rules.id}", title, about, distances)


def _parts(name: str, criteria: list[str], scores: Shown, totals: Shown) -> tuple[str | None, ...]:
    own = scores.get(name) or {TOTAL: totals.get(name)}
    return tuple(own.get(path) for path in criteria)


def _by_rank(outcomes: Mapping[str, str], ranks: Shown) -> list[str]:
    return sorted(outcomes, key=lambda name: (ranks.get(name) is None, ranks.get(name), name))
