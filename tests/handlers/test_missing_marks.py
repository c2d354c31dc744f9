"""Missing is not zero: what each policy makes of a gap, who is out of the count, and quorums."""

from __future__ import annotations

import pytest

from events.rulebook import Phase
from handlers.marks import Exclusions, missing_marks, quorum_shortfalls, seats_of
from handlers.ranking import standings
from handlers.scoring import score_phase
from tests.handlers.worked import marks, rules

SUM = "{over: items, by: sum}"
MEAN = "{over: evaluators, by: mean}"
TABLE = marks("a c i x 4\na c j x 2\na c i y 8\nb c i x 1\nb c j x 1\nb c i y 1\nb c j y 1")
GAP = ("a", "c", "j", "y")
PANELS = {"p": ["x", "y"]}


def phase(missing: str = "hold", steps: str = f"[{SUM}, {MEAN}]") -> Phase:
    leaf = f"{{id: c, panel: p, items: {{i: [0, 9], j: [0, 9]}}, steps: {steps}}}"
    return rules(f"criteria: [{leaf}]\nmissing: {missing}\nquorum: {{p: 2}}")


def total(rules: Phase, excluded: Exclusions | None = None) -> str | None:
    table = score_phase(rules, "ab", TABLE, seats_of(rules, PANELS), excluded=excluded or Exclusions())
    return {row.entrant: row.total for row in standings(table)}["a"]


def test_a_gap_is_named() -> None:
    assert missing_marks(phase(), "ab", TABLE, seats_of(phase(), PANELS)) == [GAP]


@pytest.mark.parametrize(
    ("missing", "items_first", "evaluators_first"),
    [("hold", None, None), ("waive", None, None), ("zero", "7", "7"), ("exclude", "6", "8")],
)
def test_what_a_policy_makes_of_a_gap(missing: str, items_first: str | None, evaluators_first: str | None) -> None:
    """Items first, the incomplete row is left out whole (6); evaluators first, only the mark is (6 + 2)."""
    assert total(phase(missing)) == items_first
    assert total(phase(missing, f"[{MEAN}, {SUM}]")) == evaluators_first


def test_nothing_is_earned_by_a_missing_mark_even_where_the_scale_starts_above() -> None:
    steps = "[{mark: linear, from: [1, 9]}, {over: evaluators, by: mean}, {over: items, by: sum}]"
    assert total(phase("zero", steps)) == "0.6875"  # i: (3/8 + 7/8) / 2, j: (1/8 + 0) / 2


def test_an_entrant_without_a_score_never_ranks() -> None:
    rules = phase()
    rows = standings(score_phase(rules, "ab", TABLE, seats_of(rules, PANELS)))
    assert [(row.entrant, row.rank, row.total) for row in rows] == [("b", 1, "2"), ("a", None, None)]


def test_a_recused_evaluator_is_out_of_the_count() -> None:
    recused = Exclusions(pairs={("y", "a")})
    assert total(phase(), recused) == "6"
    assert missing_marks(phase(), "ab", TABLE, seats_of(phase(), PANELS), recused) == []


def test_a_waived_mark_is_neither_missing_nor_zero() -> None:
    waived = Exclusions(waived={GAP})
    assert missing_marks(phase(), "ab", TABLE, seats_of(phase(), PANELS), waived) == []
    assert total(phase("waive"), waived) == "6"


def test_an_item_that_nobody_marked_leaves_no_score_unless_it_was_waived() -> None:
    rules = phase("exclude", f"[{MEAN}, {SUM}]")
    table = {slot: mark for slot, mark in TABLE.items() if slot[:3] != ("a", "c", "j")}
    seats = seats_of(rules, PANELS)
    assert "a" not in score_phase(rules, "ab", table, seats).totals
    waived = Exclusions(waived={("a", "c", "j", "x"), GAP})
    assert score_phase(rules, "ab", table, seats, excluded=waived).totals["a"].text == "6"


def test_a_quorum_counts_members_who_gave_all_their_marks() -> None:
    short = quorum_shortfalls(phase(), "ab", TABLE, seats_of(phase(), PANELS))
    assert [(s.entrant, s.panel, s.have, s.need) for s in short] == [("a", "p", 1, 2)]
    empty = quorum_shortfalls(phase(), "a", TABLE, {})
    assert [(s.have, s.need) for s in empty] == [(0, 2)]


def test_a_trim_that_leaves_nobody_gives_no_score() -> None:
    rules = phase("exclude", "[{over: items, by: sum}, {over: evaluators, by: trimmed-mean, drop: [1, 1]}]")
    assert "a" not in score_phase(rules, "ab", TABLE, seats_of(rules, PANELS)).totals


def test_marks_of_strangers_and_unknown_items_count_for_nothing() -> None:
    rules = phase("exclude")
    extra = TABLE | marks("b c i stranger 9\nb c k x 9\nb d i x 9\nz c i x 9")
    seats = seats_of(rules, PANELS)
    assert score_phase(rules, "ab", extra, seats).totals == score_phase(rules, "ab", TABLE, seats).totals


def test_a_ratio_without_a_reference_is_a_missing_mark() -> None:
    rules = phase("hold", f"[{{mark: ratio}}, {MEAN}, {SUM}]")
    for reference in ("", "0"):
        gaps = missing_marks(rules, "b", marks(f"b c i x 1 2\nb c j x 1 {reference}"), {"c": ["x"]})
        assert gaps == [("b", "c", "j", "x")]
