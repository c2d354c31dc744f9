"""Deciding one phase again with something changed, by computing only what the change touches.

Scores, ranking, ties, gates and places are those of real decisions; only what cannot have changed is remembered. Equal to
the real decision of the changed inputs (`changes`, `from_scratch`) in every case: tests/handlers/test_stability_laws.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from events.rulebook import Leaf, Phase
from events.rulebook_steps import OverEvaluators, OverItems
from handlers.entrant_cases import Circumstances, enter
from handlers.grids import Grid, Terms, grids
from handlers.leaf_work import Results, leaf_work
from handlers.marks import Slot
from handlers.rounding import Value
from handlers.scoring import ScoreTable, after_subtracted, node_values, subtracted, total_of
from handlers.stability import changes
from handlers.stability.changes import Draws
from handlers.stability.inputs import Found, Inputs, found, scored
from handlers.stability.leaf_again import LeafAgain

LeafResults = Mapping[str, Value]


class Again:
    """One phase, decided once from its inputs. `base` is that decision."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.table = scored(inputs)
        self.base = found(self.table, enter(inputs.rules, self.table, inputs.known))
        self.results: Results = {path: work.results for path, work in self.table.work.items()}
        self.leaves = {path: LeafAgain(leaf, self.table.work[path]) for path, leaf in inputs.rules.leaves.items()}
        self._order = after_subtracted(inputs.rules.leaves)
        self._decisions: dict[tuple[object, ...], Found] = {}
        self._whole = {path for path in self._order if self._is_whole(path)}

    def without_evaluator(self, evaluator: str) -> Found:
        """The decision without everything that an evaluator marked, ticked and voted."""
        seats, excluded = self.inputs.seats, {who for who, _ in self.inputs.excluded.pairs}
        touched = [path for path in self._order if evaluator in seats.get(path, ()) or evaluator in excluded]
        known = self.inputs.known_without.get(evaluator, self.inputs.known)
        return self._changed(
            touched,
            lambda path, results: self.leaves[path].without(evaluator, results),
            lambda: changes.without_evaluator(self.inputs, evaluator),
            known,
        )

    def with_mark(self, slot: Slot, value: Fraction) -> Found:
        """The decision with another value of one mark."""
        return self.with_results(self.results_with_mark(slot, value))

    def results_with_mark(self, slot: Slot, value: Fraction) -> dict[str, LeafResults]:
        """Of the leaves that come out otherwise with another value of one mark: the results."""
        entrant, criterion, item, evaluator = slot
        if (item, evaluator) not in self.table.work[criterion].grids.get(entrant, {}):
            return {}
        return self._leaf_results(
            [criterion],
            lambda path, results: self.leaves[path].with_mark(entrant, item, evaluator, value, results),
            lambda: changes.with_mark(self.inputs, slot, value),
        )

    def resampled(self, draws: Draws) -> Found:
        """The decision by the drawn evaluators, each as often as drawn."""
        leaves = self.inputs.rules.leaves
        return self._changed(
            [path for path in self._order if leaves[path].panel in draws],
            lambda path, results: self.leaves[path].resampled(draws[leaves[path].panel], results),
            lambda: changes.resampled(self.inputs, draws),
        )

    def with_rules(self, rules: Phase) -> Found:
        """The decision under other rules for the same marks."""
        results: dict[str, LeafResults] = {}
        for path in after_subtracted(rules.leaves):
            results[path] = self._under(rules, path, results)
        return self.with_scores(rules, results)

    def with_scores(self, rules: Phase, results: Results) -> Found:
        """The decision under other rules from results of their leaves."""
        values = {name: node_values(rules, name, results) for name in self.table.entrants}
        return self._decided(rules, values, self.inputs.known)

    def with_results(self, changed: Mapping[str, LeafResults], known: Circumstances | None = None) -> Found:
        """The decision where some leaves came out otherwise. What came out the same way before is not decided twice."""
        known = known or self.inputs.known
        if not changed and known is self.inputs.known:
            return self.base
        key = (id(known), tuple((path, tuple(own.items())) for path, own in changed.items()))
        if key not in self._decisions:
            self._decisions[key] = self._with_results(changed, known)
        return self._decisions[key]

    def _with_results(self, changed: Mapping[str, LeafResults], known: Circumstances) -> Found:
        results = {**self.results, **changed}
        values = dict(self.table.values)
        for name in self.table.entrants:
            if any(results[path].get(name) != self.results[path].get(name) for path in changed):
                values[name] = node_values(self.inputs.rules, name, results)
        return self._decided(self.inputs.rules, values, known)

    def _decided(self, rules: Phase, values: Mapping[str, Mapping[str, Value]], known: Circumstances) -> Found:
        totals = {
            name: total for name, own in values.items() if (total := self._known_total(rules, name, own)) is not None
        }
        table = ScoreTable(rules, self.table.entrants, values, totals, {}, {})
        return found(table, enter(rules, table, known))

    def _known_total(self, rules: Phase, name: str, own: Mapping[str, Value]) -> Value | None:
        if rules is self.inputs.rules and own is self.table.values[name]:
            return self.table.totals.get(name)
        return total_of(rules, own)

    def _changed(
        self,
        touched: list[str],
        quickly: Callable[[str, Results], LeafResults],
        changed: Callable[[], Inputs],
        known: Circumstances | None = None,
    ) -> Found:
        return self.with_results(self._leaf_results(touched, quickly, changed), known)

    def _leaf_results(
        self, touched: list[str], quickly: Callable[[str, Results], LeafResults], changed: Callable[[], Inputs]
    ) -> dict[str, LeafResults]:
        """The leaves that come out otherwise. One that lacks marks goes the long way: there a value also rests on who
        was to mark.
        """
        told: dict[str, LeafResults] = {}
        for path in self._order:
            results = {**self.results, **told}
            if path in touched:
                done = quickly(path, results) if path in self._whole else _from_marks(changed(), path, results)
            elif any(other in told for other in subtracted(self.leaves[path].leaf)):
                done = self.leaves[path].subtracting(results)
            else:
                continue
            if done != self.results[path]:
                told[path] = done
        return told

    def _is_whole(self, path: str) -> bool:
        """Every entrant has every mark of the leaf (where `zero` stands in for missing ones, that is one too)."""
        leaf, inputs = self.inputs.rules.leaves[path], self.inputs
        work = self.table.work[path]
        for name in self.table.entrants:
            present = [who for who in inputs.seats.get(path, ()) if (who, name) not in inputs.excluded.pairs]
            if not present or len(work.grids.get(name, ())) != len(present) * len(leaf.items):
                return False
        return len(work.results) == len(self.table.entrants)

    def _under(self, rules: Phase, path: str, results: Results) -> LeafResults:
        leaf, before = rules.leaves[path], self.leaves.get(path)
        if before is not None and path in self._whole and _has_fewer_items(leaf, before.leaf):
            return leaf_work(leaf, _of_items(before.work.grids, leaf), results).results
        if before is None or not _same_marks(leaf, before.leaf) or rules.missing != self.inputs.rules.missing:
            return _from_marks(changes.with_rules(self.inputs, rules), path, results)
        if leaf == before.leaf and all(results[other] == self.results[other] for other in subtracted(leaf)):
            return self.results[path]
        return before.with_steps(leaf, results)


def _has_fewer_items(leaf: Leaf, other: Leaf) -> bool:
    """Only items are gone: of a leaf that lacks no mark the marks of the others still lack none."""
    is_less = leaf.items.keys() < other.items.keys() and all(
        leaf.items[item] == other.items[item] for item in leaf.items
    )
    return is_less and leaf.panel == other.panel and leaf.takes_reference == other.takes_reference


def _of_items(before: Mapping[str, Grid], leaf: Leaf) -> dict[str, Grid]:
    return {name: {key: mark for key, mark in grid.items() if key[0] in leaf.items} for name, grid in before.items()}


def _same_marks(leaf: Leaf, other: Leaf) -> bool:
    """The same marks count, in the same grids, and are worth the same points."""
    return (leaf.items, leaf.panel, leaf.points, leaf.takes_reference) == (
        other.items,
        other.panel,
        other.points,
        other.takes_reference,
    ) and _axes(leaf) == _axes(other)


def _axes(leaf: Leaf) -> list[str]:
    return [step.over for step in leaf.steps if isinstance(step, OverEvaluators | OverItems)]


def _from_marks(inputs: Inputs, path: str, results: Results) -> LeafResults:
    """A leaf the long way, from its marks."""
    leaf = inputs.rules.leaves[path]
    terms = Terms(inputs.seats, inputs.excluded, inputs.rules.missing)
    names = tuple(sorted(set(inputs.entrants)))
    return leaf_work(leaf, grids({path: leaf}, names, inputs.marks, terms)[path], results).results
