"""The parts of a robustness report that stand for themselves: agreement, dice, resampling, margins, rules with less."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

from handlers.entrant_cases import Circumstances
from handlers.marks import seats_in
from handlers.ranking import TieChoice
from handlers.reasons import Reason
from handlers.stability import changes, levers
from handlers.stability.again import Again
from handlers.stability.agreement import alpha
from handlers.stability.bootstrap import Dice, bootstrap
from handlers.stability.inputs import Inputs, from_scratch
from handlers.stability.margins import FloorMargin, margins
from handlers.stability.told import about
from handlers.stability.weights import reweighted, scalings, weights_of
from tests.handlers.worked import marks, rules

KRIPPENDORFF_2011 = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
"""Four observers and twelve units, the example of section D; a dot is no value. Its interval alpha is given as 0.849."""

PANEL = """
criteria:
  - {id: e, points: 10, panel: p, items: {i: [0, 10]},
     steps: [{over: items, by: sum}, {over: evaluators, by: mean}, {round: {places: 1}}]}
  - {id: u, points: 10, panel: q, items: {i: [0, 10]},
     steps: [{over: items, by: sum}, {over: evaluators, by: mean}, {round: {places: 1}}]}
floors: {u: 2}
ties: [e, panel]
advance: {places: 1}
"""
TABLE = """
a e i p1 8
a e i p2 6
b e i p1 5
b e i p2 7
c e i p1 2
c e i p2 2
a u i q1 4
a u i q2 4
b u i q1 5
b u i q2 5
c u i q1 1
c u i q2 2
"""


def small(text: str = PANEL, table: str = TABLE, known: Circumstances | None = None) -> Inputs:
    phase, found = rules(text), marks(table)
    return Inputs(phase, ("a", "b", "c"), found, seats_in(phase, found), known=known or Circumstances())


def test_alpha_is_that_of_the_published_example() -> None:
    units = [
        [Fraction(row[unit]) for row in KRIPPENDORFF_2011 if row[unit] != "."]
        for unit in range(len(KRIPPENDORFF_2011[0]))
    ]
    found = alpha(units)
    assert found is not None
    assert about(found, 3) == "0.849"


def test_alpha_is_1_for_full_agreement_and_nothing_where_all_marks_are_the_same() -> None:
    assert alpha([[Fraction(1), Fraction(1)], [Fraction(3), Fraction(3)]]) == 1
    assert alpha([[Fraction(2), Fraction(2)], [Fraction(2), Fraction(2)]]) is None
    assert alpha([[Fraction(2)], [Fraction(3)]]) is None


def test_dice_fall_the_same_everywhere_and_evenly() -> None:
    dice = Dice(1)
    assert [dice.below(10) for _ in range(12)] == [9, 6, 3, 9, 7, 5, 6, 9, 2, 1, 6, 0]
    counts = Counter(dice.below(6) for _ in range(6000))
    assert all(850 < counts[face] < 1150 for face in range(6))


def test_resampling_counts_real_decisions_of_the_drawn_panels() -> None:
    inputs, dice = small(), Dice(3)
    found = bootstrap(Again(inputs), 3, 40)
    expected: Counter[str] = Counter()
    for _ in range(40):
        draws = {panel: [who[dice.below(2)] for _ in who] for panel, who in (("p", ("p1", "p2")), ("q", ("q1", "q2")))}
        expected.update(from_scratch(changes.resampled(inputs, draws)).advancing)
    assert found.advances == {name: expected[name] for name in ("a", "b", "c")}
    assert found.share("c") == 0
    assert sum(found.advances.values()) + max(found.is_open.values()) == 40


def test_a_tie_at_the_cut_is_a_margin_of_nothing_and_says_what_broke_it() -> None:
    told = margins(Again(small()))
    assert (told.last_in, told.first_out, told.margin) == ("a", "b", "0.0")
    assert told.broken_by == (Reason("tie-broken-by", "e", observed="7.0", required="6.0", margin="1.0"),)
    assert told.floors == (
        FloorMargin("a", "u", "4.0", "2", "2.0"),
        FloorMargin("b", "u", "5.0", "2", "3.0"),
        FloorMargin("c", "u", "1.5", "2", "-0.5"),
    )
    assert told.by_entrant == {"a": "0.0", "b": "0.0"}


def test_a_tie_that_nothing_broke_has_nobody_on_either_side() -> None:
    text = PANEL.replace("ties: [e, panel]", "ties: [panel]")
    told = margins(Again(small(text)))
    assert (told.last_in, told.first_out, told.margin, told.tied) == (None, None, None, ("a", "b"))


def test_a_later_choice_counts_only_where_a_tie_at_the_cut_waits_for_it() -> None:
    text = PANEL.replace("ties: [e, panel]", "ties: [panel]")
    late = Circumstances(tie_choices=(TieChoice(("b", "a"), ("chosen",), is_late=True),))
    again = Again(small(text, known=late))
    assert again.base.advancing == {"b"}
    assert again.with_mark(("a", "e", "i", "p1"), Fraction(9)).advancing == {"a"}


def test_a_criterion_takes_along_what_names_it() -> None:
    phase = rules(PANEL)
    without = levers.without_criterion(phase, "u")
    assert without is not None
    assert (without.floors, without.ties, list(without.tree)) == ({}, ("e", "panel"), ["e"])
    assert levers.without_criterion(without, "e") is None
    other = levers.without_criterion(phase, "e")
    assert other is not None
    assert (other.ties, other.floors) == (("panel",), {"u": Fraction(2)})


def test_a_leaf_without_points_leaves_nothing_to_weigh() -> None:
    assert weights_of(rules(PANEL.replace("points: 10, panel: p", "panel: p"))) == {}
    assert [scaling.path for scaling in scalings(rules(PANEL))] == ["e", "u"]


@pytest.mark.parametrize(("weight", "floor"), [(Fraction(5), Fraction(1)), (Fraction(15), Fraction(3))])
def test_a_floor_keeps_its_share_of_what_its_criterion_weighs(weight: Fraction, floor: Fraction) -> None:
    scaling = next(scaling for scaling in scalings(rules(PANEL)) if scaling.path == "u")
    assert reweighted(rules(PANEL), scaling, weight).floors == {"u": floor}
