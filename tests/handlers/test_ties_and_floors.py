"""Chains of tie-breaks in their order, and thresholds on criteria that may be without a value."""

from __future__ import annotations

import pytest

from handlers.outcomes import decide_outcomes
from handlers.ranking import TieChoice, rank_entrants
from tests.handlers.worked import marks, rules, scored

LEAF = "panel: p, items: {i: [0, 100]}, steps: [{over: items, by: sum}, {over: evaluators, by: mean}]"
THREE = f"criteria: [{{id: x, {LEAF}}}, {{id: y, {LEAF}}}, {{id: z, {LEAF}}}]\nadvance: {{places: 1}}\n"


def table(names: str, extra: str, criteria: str = THREE) -> list[tuple[str, ...]]:
    """`name x y z` a line."""
    lines = [line.split() for line in names.splitlines()]
    written = "\n".join(f"{n} {c} i j {v}" for n, *values in lines for c, v in zip("xyz", values, strict=True))
    scores = scored(rules(criteria + extra), marks(written))
    return list(rank_entrants(scores, scores.entrants).groups)


EQUAL = "a 5 1 4\nb 5 1 4\nc 3 3 4\nd 3 4 3"


def test_each_tie_break_is_asked_only_of_those_whom_the_ones_before_left_equal() -> None:
    assert table(EQUAL, "ties: [x]") == [("a", "b"), ("c", "d")]
    assert table(EQUAL, "ties: [x, y]") == [("a", "b"), ("d",), ("c",)]
    assert table(EQUAL, "ties: [z, y]") == [("c",), ("a", "b"), ("d",)]


def test_the_total_can_break_a_tie_of_weights() -> None:
    """By x alone a and b tie with 5; their totals are 10 and 12."""
    assert table("a 5 1 4\nb 5 3 4\nc 3 9 9", "rank_by: {weighted-sum: {x: 1}}") == [("a", "b"), ("c",)]
    assert table("a 5 1 4\nb 5 3 4\nc 3 9 9", "rank_by: {weighted-sum: {x: 1}}\nties: [total]") == [
        ("b",),
        ("a",),
        ("c",),
    ]


def test_a_chain_ends_in_a_recorded_choice_of_a_person() -> None:
    phase = rules(THREE + "ties: [x, panel]")
    scores = scored(phase, marks("a x i j 5\na y i j 1\na z i j 4\nb x i j 5\nb y i j 2\nb z i j 3"))
    assert [row.code for row in decide_outcomes(phase, scores).unresolved] == ["tie-unresolved", "tie-unresolved"]
    chosen = decide_outcomes(phase, scores, tie_choices=[TieChoice(("b", "a"), ("t",))])
    assert {row.entrant: row.outcome for row in chosen.outcomes} == {"a": "eliminated", "b": "advanced"}


@pytest.mark.parametrize(("floor", "expected"), [("floors: {z: 1}", {"b"}), ("floors: {x: 1}", {"a"})])
def test_a_threshold_on_a_criterion_without_a_value_is_not_reached_in_silence(floor: str, expected: set[str]) -> None:
    """Nobody marked a on z, which counts for nothing but has a threshold: a has no full score, and is owed one."""
    criteria = THREE.replace(f"{{id: z, {LEAF}}}", f"{{id: z, counts: false, {LEAF}}}") + "missing: exclude\n"
    phase = rules(criteria + floor)
    scores = scored(phase, marks("a x i j 9\na y i j 9\nb x i j 1\nb y i j 1\nb z i j 1"))
    outcome = decide_outcomes(phase, scores)
    assert {row.entrant for row in outcome.outcomes if row.outcome == "advanced"} == expected
    assert [row.who for row in outcome.unresolved] == ([] if expected == {"a"} else ["a"])
