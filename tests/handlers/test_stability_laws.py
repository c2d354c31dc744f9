"""Deciding again by what a change touches gives what the real decision of the changed inputs gives, whatever changes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings
from hypothesis import strategies as st

from events.rulebook import Phase
from handlers.stability import changes, levers
from handlers.stability.again import Again
from handlers.stability.inputs import Found, Inputs, decided, from_scratch
from tests.support.random_phase import phase_inputs

MANY = settings(max_examples=60, deadline=None, phases=[HypothesisPhase.generate])


def same(quick: Found, inputs: Inputs) -> None:
    """Every value, rank and outcome, in the real decision too."""
    slow, outcome = from_scratch(inputs), decided(inputs)
    assert quick.table.values == slow.table.values
    assert quick.table.totals == slow.table.totals
    assert (quick.ranks, quick.fates, quick.vacancies) == (slow.ranks, slow.fates, slow.vacancies)
    assert {name: fate for name, fate in quick.fates.items() if fate is not None} == {
        row.entrant: row.outcome for row in outcome.outcomes
    }
    assert quick.ranks == {row.entrant: row.rank for row in outcome.assessments if row.rank is not None}
    assert quick.vacancies == outcome.vacancies


@MANY
@given(phase_inputs())
def test_an_evaluator_left_out(inputs: Inputs) -> None:
    again = Again(inputs)
    for who in {who for seated in inputs.seats.values() for who in seated}:
        same(again.without_evaluator(who), changes.without_evaluator(inputs, who))


@MANY
@given(phase_inputs(), st.data())
def test_one_mark_changed(inputs: Inputs, data: st.DataObject) -> None:
    again = Again(inputs)
    for _ in range(5):
        slot = data.draw(st.sampled_from(sorted(inputs.marks)))
        value = Fraction(data.draw(st.integers(0, 8)), 2)
        same(again.with_mark(slot, value), changes.with_mark(inputs, slot, value))


@MANY
@given(phase_inputs(), st.data())
def test_evaluators_drawn_anew(inputs: Inputs, data: st.DataObject) -> None:
    again = Again(inputs)
    panels = {leaf.panel: inputs.seats[path] for path, leaf in inputs.rules.leaves.items()}
    draws = {panel: [data.draw(st.sampled_from(seated)) for _ in seated] for panel, seated in panels.items()}
    same(again.resampled(draws), changes.resampled(inputs, draws))


@MANY
@given(phase_inputs())
def test_other_rules_for_the_same_marks(inputs: Inputs) -> None:
    again = Again(inputs)
    for rules in other_rules(inputs.rules):
        same(again.with_rules(rules), changes.with_rules(inputs, rules))


def other_rules(rules: Phase) -> Iterator[Phase]:
    """An item or a criterion less, other roundings, other reductions."""
    found = [levers.without_criterion(rules, path) for path in rules.tree]
    found += [levers.without_item(rules, path, item) for path, leaf in rules.leaves.items() for item in leaf.items]
    found += [levers.with_places(rules, 1), levers.with_places(rules, -1), levers.without_rounding(rules)]
    found += [levers.with_mode(rules, "half-even"), levers.with_mode(rules, "down")]
    found += [levers.with_reduction(rules, path, by) for path in rules.leaves for by in ("mean", "trimmed-mean")]
    yield from (other for other in found if other is not None)
