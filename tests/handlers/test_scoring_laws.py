"""Laws of scoring and deciding: the order of what comes in never matters, and the arithmetic is exact."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.values import format_number
from handlers.marks import Mark, seats_in
from handlers.outcomes import GateResult, decide_outcomes
from handlers.rounding import exact_sum
from handlers.scoring import score_phase
from handlers.trace import trace
from tests.handlers.worked import k_ai, rules, scored

TENTHS = st.integers(0, 100).map(lambda tenths: Fraction(tenths, 10))
PHASE = rules("""
criteria:
  - {id: e, points: 20, panel: p, items: {i: [0, 10], j: [0, 10]},
     steps: [{over: items, by: sum}, {over: evaluators, by: trimmed-mean, drop: [1, 1]}]}
  - {id: u, points: 7, panel: q, items: {i: [0, 10]},
     steps: [{over: items, by: mean}, {over: evaluators, by: sum}, {across: entrants, by: top}, points]}
ties: [u, e]
advance: {places: 2}
""")
NAMES = ("a", "b", "c")
Table = dict[tuple[str, str, str, str], Mark]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Full tables of three entrants, four judges and three users."""
    slots = [(n, "e", item, f"p{k}") for n in NAMES for item in "ij" for k in range(4)]
    slots += [(n, "u", "i", f"q{k}") for n in NAMES for k in range(3)]
    return {slot: Mark(draw(TENTHS)) for slot in slots}


def naive_totals(table: Table) -> dict[str, Fraction]:
    """The same rules, written down a second time with nothing but Fractions."""
    rows = {n: [sum((table[n, "e", i, f"p{k}"].value for i in "ij"), Fraction(0)) for k in range(4)] for n in NAMES}
    users = {n: sum((table[n, "u", "i", f"q{k}"].value for k in range(3)), Fraction(0)) for n in NAMES}
    best = max(users.values())
    judged = {n: (sum(row, Fraction(0)) - min(row) - max(row)) / 2 for n, row in rows.items()}
    return {n: judged[n] + (users[n] / best * 7 if best else 0) for n in NAMES}


@given(tables())
def test_totals_are_exactly_those_of_a_naive_computation(table: Table) -> None:
    assert {name: total.exact for name, total in scored(PHASE, table).totals.items()} == naive_totals(table)


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_the_marks_changes_nothing(table: Table, chance: random.Random) -> None:
    slots = list(table)
    chance.shuffle(slots)
    shuffled = {slot: table[slot] for slot in slots}
    one, other = scored(PHASE, table), scored(PHASE, shuffled)
    assert decide_outcomes(PHASE, one) == decide_outcomes(PHASE, other)
    assert [trace(one, name) for name in NAMES] == [trace(other, name) for name in NAMES]


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_entrants_gates_and_withdrawals_changes_nothing(chance: random.Random) -> None:
    phase, marks = k_ai("phase-1")
    names = sorted({slot[0] for slot in marks})
    failing = GateResult(False, {"technical": "not-met"}, ("f2", "f1"))
    gates = [((name, "independence"), failing if name == "naver-cloud" else GateResult(True)) for name in names]
    gone = [("upstage", ("e2", "e1")), ("lg-ai-research", ("e3",))]
    expected = decide_outcomes(phase, scored(phase, marks), dict(gates), withdrawn=dict(gone))
    for sequence in (names, gates, gone):
        chance.shuffle(sequence)
    table = score_phase(phase, names, marks, seats_in(phase, marks))
    assert decide_outcomes(phase, table, dict(gates), withdrawn=dict(gone)) == expected


@given(tables())
def test_ranks_run_with_the_totals_and_places_are_never_overfilled(table: Table) -> None:
    outcome = decide_outcomes(PHASE, scored(PHASE, table))
    totals = naive_totals(table)
    rank = {row.entrant: row.rank or 0 for row in outcome.assessments}
    assert all(rank[x] < rank[y] for x in NAMES for y in NAMES if totals[x] > totals[y])
    advanced = [row.entrant for row in outcome.outcomes if row.outcome == "advanced"]
    assert len(advanced) + outcome.vacancies == 2
    undecided = {open_point.who for open_point in outcome.unresolved}
    assert undecided == set(NAMES) - {row.entrant for row in outcome.outcomes}


@given(st.lists(st.fractions(max_denominator=1000)))
def test_sums_over_a_common_denominator_are_exact(values: list[Fraction]) -> None:
    assert exact_sum(values) == sum(values, Fraction(0))


@pytest.mark.parametrize("phase_id", ["phase-1", "phase-2"])
def test_the_trace_of_a_real_phase_ends_in_the_published_values(phase_id: str) -> None:
    table = scored(*k_ai(phase_id))
    for name in table.entrants:
        told = trace(table, name)
        assert {path: node["value"] for path, node in told.items() if path != "total"} == {
            path: value.text for path, value in table.values[name].items()
        }
        ends = {path: node["steps"][-1]["values"] for path, node in told.items() if "steps" in node}
        assert ends == {path: format_number(table.values[name][path].exact) for path in ends}
