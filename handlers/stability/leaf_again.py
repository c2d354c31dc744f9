"""One leaf computed again: what stands before and after each step is remembered, and only the rest is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from events.rulebook import Leaf
from events.rulebook_steps import Across, OverEvaluators, Step, Subtract
from handlers.grids import Grid
from handlers.leaf_work import LeafWork, Results, finished, first_cells, leaf_work, run_steps
from handlers.rounding import Value
from handlers.stability.columns import Column
from handlers.steps import Cells, Key, keeps_places

Reduced = dict[str, dict[Key, Fraction | None]]
"""By entrant: what the reduction over evaluators left, by key; None where it leaves nothing."""


@dataclass(frozen=True)
class LeafAgain:
    """A leaf with its work. Only for leaves that lack no mark: there a value rests on nothing but the marks given."""

    leaf: Leaf
    work: LeafWork

    @cached_property
    def split(self) -> int:
        """The step that reduces the evaluators. Before it no evaluator's value rests on another evaluator's."""
        return next(number for number, step in enumerate(self.leaf.steps) if isinstance(step, OverEvaluators))

    @cached_property
    def step(self) -> OverEvaluators:
        step = self.leaf.steps[self.split]
        assert isinstance(step, OverEvaluators)
        return step

    @cached_property
    def columns(self) -> Mapping[str, Mapping[Key, Column]]:
        """By entrant, and by what the other axis still has."""
        found: dict[str, dict[Key, dict[str, Fraction]]] = {}
        for name, cells in self.cells_before(self.split).items():
            for (item, who), value in cells.items():
                assert who is not None  # The evaluators are not reduced yet.
                found.setdefault(name, {}).setdefault((item, None), {})[who] = value
        return {name: {key: Column(self.step, v) for key, v in by_key.items()} for name, by_key in found.items()}

    def cells_before(self, number: int) -> Mapping[str, Cells]:
        """What stands before a step."""
        if number:
            return self.work.stages[number - 1].cells
        return {name: first_cells(self.leaf, grid) for name, grid in self.work.grids.items()}

    def places_before(self, number: int) -> int | None:
        return self.work.stages[number - 1].places if number else None

    @cached_property
    def reduced(self) -> Reduced:
        return {
            name: {key: column.reduced(column.values.values()) for key, column in by_key.items()}
            for name, by_key in self.columns.items()
        }

    @cached_property
    def compares_after(self) -> bool:
        """One entrant's value bears on another's after the evaluators are reduced: on it, or on its places in print."""
        return any(isinstance(step, Across | Subtract) for step in self.leaf.steps[self.split :])

    @cached_property
    def compares_before(self) -> bool:
        return any(isinstance(step, Across) for step in self.leaf.steps[: self.split])

    def without(self, evaluator: str, results: Results) -> Mapping[str, Value]:
        """The leaf without an evaluator."""
        return self.from_reduced(
            {
                name: {key: column.without(evaluator) for key, column in by_key.items()}
                for name, by_key in self.columns.items()
            },
            results,
        )

    def resampled(self, draws: Sequence[str], results: Results) -> Mapping[str, Value]:
        """The leaf with the drawn evaluators, each as often as drawn."""
        return self.from_reduced(
            {
                name: {
                    key: column.reduced(column.values[who] for who in draws if who in column.values)
                    for key, column in by_key.items()
                }
                for name, by_key in self.columns.items()
            },
            results,
        )

    def with_mark(self, entrant: str, item: str, evaluator: str, value: Fraction, results: Results) -> dict[str, Value]:
        """The leaf with another value of one mark."""
        told = self._before_split(entrant, item, evaluator, value)
        touched: Reduced = {name: dict(self.reduced[name]) for name in told}
        for name, cells in told.items():
            for (what, who), own in cells.items():
                assert who is not None  # The evaluators are not reduced yet.
                touched[name][what, None] = self.columns[name][what, None].with_value(who, own)
        if self.compares_after:
            return dict(self.from_reduced({**self.reduced, **touched}, results))
        done = self.from_reduced(touched, results)
        kept = {name: own for name, own in self.work.results.items() if name not in touched}
        return {**kept, **done}

    def _before_split(self, entrant: str, item: str, evaluator: str, value: Fraction) -> Mapping[str, Cells]:
        """What one evaluator's cells become before the evaluators are reduced, of everybody that the mark bears on."""
        names = self.work.grids if self.compares_before else [entrant]
        rows: dict[str, Grid] = {
            name: {key: mark for key, mark in self.work.grids[name].items() if key[1] == evaluator} for name in names
        }
        before = rows[entrant][item, evaluator]
        assert before is not None  # Only a mark that was given is changed.
        rows[entrant] = {**rows[entrant], (item, evaluator): replace(before, value=value)}
        first = {name: first_cells(self.leaf, grid) for name, grid in rows.items() if grid}
        stages = run_steps(self.leaf, first, {}, last=self.split)
        return stages[-1].cells if stages else first

    def from_reduced(self, reduced: Reduced, results: Results) -> Mapping[str, Value]:
        """The steps after the reduction over evaluators. Who has nothing left there is left out."""
        kept: dict[str, Cells] = {
            name: {key: value for key, value in cells.items() if value is not None}
            for name, cells in reduced.items()
            if cells and None not in cells.values()
        }
        places = self.places_before(self.split) if keeps_places(self.step) else None
        stages = run_steps(self.leaf, kept, results, places=places, first=self.split + 1)
        return finished(stages[-1].cells, stages[-1].places) if stages else finished(kept, places)

    def subtracting(self, results: Results) -> Mapping[str, Value]:
        """The leaf where what it subtracts came out otherwise."""
        first = next(number for number, step in enumerate(self.leaf.steps) if isinstance(step, Subtract))
        return self._from_step(self.leaf, first, results)

    def with_steps(self, leaf: Leaf, results: Results) -> Mapping[str, Value]:
        """The leaf with other steps over the same marks: from the first step that is another, or subtracts."""
        shared = 0
        for step, other in zip(self.leaf.steps, leaf.steps, strict=False):
            if isinstance(other, Subtract) or _differ(step, other):
                break
            shared += 1
        if shared == 0:
            return leaf_work(leaf, self.work.grids, results).results
        return self._from_step(leaf, shared, results)

    def _from_step(self, leaf: Leaf, first: int, results: Results) -> Mapping[str, Value]:
        table, places = self.cells_before(first), self.places_before(first)
        stages = run_steps(leaf, table, results, places=places, first=first)
        return finished(stages[-1].cells, stages[-1].places) if stages else finished(table, places)


def _differ(step: Step, other: Step) -> bool:
    return step is not other and step != other
