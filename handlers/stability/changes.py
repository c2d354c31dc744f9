"""The same inputs with one thing changed: what a counterfactual decision is a decision of.

`Again` gives what the real decision of these inputs gives (tests/handlers/test_stability_laws.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from events.rulebook import Phase
from handlers.marks import Exclusions, Marks, Slot
from handlers.stability.inputs import Inputs

Draws = Mapping[str, Sequence[str]]
"""Evaluators by panel, in the order drawn; one may be there several times, and stands for several then."""


def without_evaluator(inputs: Inputs, evaluator: str) -> Inputs:
    """Nothing that the evaluator marked, ticked or voted counts, nor is waited for."""
    pairs = frozenset(inputs.excluded.pairs) | {(evaluator, entrant) for entrant in inputs.entrants}
    known = inputs.known_without.get(evaluator, inputs.known)
    return replace(inputs, excluded=replace(inputs.excluded, pairs=pairs), known=known)


def with_mark(inputs: Inputs, slot: Slot, value: Fraction) -> Inputs:
    """Another value for a mark that was given; its reference stays."""
    return replace(inputs, marks={**inputs.marks, slot: replace(inputs.marks[slot], value=value)})


def resampled(inputs: Inputs, draws: Draws) -> Inputs:
    """The marks of the drawn evaluators only, as often as they were drawn. Gates and votes stay as they were found."""
    copies = {
        leaf.id: {
            f"{who}#{number}": who
            for number, who in enumerate(draws[leaf.panel])
            if who in inputs.seats.get(leaf.id, ())
        }
        for leaf in inputs.rules.leaves.values()
        if leaf.panel in draws
    }
    seats = {path: tuple(copies[path]) if path in copies else seated for path, seated in inputs.seats.items()}
    return replace(inputs, marks=_copied(inputs, copies), seats=seats, excluded=_excluded(inputs, copies))


def _copied(inputs: Inputs, copies: Mapping[str, Mapping[str, str]]) -> Marks:
    found = {slot: mark for slot, mark in inputs.marks.items() if slot[1] not in copies}
    for path, drawn in copies.items():
        for copy, who in drawn.items():
            for entrant in inputs.entrants:
                for item in inputs.rules.leaves[path].items:
                    mark = inputs.marks.get((entrant, path, item, who))
                    if mark is not None:
                        found[entrant, path, item, copy] = mark
    return found


def _excluded(inputs: Inputs, copies: Mapping[str, Mapping[str, str]]) -> Exclusions:
    pairs = set(inputs.excluded.pairs)
    waived = set(inputs.excluded.waived)
    for path, drawn in copies.items():
        for copy, who in drawn.items():
            pairs |= {(copy, entrant) for entrant in inputs.entrants if (who, entrant) in inputs.excluded.pairs}
            waived |= {
                (entrant, path, item, copy)
                for entrant, criterion, item, judge in inputs.excluded.waived
                if (criterion, judge) == (path, who)
            }
    return Exclusions(frozenset(pairs), frozenset(waived))


def with_rules(inputs: Inputs, rules: Phase) -> Inputs:
    """Other rules for the same marks. A leaf that they have and the others had not has nobody seated."""
    return replace(inputs, rules=rules)
