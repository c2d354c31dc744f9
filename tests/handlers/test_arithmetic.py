"""The arithmetic of explanations: every formula, typed into a calculator, gives what stands behind it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.rulebook import Phase
from events.values import parse_exact
from handlers.arithmetic import worked
from handlers.explanation import Worked
from handlers.marks import Mark, seats_in
from handlers.scoring import score_phase
from handlers.trace import trace
from tests.handlers.worked import k_ai, leaf_value, marks, rules, scored

SIGNS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
HALF_UP = "{round: {places: 1, mode: half-up}}"
RECIPES = [
    "[{mark: linear, from: [0, 100]}, {over: evaluators, by: mean}, {over: items, by: mean}, points, " + HALF_UP + "]",
    "[{mark: ratio, cap: 1}, {over: items, by: mean}, {over: evaluators, by: median}, points]",
    "[{over: items, by: sum}, {over: evaluators, by: trimmed-mean, drop: [1, 1]}, {round: {places: 2, mode: half-even}}]",
    "[{over: evaluators, by: max}, {over: items, by: weighted-mean, weights: {i: 2, j: 1}}, {times: 0.5}]",
    "[{over: evaluators, by: min}, {times: {i: 1.5, j: 2}}, {over: items, by: best-of, n: 1}]",
    "[{over: evaluators, by: majority}, {over: items, by: drop-worst, n: 1, take: mean}, {round: {places: 0, mode: up}}]",
    "[{over: evaluators, by: sum}, {over: items, by: weighted-sum, weights: {i: 2, j: 3}}, {across: entrants, by: top}]",
    "[{over: items, by: median}, {over: evaluators, by: mean}, {subtract: d, floor: 0}, {round: {places: 1, mode: down}}]",
    "[{over: items, by: sum}, {over: evaluators, by: mean}, {across: entrants, by: rank-points, points: [9, 5, 1]}]",
]
PLAIN = "steps: [{over: items, by: sum}, {over: evaluators, by: mean}]"
DEDUCTION = f"{{id: d, panel: q, items: {{k: [0, 100]}}, {PLAIN}, counts: false}}"


def value_of(formula: str) -> Fraction:
    """By a calculator that knows fractions: numbers, four signs, brackets."""

    def read(node: ast.expr) -> Fraction:
        match node:
            case ast.BinOp(left, sign, right):
                return SIGNS[type(sign)](read(left), read(right))
            case ast.UnaryOp(ast.USub(), operand):
                return -read(operand)
            case ast.Constant():
                return Fraction(ast.get_source_segment(formula, node) or "")
            case _:
                raise AssertionError(formula)

    return read(ast.parse(formula, mode="eval").body)


def calculations(phase: Phase, table: dict[tuple[str, str, str, str], Mark], entrant: str = "a") -> list[Worked]:
    scores = score_phase(phase, {slot[0] for slot in table}, table, seats_in(phase, table))
    return list(worked(phase, trace(scores, entrant)))


def assert_adds_up(one: Worked) -> None:
    """Every line gives its value, exactly as written and nearly as shown; the last one gives what was published."""
    for line in one.lines:
        assert value_of(line.formula) == parse_exact(line.value), line
        assert abs(value_of(line.shown) - parse_exact(line.value)) < Fraction(1, 10**4), line
    if one.lines and one.exact is not None:
        assert parse_exact(one.lines[-1].value) == parse_exact(one.exact)


@st.composite
def tables(draw: st.DrawFn) -> dict[tuple[str, str, str, str], Mark]:
    """Three entrants, four judges on two items, one deduction each."""
    tenths = st.integers(1, 1000).map(lambda n: Fraction(n, 10))
    slots = [(n, "c", item, f"p{k}") for n in "abe" for item in "ij" for k in range(4)]
    slots += [(n, "d", "k", "q") for n in "abe"]
    return {slot: Mark(draw(tenths), draw(tenths)) for slot in slots}


@pytest.mark.parametrize("recipe", RECIPES)
@settings(max_examples=10, deadline=None)
@given(table=tables())
def test_every_line_of_every_step_can_be_redone(recipe: str, table: dict[tuple[str, str, str, str], Mark]) -> None:
    items = "{i: [0, 100], j: [0, 100]}"
    phase = rules(f"criteria: [{DEDUCTION}, {{id: c, points: 25, panel: p, items: {items}, steps: {recipe}}}]")
    for entrant in "abe":
        found = calculations(phase, table, entrant)
        assert [one.criterion for one in found] == ["d", "c", "total"]
        for one in found:
            assert_adds_up(one)


@pytest.mark.parametrize("phase_id", ["phase-1", "phase-2"])
def test_each_line_of_k_ai_is_made_of_marks_and_of_what_lines_before_it_gave(phase_id: str) -> None:
    phase, table = k_ai(phase_id)
    for entrant in sorted({slot[0] for slot in table}):
        for one in calculations(phase, table, entrant):
            assert_adds_up(one)


def test_equal_terms_are_counted_where_there_are_many() -> None:
    lines = [f"a c i u{n} {3 if n < 20 else 4}" for n in range(30)]
    phase = rules(f"criteria: [{{id: c, points: 5, panel: p, items: {{i: [0, 5]}}, {PLAIN}}}]")
    assert shown(phase, lines) == "(10 * 4 + 20 * 3) / 30"


def shown(phase: Phase, lines: list[str]) -> str:
    (leaf, _) = calculations(phase, dict(marks("\n".join(lines))))
    return [line.shown for line in leaf.lines if not line.is_trivial][-1]


def test_whoever_is_trimmed_is_named_with_the_mark() -> None:
    table = "a i x 1\na i y 2\na i z 9"
    steps = "[{over: items, by: sum}, {over: evaluators, by: trimmed-mean, drop: [1, 1]}]"
    assert leaf_value(steps, table) == "2"
    phase = rules(f"criteria: [{{id: c, points: 9, panel: p, items: {{i: [0, 9]}}, steps: {steps}}}]")
    (leaf, _) = calculations(phase, dict(marks("a c i x 1\na c i y 2\na c i z 9")))
    assert leaf.lines[-1].facts == {"dropped": "x 1, z 9"}


def test_branches_are_put_together_as_their_rules_say() -> None:
    leaf = "panel: p, items: {i: [0, 100]}, steps: [{over: items, by: sum}, {over: evaluators, by: mean}]"
    for by, expected in (
        ("min", "3"), ("max", "8"), ("sum", "8 + 3"), ("weighted-sum, weights: {x: 2, y: 1}", "2 * 8 + 1 * 3"),
    ):  # fmt: skip
        phase = rules(f"criteria: [{{id: b, by: {by}, parts: [{{id: x, {leaf}}}, {{id: y, {leaf}}}]}}]")
        table = marks("a b.x i j 8\na b.y i j 3")
        branch = calculations(phase, dict(table))[-2]
        assert [line.shown for line in branch.lines] == [expected]
        assert_adds_up(branch)


def test_what_ranks_by_weights_is_calculated_too() -> None:
    leaf = "panel: p, items: {i: [0, 100]}, steps: [{over: items, by: sum}, {over: evaluators, by: mean}]"
    phase = rules(
        f"criteria: [{{id: x, {leaf}}}, {{id: y, {leaf}}}]\nrank_by: {{weighted-sum: {{x: 1.5, y: 1}}}}\nadvance: {{places: 1}}"
    )
    last = calculations(phase, dict(marks("a x i j 8\na y i j 3")))[-1]
    assert (last.criterion, last.value) == ("rank-by", "15")
    assert_adds_up(last)


def test_a_mark_that_earns_nothing_is_a_zero_in_the_arithmetic() -> None:
    steps = "[{over: items, by: sum}, {over: evaluators, by: mean}]"
    phase = rules(f"missing: zero\ncriteria: [{{id: c, points: 9, panel: p, items: {{i: [0, 9]}}, steps: {steps}}}]")
    table = dict(marks("a c i x 6\nb c i x 6\nb c i y 6"))
    assert scored(phase, table).totals["a"].text == "3"
    (leaf, _) = calculations(phase, table)
    assert [(one.evaluator, one.value) for one in leaf.marks] == [("x", "6"), ("y", "0")]
    assert_adds_up(leaf)


def test_lines_that_only_pass_a_value_on_are_marked() -> None:
    steps = "[{over: items, by: sum}, {over: evaluators, by: mean}, " + HALF_UP + "]"
    phase = rules(f"criteria: [{{id: c, points: 9, panel: p, items: {{i: [0, 9]}}, steps: {steps}}}]")
    (leaf, total) = calculations(phase, dict(marks("a c i x 6")))
    assert all(line.is_trivial for line in (*leaf.lines, *total.lines))
