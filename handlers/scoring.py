"""Scoring a phase: a table of marks becomes one value per entrant and criterion, exact to the last rounding.

The result depends on the marks alone, not on their order (test_scoring_laws.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from events.rulebook import Branch, Leaf, Phase
from events.rulebook_steps import Across, Linear, OverEvaluators, OverItems, Ratio, Round, Step, Subtract, Times
from handlers import steps
from handlers.marks import NOTHING_EXCLUDED, Exclusions, Mark, Marks, Seats, is_given
from handlers.rounding import Value, add_up, exact_sum, round_to, rounded, sum_places
from handlers.steps import WHOLE, Cells, Key

TOTAL = "total"
Grid = Mapping[tuple[str, str], Mark | None]
"""The marks of one leaf and entrant by item and evaluator; None where nothing stands and nothing is earned."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands after one step, for every entrant that still has a value. `less` is what a subtraction took off."""

    step: Step
    cells: Mapping[str, Cells]
    places: int | None
    less: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class LeafWork:
    """How a leaf came about: the marks that counted, and the stages after them."""

    grids: Mapping[str, Grid]
    stages: tuple[Stage, ...]
    results: Mapping[str, Value]


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
    grids = _grids(phase, names, marks, _Terms(seats, excluded, missing or phase.missing))
    work: dict[str, LeafWork] = {}
    for path in phase.leaves:
        _score_leaf(phase, path, grids, work)
    values = {name: _values(phase, name, work) for name in names}
    top = [rule.id for rule in phase.criteria if rule.counts]
    totals = {
        name: add_up(own[path] for path in top) for name, own in values.items() if all(path in own for path in top)
    }
    return ScoreTable(phase, names, values, totals, _means(phase, values, totals), work)


@dataclass(frozen=True, slots=True)
class _Terms:
    """Who is to mark, what does not count, and the policy on missing marks."""

    seats: Seats
    excluded: Exclusions
    policy: str


def _grids(phase: Phase, names: tuple[str, ...], marks: Marks, terms: _Terms) -> dict[str, dict[str, Grid]]:
    """The marks that count, by leaf and entrant."""
    raw: dict[str, dict[str, dict[tuple[str, str], Mark | None]]]
    raw = {path: {name: {} for name in names} for path in phase.leaves}
    seated = {path: frozenset(terms.seats.get(path, ())) for path in phase.leaves}
    for (entrant, criterion, item, evaluator), mark in marks.items():
        by_entrant = raw.get(criterion)
        if by_entrant is None or entrant not in by_entrant or evaluator not in seated[criterion]:
            continue
        leaf = phase.leaves[criterion]
        if item in leaf.items and (evaluator, entrant) not in terms.excluded.pairs and is_given(leaf, mark):
            by_entrant[entrant][item, evaluator] = mark
    return {
        path: {
            name: kept
            for name, grid in by_entrant.items()
            if (kept := _complete(phase.leaves[path], name, grid, terms))
        }
        for path, by_entrant in raw.items()
    }


def _complete(leaf: Leaf, name: str, grid: dict[tuple[str, str], Mark | None], terms: _Terms) -> Grid:
    """The grid as the policy on missing marks wants it; empty when the leaf cannot be scored."""
    present = [who for who in terms.seats.get(leaf.id, ()) if (who, name) not in terms.excluded.pairs]
    if len(grid) == len(present) * len(leaf.items):
        return grid
    gaps = [(item, who) for item in leaf.items for who in present if (item, who) not in grid]
    owed = [(item, who) for item, who in gaps if (name, leaf.id, item, who) not in terms.excluded.waived]
    if owed and terms.policy in ("hold", "waive"):
        return {}
    if owed and terms.policy == "zero":
        grid = {**grid, **dict.fromkeys(owed)}
    if _items_first(leaf):
        partial = {who for item, who in gaps if (item, who) not in grid}
        return {key: mark for key, mark in grid.items() if key[1] not in partial}
    return grid if {item for item, _ in owed} <= {item for item, _ in grid} else {}


def _items_first(leaf: Leaf) -> bool:
    reductions = [step for step in leaf.steps if isinstance(step, OverEvaluators | OverItems)]
    return bool(reductions) and isinstance(reductions[0], OverItems)


def _score_leaf(phase: Phase, path: str, grids: Mapping[str, Mapping[str, Grid]], work: dict[str, LeafWork]) -> None:
    """Fills `work` for a leaf, after the leaves that it subtracts."""
    if path in work:
        return
    leaf = phase.leaves[path]
    for step in leaf.steps:
        if isinstance(step, Subtract):
            _score_leaf(phase, step.subtract, grids, work)
    table: dict[str, Cells] = {name: _first_cells(leaf, grid) for name, grid in grids[path].items()}
    places: int | None = None
    stages = []
    for step in leaf.steps:
        stage = _apply(leaf, step, table, places, work)
        table, places = dict(stage.cells), stage.places
        stages.append(stage)
    results = {name: Value(cells[WHOLE], places) for name, cells in table.items() if WHOLE in cells}
    work[path] = LeafWork(grids[path], tuple(stages), results)


def _first_cells(leaf: Leaf, grid: Grid) -> Cells:
    """The marks' values, through the `mark` step where the leaf has one (it comes first)."""
    first = leaf.steps[0] if leaf.steps else None
    if isinstance(first, Ratio):
        return {key: steps.ratio(first, *_pair(mark)) for key, mark in grid.items()}
    if isinstance(first, Linear):
        share = steps.linear(first)
        return {key: steps.ZERO if mark is None else share(mark.value) for key, mark in grid.items()}
    return {key: steps.ZERO if mark is None else mark.value for key, mark in grid.items()}


def _pair(mark: Mark | None) -> tuple[Fraction, Fraction]:
    if mark is None:
        return steps.ZERO, steps.ONE
    assert mark.reference is not None  # is_given let it in.
    return mark.value, mark.reference


def _apply(
    leaf: Leaf, step: Step, table: Mapping[str, Cells], places: int | None, work: Mapping[str, LeafWork]
) -> Stage:
    """The next stage. An entrant who has no value left is dropped from it."""
    match step:
        case "points":
            return Stage(step, {name: steps.scale(leaf, cells) for name, cells in table.items()}, None)
        case Ratio() | Linear():
            return Stage(step, table, None)
        case OverEvaluators():
            return _reduced(step, {name: steps.over_evaluators(step, cells) for name, cells in table.items()}, places)
        case OverItems():
            return _reduced(step, {name: steps.over_items(step, cells) for name, cells in table.items()}, places)
        case Across():
            return Stage(step, steps.across(step, table), None)
        case Times():
            return Stage(step, {name: steps.times(step, cells) for name, cells in table.items()}, None)
        case Round():
            done = {name: {k: round_to(v, step.round) for k, v in cells.items()} for name, cells in table.items()}
            return Stage(step, done, step.round.places)
        case Subtract():
            return _subtracted(step, table, places, work[step.subtract].results)
    raise AssertionError(step)


def _reduced(step: OverEvaluators | OverItems, table: Mapping[str, dict[Key, Fraction]], places: int | None) -> Stage:
    kept = {name: cells for name, cells in table.items() if cells}
    return Stage(step, kept, places if steps.keeps_places(step) else None)


def _subtracted(step: Subtract, table: Mapping[str, Cells], places: int | None, results: Mapping[str, Value]) -> Stage:
    """Entrants without a result of the other leaf have none here either."""
    less = {name: results[name] for name in table if name in results}
    done = {name: {WHOLE: steps.subtract(step.floor, table[name][WHOLE], off.exact)} for name, off in less.items()}
    floor = Value(step.floor or steps.ZERO)
    all_places = {sum_places((Value(table[name][WHOLE], places), off, floor)) for name, off in less.items()}
    agreed = None if None in all_places else max((p for p in all_places if p is not None), default=None)
    return Stage(step, done, agreed, less)


def _values(phase: Phase, name: str, work: Mapping[str, LeafWork]) -> dict[str, Value]:
    """Every node that can be scored, in the order of the tree."""
    own: dict[str, Value] = {}
    for path, node in phase.tree.items():
        if isinstance(node, Leaf):
            if name in work[path].results:
                own[path] = work[path].results[name]
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


def _means(phase: Phase, values: Mapping[str, Mapping[str, Value]], totals: Mapping[str, Value]) -> dict[str, Value]:
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
