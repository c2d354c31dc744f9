"""Scoring a phase: a table of marks becomes one value per entrant and criterion, exact to the last rounding.

The result depends on the marks alone, not on their order (test_scoring_laws.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from events.rulebook import Branch, Leaf, Phase
from events.rulebook_steps import Subtract
from handlers import steps
from handlers.grids import Grid, Terms, grids
from handlers.leaf_work import LeafWork, Results, leaf_work
from handlers.marks import NOTHING_EXCLUDED, Exclusions, Marks, Seats
from handlers.rounding import Value, add_up, exact_sum, rounded

TOTAL = "total"


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """`values` and `totals` leave out what could not be scored; `means` are over the entrants with a total."""

    phase: Phase
    entrants: tuple[str, ...]
    values: Mapping[str, Mapping[str, Value]]
    totals: Mapping[str, Value]
    means: Mapping[str, Value]
    work: Mapping[str, LeafWork]


def score_phase(
    phase: Phase,
    entrants: Iterable[str],
    marks: Marks,
    seats: Seats,
    *,
    excluded: Exclusions = NOTHING_EXCLUDED,
    missing: str | None = None,
) -> ScoreTable:
    """The values of every node of the criteria tree. `missing` stands in for the phase's own policy, for previews.

    Under `hold` a leaf with a missing mark has no value; `zero` lets it earn nothing; under `exclude` and `waive` it is
    left out, with the whole row of its evaluator where items are added up first; an item that nobody marked leaves the
    leaf without a value, unless that was waived.
    """
    names = tuple(sorted(set(entrants)))
    work = _work(phase, grids(phase.leaves, names, marks, Terms(seats, excluded, missing or phase.missing)))
    results = {path: done.results for path, done in work.items()}
    values = {name: node_values(phase, name, results) for name in names}
    totals = {name: total for name, own in values.items() if (total := total_of(phase, own)) is not None}
    return ScoreTable(phase, names, values, totals, means_of(phase, values, totals), work)


def _work(phase: Phase, found: Mapping[str, Mapping[str, Grid]]) -> dict[str, LeafWork]:
    """Every leaf, after the leaves that it subtracts; in the order of the rulebook."""
    work: dict[str, LeafWork] = {}
    for path in after_subtracted(phase.leaves):
        results = {other: done.results for other, done in work.items()}
        work[path] = leaf_work(phase.leaves[path], found[path], results)
    return {path: work[path] for path in phase.leaves}


def after_subtracted(leaves: Mapping[str, Leaf]) -> tuple[str, ...]:
    """The leaves in an order in which each comes after those that it subtracts."""
    order: dict[str, None] = {}

    def add(path: str) -> None:
        for other in subtracted(leaves[path]):
            add(other)
        order.setdefault(path)

    for path in leaves:
        add(path)
    return tuple(order)


def subtracted(leaf: Leaf) -> tuple[str, ...]:
    """The leaves whose results this one takes off."""
    return tuple(step.subtract for step in leaf.steps if isinstance(step, Subtract))


def node_values(phase: Phase, name: str, results: Results) -> dict[str, Value]:
    """Every node that can be scored for an entrant, in the order of the tree."""
    own: dict[str, Value] = {}
    for path, node in phase.tree.items():
        if isinstance(node, Leaf):
            if name in results[path]:
                own[path] = results[path][name]
        elif all(part in own for part in node.parts):
            own[path] = _branch(node, {part: own[part] for part in node.parts})
    return own


def _branch(node: Branch, parts: Mapping[str, Value]) -> Value:
    match node.by:
        case "sum":
            whole = add_up(parts.values())
        case "min":
            whole = min(parts.values(), key=lambda part: part.exact)
        case "max":
            whole = max(parts.values(), key=lambda part: part.exact)
        case "weighted-sum":
            whole = Value(exact_sum(node.weights[path] * part.exact for path, part in parts.items()))
    return whole if node.round is None else rounded(whole.exact, node.round)


def total_of(phase: Phase, own: Mapping[str, Value]) -> Value | None:
    """The sum of the criteria at the top that count; None where one of them has no value."""
    top = [rule.id for rule in phase.criteria if rule.counts]
    return add_up(own[path] for path in top) if all(path in own for path in top) else None


def means_of(phase: Phase, values: Mapping[str, Mapping[str, Value]], totals: Mapping[str, Value]) -> dict[str, Value]:
    """The mean of every node over the entrants with a total, and of `total`."""
    if not totals:
        return {}
    means = {}
    for path in phase.tree:
        column = [values[name][path].exact for name in totals if path in values[name]]
        if column:
            means[path] = rounded(steps.mean(column), phase.means)
    means[TOTAL] = rounded(steps.mean([total.exact for total in totals.values()]), phase.means)
    return means
