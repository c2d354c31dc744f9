"""Other roundings, and another mean: which outcomes and which published figures would be others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from events.rulebook import Phase, Rounding
from events.rulebook_fields import Mode
from events.rulebook_steps import OverEvaluators
from handlers.rounding import Value, rounded
from handlers.scoring import TOTAL, ScoreTable, means_of
from handlers.stability import levers
from handlers.stability.again import Again
from handlers.stability.shift import Shift, shift

MEAN = "mean"


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A published figure of an entrant (of the mean, where `entrant` is None), and what it would be instead, printed with
    as many places.
    """

    entrant: str | None
    criterion: str
    published: str
    instead: str


@dataclass(frozen=True, slots=True)
class Variant:
    """Another rule, what it changes, and the figures that it changes. `what`: `half-even`, `places+1`, `late` (nothing is
    rounded before it is printed), `benchmark.nia by trimmed-mean`.
    """

    what: str
    shift: Shift
    figures: tuple[FigureChange, ...]


def rounding_variants(again: Again) -> Iterator[Variant]:
    """Every other mode, a place more and less at each criterion, and rounding nothing before it is printed."""
    rules = again.inputs.rules
    used = {rounding.mode for rounding in levers.roundings(rules)}
    if not used:
        return
    for mode in get_args(Mode):
        if used != {mode}:
            yield _variant(again, mode, levers.with_mode(rules, mode), mode)
    for more, what in ((1, "places+1"), (-1, "places-1")):
        if (others := levers.with_places(rules, more)) is not None:
            yield _variant(again, what, others, _mode_of(rules))
    yield _variant(again, levers.LATE, levers.without_rounding(rules), _mode_of(rules))


def reduction_variants(again: Again) -> Iterator[Variant]:
    """Plain means where extremes are left out, and the other way round where every entrant has three evaluators."""
    rules = again.inputs.rules
    for path, leaf in again.leaves.items():
        step = next(step for step in leaf.leaf.steps if isinstance(step, OverEvaluators))
        smallest = min((len(c.values) for row in leaf.columns.values() for c in row.values()), default=0)
        if step.by == "trimmed-mean":
            by = "mean"
        elif step.by == "mean" and smallest >= 3:
            by = "trimmed-mean"
        else:
            continue
        yield _variant(again, f"{path} by {by}", levers.with_reduction(rules, path, by), _mode_of(rules))


def _mode_of(rules: Phase) -> Mode:
    return next((rounding.mode for rounding in levers.roundings(rules)), "half-up")


def _variant(again: Again, what: str, rules: Phase, mode: Mode) -> Variant:
    found = again.with_rules(rules)
    return Variant(what, shift(again.base, found), tuple(_figures(again.table, found.table, mode)))


def _figures(before: ScoreTable, after: ScoreTable, mode: Mode) -> Iterator[FigureChange]:
    for name in before.entrants:
        rows = dict(before.values[name]) | ({TOTAL: before.totals[name]} if name in before.totals else {})
        others = dict(after.values[name]) | ({TOTAL: after.totals[name]} if name in after.totals else {})
        for path, old in rows.items():
            yield from _figure(name, path, old, others.get(path), mode)
    means = means_of(after.phase, after.values, after.totals)
    for path, old in before.means.items():
        yield from _figure(None, path, old, means.get(path), mode)


def _figure(name: str | None, path: str, old: Value, new: Value | None, mode: Mode) -> Iterator[FigureChange]:
    printed = "-" if new is None else _printed(new, old, mode)
    if printed != old.text:
        yield FigureChange(name, path, old.text, printed)


def _printed(new: Value, old: Value, mode: Mode) -> str:
    """A value with the places of the figure that it would replace."""
    rounding = None if old.places is None else Rounding(places=old.places, mode=mode)
    return rounded(new.exact, rounding).text
