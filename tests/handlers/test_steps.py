"""Each step of RULES' table on numbers small enough to redo by hand."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.rulebook_fields import Mode, Rounding
from handlers.rounding import Value, add_up, round_to
from handlers.trace import trace
from tests.handlers.worked import leaf_value, marks, rules, scored

THREE = "a i x 1\na i y 2\na i z 6"
ITEMS = "{i: [0, 10], j: [0, 10], k: [0, 10]}"
BY_ITEM = "a i x 1\na j x 2\na k x 6"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("by: mean", "3"),
        ("by: median", "2"),
        ("by: sum", "9"),
        ("by: min", "1"),
        ("by: max", "6"),
        ("by: trimmed-mean, drop: [1, 1]", "2"),
        ("by: trimmed-mean, drop: [0, 1]", "1.5"),
        ("by: majority", "0"),
    ],
)
def test_evaluators_are_reduced(by: str, expected: str) -> None:
    assert leaf_value(f"[{{over: items, by: sum}}, {{over: evaluators, {by}}}]", THREE) == expected


def test_a_majority_is_more_than_half() -> None:
    steps = "[{over: evaluators, by: majority}, {over: items, by: sum}]"
    assert leaf_value(steps, "a i x 1\na i y 1\na i z 0", items="{i: [0, 1]}") == "1"
    assert leaf_value(steps, "a i x 1\na i y 0", items="{i: [0, 1]}") == "0"
    assert leaf_value(steps, "a i x 1\na i y 2", items="{i: [0, 2]}") == "0"


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    assert leaf_value("[{over: items, by: sum}, {over: evaluators, by: median}]", THREE + "\na i w 3") == "2.5"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("by: mean", "3"),
        ("by: sum", "9"),
        ("by: median", "2"),
        ("by: weighted-sum, weights: {i: 1, j: 0.5, k: 2}", "14"),
        ("by: weighted-mean, weights: {i: 1, j: 1, k: 2}", "3.75"),
        ("by: best-of, n: 2", "8"),
        ("by: best-of, n: 2, take: mean", "4"),
        ("by: drop-worst, n: 1", "8"),
        ("by: drop-worst, n: 2", "6"),
    ],
)
def test_items_are_reduced(by: str, expected: str) -> None:
    assert leaf_value(f"[{{over: evaluators, by: mean}}, {{over: items, {by}}}]", BY_ITEM, items=ITEMS) == expected


BOTH = "{over: evaluators, by: mean}, {over: items, by: mean}"


def test_a_ratio_is_capped() -> None:
    assert leaf_value(f"[{{mark: ratio, cap: 1}}, {BOTH}, points]", "a i x 72 80", points="10") == "9"
    assert leaf_value(f"[{{mark: ratio, cap: 1}}, {BOTH}, points]", "a i x 90 80", points="10") == "10"
    assert leaf_value(f"[{{mark: ratio}}, {BOTH}, points]", "a i x 90 80", points="10") == "11.25"


def test_a_linear_mark_runs_from_0_to_1() -> None:
    assert leaf_value(f"[{{mark: linear, from: [1, 5]}}, {BOTH}, points]", "a i x 4", points="20") == "15"


def test_top_scales_to_the_first() -> None:
    steps = f"[{BOTH}, {{across: entrants, by: top}}, points]"
    table = "a i x 30\nb i x 40"
    assert leaf_value(steps, table, points="25") == "18.75"
    assert leaf_value(steps, table, points="25", entrant="b") == "25"


def test_top_gives_nobody_anything_where_all_have_nothing() -> None:
    assert leaf_value(f"[{BOTH}, {{across: entrants, by: top}}, points]", "a i x 0\nb i x 0") == "0"


@pytest.mark.parametrize(
    ("ties", "expected"),
    [("high", ["12", "10", "10", "0"]), ("mean", ["12", "9", "9", "0"]), ("low", ["12", "8", "8", "0"])],
)
def test_rank_points_go_by_place_with_ties_as_stated(ties: str, expected: list[str]) -> None:
    steps = f"[{BOTH}, {{across: entrants, by: rank-points, points: [12, 10, 8], ties: {ties}}}]"
    table = "a i x 9\nb i x 7\nc i x 7\nd i x 1"
    assert [leaf_value(steps, table, entrant=name) for name in "abcd"] == expected


def test_rank_points_can_be_given_by_each_judge_and_added() -> None:
    steps = "[{over: items, by: sum}, {across: entrants, by: rank-points, points: [3, 1]}, {over: evaluators, by: sum}]"
    table = "a i x 9\nb i x 7\na i y 2\nb i y 5\na i z 6\nb i z 1"
    assert [leaf_value(steps, table, entrant=name) for name in "ab"] == ["7", "5"]


def test_a_factor_is_for_all_or_by_item() -> None:
    both = "{over: evaluators, by: mean}, {times: %s}, {over: items, by: sum}"
    assert leaf_value(f"[{both % '0.5'}]", BY_ITEM, items=ITEMS) == "4.5"
    assert leaf_value(f"[{both % '{i: 3, j: 2, k: 1}'}]", BY_ITEM, items=ITEMS) == "13"


DEDUCTIONS = """
criteria:
  - id: run
    parts:
      - {id: marks, panel: j, items: {i: [0, 10]}, steps: [{over: items, by: sum}, {over: evaluators, by: mean},
         {round: {places: 2}}, {subtract: run.falls, floor: 0}]}
      - {id: falls, panel: r, counts: false, items: {n: [0, 10]}, steps: [{over: items, by: sum},
         {over: evaluators, by: sum}]}
"""


def test_deductions_are_taken_off_and_never_below_the_floor() -> None:
    table = scored(
        rules(DEDUCTIONS), marks("a run.marks i x 7\na run.falls n y 2\nb run.marks i x 1\nb run.falls n y 3")
    )
    assert {name: own["run"].text for name, own in table.values.items()} == {"a": "5.00", "b": "0.00"}
    assert table.values["a"]["run.falls"].text == "2"
    assert table.totals["a"].text == "5.00"


@pytest.mark.parametrize(
    ("mode", "expected"), [("half-up", "2.5"), ("half-even", "2.4"), ("down", "2.4"), ("up", "2.5")]
)
def test_a_half_goes_where_the_mode_says(mode: str, expected: str) -> None:
    assert leaf_value(f"[{BOTH}, {{round: {{places: 1, mode: {mode}}}}}]", "a i x 2.45") == expected


WHOLE = "{round: {places: 0, mode: down}}"
SUMS = "{over: evaluators, by: sum}, {over: items, by: sum}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"[{SUMS}]", "9.7"),  # 2.9 + 3.9 + 2.9
        (f"[{WHOLE}, {SUMS}]", "7"),  # 2 + 3 + 2
        (f"[{{over: evaluators, by: sum}}, {WHOLE}, {{over: items, by: sum}}]", "8"),  # 6.8 -> 6; 2.9 -> 2
        (f"[{SUMS}, {WHOLE}]", "9"),
        (f"[{{mark: linear, from: [0, 2]}}, {WHOLE}, {SUMS}]", "3"),  # 1.45, 1.95, 1.45
        (f"[{SUMS}, {{times: 2}}, {WHOLE}]", "19"),  # 19.4
        (f"[{{times: {{i: 2, j: 3}}}}, {WHOLE}, {SUMS}]", "20"),  # 5.8, 7.8, 8.7
        (f"[{SUMS}, points, {WHOLE}]", "970"),
        (f"[{SUMS}, {{across: entrants, by: top}}, {WHOLE}]", "1"),
        (f"[{SUMS}, {WHOLE}, {{times: 0.5}}]", "4.5"),
    ],
)
def test_rounding_may_follow_any_step_and_acts_where_it_stands(steps: str, expected: str) -> None:
    table = "a i x 2.9\na i y 3.9\na j x 2.9"
    text = f"missing: exclude\ncriteria: [{{id: c, points: 100, panel: p, items: {{i: [0, 9], j: [0, 9]}}, steps: {steps}}}]"
    rows = marks("\n".join(line.replace(" ", " c ", 1) for line in (table + "\na j y 0").splitlines()))
    assert scored(rules(text), rows).values["a"]["c"].text == expected


def test_a_majority_of_rounded_values_is_printed_as_they_are() -> None:
    steps = "[{over: items, by: sum}, {round: {places: 1}}, {over: evaluators, by: majority}]"
    assert leaf_value(steps, "a i x 4\na i y 4\na i z 1") == "4.0"


def test_the_first_of_rank_points_may_be_several_and_beyond_the_list_is_nothing() -> None:
    """a, b and c fill places 1 to 3: the mean of 12, 10 and 8 is 10; d is fourth, and the list has three."""
    steps = f"[{BOTH}, {{across: entrants, by: rank-points, points: [12, 10, 8], ties: mean}}]"
    table = "a i x 9\nb i x 9\nc i x 9\nd i x 1"
    assert [leaf_value(steps, table, entrant=name) for name in "abcd"] == ["10", "10", "10", "0"]


@given(st.decimals("-999", "999", places=4), st.integers(0, 5))
def test_rounding_agrees_with_the_decimal_module(number: Decimal, places: int) -> None:
    same: dict[Mode, str] = {
        "half-up": ROUND_HALF_UP,
        "half-even": ROUND_HALF_EVEN,
        "down": ROUND_DOWN,
        "up": ROUND_UP,
    }
    for mode, theirs in same.items():
        expected = number.quantize(Decimal(1).scaleb(-places), rounding=theirs)
        assert round_to(Fraction(number), Rounding(places=places, mode=mode)) == Fraction(expected)


LEAF = (
    "panel: p, items: {i: [0, 9]}, steps: [{over: items, by: sum}, {over: evaluators, by: sum}, {round: {places: 1}}]"
)


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("", "7.0"),
        ("by: min,", "2.0"),
        ("by: max,", "5.0"),
        ("by: weighted-sum, weights: {l: 2, m: 0.5},", "6.5"),
        ("by: weighted-sum, weights: {l: 0.3, m: 0.1}, round: {places: 0},", "1"),
    ],
)
def test_a_branch_puts_its_parts_together(branch: str, expected: str) -> None:
    text = f"criteria: [{{id: c, {branch} parts: [{{id: l, {LEAF}}}, {{id: m, {LEAF}}}]}}]"
    assert scored(rules(text), marks("a c.l i x 2\na c.m i x 5")).values["a"]["c"].text == expected


def test_a_sum_has_the_most_places_of_its_parts() -> None:
    assert add_up([Value(Fraction(25), 1), Value(Fraction(7, 2), 2)]).text == "28.50"
    assert add_up([Value(Fraction(25), 1), Value(Fraction(1, 8))]).text == "25.125"
    assert add_up([Value(Fraction(25)), Value(Fraction(1, 3))]).text == "76/3"


def test_where_one_trims_decides() -> None:
    """Dropping whole experts is not dropping the extremes of each item."""
    table = "a i x 1\na j x 10\na k x 4\na i y 9\na j y 1\na k y 6\na i z 5\na j z 5\na k z 4"
    totals_first = "[{over: items, by: sum}, {over: evaluators, by: trimmed-mean, drop: [1, 1]}]"
    items_first = "[{over: evaluators, by: trimmed-mean, drop: [1, 1]}, {over: items, by: sum}]"
    assert leaf_value(totals_first, table, items=ITEMS) == "15"
    assert leaf_value(items_first, table, items=ITEMS) == "14"


def test_the_trace_tells_every_intermediate_value() -> None:
    text = "criteria: [{id: c, points: 25, panel: p, items: {i: [1, 5]}, steps: [{over: items, by: sum}, "
    text += "{over: evaluators, by: sum}, {across: entrants, by: top}, points, {round: {places: 1}}]}]"
    told = trace(scored(rules(text), marks("a c i x 3\na c i y 4\nb c i x 5\nb c i y 4")), "a")
    assert told["c"]["marks"] == {"i": {"x": "3", "y": "4"}}
    values = [stage["values"] for stage in told["c"]["steps"]]
    assert values == [{"x": "3", "y": "4"}, "7", "7/9", "175/9", "19.4"]
    assert told["c"]["steps"][2]["best"] == "9"
    assert (told["c"]["value"], told["total"]["parts"]) == ("19.4", {"c": "19.4"})
