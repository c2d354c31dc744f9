"""One leaf: a table of marks becomes a value for each entrant, step by step, exact to the last rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from events.rulebook import Leaf
from events.rulebook_steps import Across, Linear, OverEvaluators, OverItems, Ratio, Round, Step, Subtract, Times
from handlers import steps
from handlers.grids import Grid
from handlers.marks import Mark
from handlers.rounding import Value, round_to, sum_places
from handlers.steps import WHOLE, Cells, Key

Results = Mapping[str, Mapping[str, Value]]
"""What came out of leaves, by dotted id and entrant."""


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


def run_steps(
    leaf: Leaf,
    table: Mapping[str, Cells],
    results: Results,
    *,
    places: int | None = None,
    first: int = 0,
    last: int | None = None,
) -> tuple[Stage, ...]:
    """The stages from step `first` to before step `last`, over what stands before them with `places`. `results` has the
    leaves that this one subtracts.
    """
    stages = []
    for step in leaf.steps[first:last]:
        stage = _apply(leaf, step, table, places, results)
        table, places = stage.cells, stage.places
        stages.append(stage)
    return tuple(stages)


def finished(table: Mapping[str, Cells], places: int | None) -> dict[str, Value]:
    """The values of the entrants whose cells came down to one."""
    return {name: Value(cells[WHOLE], places) for name, cells in table.items() if WHOLE in cells}


def leaf_work(leaf: Leaf, grids: Mapping[str, Grid], results: Results) -> LeafWork:
    """A leaf from its marks, by all its steps."""
    first = {name: first_cells(leaf, grid) for name, grid in grids.items()}
    stages = run_steps(leaf, first, results)
    table, places = (stages[-1].cells, stages[-1].places) if stages else (first, None)
    return LeafWork(grids, stages, finished(table, places))


def first_cells(leaf: Leaf, grid: Grid) -> Cells:
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


def _apply(leaf: Leaf, step: Step, table: Mapping[str, Cells], places: int | None, results: Results) -> Stage:
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
            return _subtracted(step, table, places, results[step.subtract])
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
