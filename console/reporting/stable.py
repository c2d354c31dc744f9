"""Tables of a phase's robustness: other roundings, panels drawn anew, the smallest changes, agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.reporting.chapters import Grid

Told = Mapping[str, Any]


def grids(told: Told) -> Iterator[Grid]:
    """From the data of `phasegate robustness`; an empty table is left out."""
    for grid in (_smallest(told), _variants(told), _figures(told), _drawn(told), _agreement(told)):
        if grid.rows:
            yield grid


def _smallest(told: Told) -> Grid:
    found = [
        (
            name,
            "/".join(flip["mark"][part] for part in ("entrant", "criterion", "item", "evaluator")),
            flip["value"],
            flip["instead"],
            f"{flip['before']} → {flip['after']}",
        )
        for name, flip in told["smallest_by_entrant"].items()
    ]
    note = "Nothing smaller than this, in one mark, changes the entrant's outcome; who is not named keeps it."
    heads = ("entrant", "mark", "value", "instead", "outcome")
    return Grid("The smallest change of one mark that changes an outcome", heads, tuple(found), note)


def _variants(told: Told) -> Grid:
    found = [
        (row["what"], _outcomes(row), str(len(row["figures"]))) for row in (*told["roundings"], *told["reductions"])
    ]
    heads = ("rule", "outcomes that change", "figures that change")
    return Grid("Under other roundings and means", heads, tuple(found))


def _outcomes(row: Told) -> str:
    changed = [f"{name}: {one['before']} → {one['after']}" for name, one in row["outcomes"].items()]
    return "; ".join(changed) or "none"


def _figures(told: Told) -> Grid:
    found = [
        (row["what"], figure["entrant"] or "mean", figure["criterion"], figure["published"], figure["instead"])
        for row in told["roundings"]
        for figure in row["figures"]
    ]
    heads = ("rule", "whose", "criterion", "as decided", "instead")
    return Grid("Figures that another rounding would change", heads, tuple(found))


def _drawn(told: Told) -> Grid:
    drawn = told["bootstrap"]
    found = [(name, f"{row['advances']}", row["about"], f"{row['open']}") for name, row in drawn["entrants"].items()]
    title = f"Panels drawn anew {drawn['resamples']} times, seed {drawn['seed']}"
    note = f"Drawn with replacement, as large as they are: {', '.join(drawn['panels']) or 'none has two members'}."
    return Grid(title, ("entrant", "advances", "share", "stays open"), tuple(found), note)


def _agreement(told: Told) -> Grid:
    found = [
        (row["criterion"], row["item"] or "all", str(row["evaluators"]), row["about"] or "-")
        for row in told["agreement"]
    ]
    note = "Krippendorff's alpha, interval metric: 1 is full agreement, 0 what chance would give."
    return Grid("Agreement of the panels", ("criterion", "item", "evaluators", "alpha"), tuple(found), note)
