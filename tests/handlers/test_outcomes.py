"""Ranking, ties, floors, gates and places on small tables."""

from __future__ import annotations

import pytest

from events.errors import Refused
from events.rulebook import Phase
from handlers.outcomes import GateResult, PhaseOutcome, decide_outcomes
from handlers.ranking import TieChoice, standings
from handlers.reasons import HOLDS, REASONS
from handlers.scoring import ScoreTable
from tests.handlers.worked import marks, rules, scored

LEAF = "panel: p, items: {i: [0, 100]}, steps: [{over: items, by: sum}, {over: evaluators, by: mean}]"


def competition(rows: str, extra: str = "advance: {places: 2}") -> tuple[Phase, ScoreTable]:
    """`name x y` a line: an entrant's value for the two criteria x and y."""
    phase = rules(f"criteria: [{{id: x, {LEAF}}}, {{id: y, {LEAF}}}]\n{extra}")
    lines = [line.split() for line in rows.strip().splitlines()]
    return phase, scored(phase, marks("\n".join(f"{n} x i j {x}\n{n} y i j {y}" for n, x, y in lines)))


def fates(outcome: PhaseOutcome) -> dict[str, str]:
    return {row.entrant: row.outcome for row in outcome.outcomes}


def codes(outcome: PhaseOutcome, entrant: str) -> list[str]:
    return [reason.code for row in outcome.assessments if row.entrant == entrant for reason in row.reasons]


FOUR = "a 5 5\nb 4 4\nc 2 6\nd 1 1"


def test_ranks_run_1_2_2_4() -> None:
    _, table = competition(FOUR)
    assert [(row.entrant, row.rank) for row in standings(table)] == [("a", 1), ("b", 2), ("c", 2), ("d", 4)]


def test_a_tie_is_broken_by_the_first_criterion_that_differs_and_says_so() -> None:
    phase, table = competition(FOUR, "ties: [y]\nadvance: {places: 2}")
    outcome = decide_outcomes(phase, table)
    assert fates(outcome) == {"a": "advanced", "b": "eliminated", "c": "advanced", "d": "eliminated"}
    reasons = {row.entrant: [reason.data() for reason in row.reasons] for row in outcome.assessments}
    assert reasons["c"][-1] == {
        "code": "tie-broken-by",
        "criterion": "y",
        "observed": "6",
        "required": "4",
        "margin": "2",
    }
    assert reasons["b"][-1]["margin"] == "-2"
    assert [reason.public() for row in outcome.outcomes if row.entrant == "c" for reason in row.reasons] == [
        {"code": "rank-within-places"},
        {"code": "tie-broken-by", "criterion": "y"},
    ]


def test_a_tie_at_the_cut_holds_the_phase_until_a_person_chooses() -> None:
    phase, table = competition("a 5 5\nb 4 4\nc 4 4", "ties: [x, panel]\nadvance: {places: 2}")
    held = decide_outcomes(phase, table)
    assert [point.data() for point in held.unresolved] == [
        {"code": "tie-unresolved", "who": name, "what": "place 2 of 2"} for name in "bc"
    ]
    assert fates(held) == {"a": "advanced"}
    assert codes(held, "b") == ["tie-unresolved"]
    chosen = decide_outcomes(phase, table, tie_choices=[TieChoice(("c", "b"), ("e1",))])
    assert (fates(chosen)["c"], fates(chosen)["b"], chosen.unresolved) == ("advanced", "eliminated", ())
    assert codes(chosen, "c") == ["rank-within-places", "tie-broken-by"]


def test_of_two_recorded_choices_the_first_counts() -> None:
    phase, table = competition("a 4 4\nb 4 4", "advance: {places: 1}")
    outcome = decide_outcomes(phase, table, tie_choices=[TieChoice(("a", "b")), TieChoice(("b", "a"))])
    assert fates(outcome) == {"a": "advanced", "b": "eliminated"}


def test_a_choice_that_leaves_one_of_the_tied_out_counts_for_nothing() -> None:
    phase, table = competition("a 4 4\nb 4 4\nc 4 4", "advance: {places: 1}")
    outcome = decide_outcomes(phase, table, tie_choices=[TieChoice(("a", "b"))])
    assert {point.code for point in outcome.unresolved} == {"tie-unresolved"}


def test_a_tie_away_from_the_cut_holds_nothing() -> None:
    phase, table = competition("a 4 4\nb 4 4\nc 1 1")
    outcome = decide_outcomes(phase, table)
    assert outcome.unresolved == ()
    assert fates(outcome) == {"a": "advanced", "b": "advanced", "c": "eliminated"}


def test_weights_can_rank_without_counting() -> None:
    phase, table = competition("a 5 1\nb 1 4", "rank_by: {weighted-sum: {x: 1, y: 2}}\nadvance: {places: 1}")
    outcome = decide_outcomes(phase, table)
    assert fates(outcome) == {"a": "eliminated", "b": "advanced"}
    assert [(row.total, row.margin) for row in outcome.assessments] == [("6", "-2"), ("5", "2")]


def test_a_floor_eliminates_and_its_place_goes_to_the_next() -> None:
    phase, table = competition("a 9 0\nb 4 4\nc 2 6", "floors: {y: 0.5, total: 8}\nadvance: {places: 2}")
    outcome = decide_outcomes(phase, table)
    assert fates(outcome) == {"a": "eliminated", "b": "advanced", "c": "advanced"}
    assert [reason.data() for reason in outcome.assessments[0].reasons] == [
        {"code": "floor-not-reached", "criterion": "y", "observed": "0", "required": "0.5", "margin": "-0.5"}
    ]
    assert outcome.assessments[0].margin is None


def test_a_value_on_the_floor_reaches_it() -> None:
    phase, table = competition("a 4 4", "floors: {y: 4, total: 8}\nadvance: {places: 1}")
    assert fates(decide_outcomes(phase, table)) == {"a": "advanced"}


GATE = "gates: [{id: g, counts: [t, u], when: %s, without_finding: %s}]\nadvance: {places: 2, refill_from_ranking: %s}"
NOT_MET = GateResult(False, {"t": "not-met", "u": "met"}, ("f",))


@pytest.mark.parametrize(
    ("when", "refill", "advanced", "vacancies"),
    [
        ("after-ranking", "false", ["b"], 1),
        ("after-ranking", "true", ["b", "c"], 0),
        ("before-ranking", "false", ["b", "c"], 0),
    ],
)
def test_who_fails_a_gate_uses_up_the_place_or_not(when: str, refill: str, advanced: list[str], vacancies: int) -> None:
    phase, table = competition("a 5 5\nb 4 4\nc 3 3\nd 1 1", GATE % (when, "met", refill))
    outcome = decide_outcomes(phase, table, {("a", "g"): NOT_MET})
    assert [name for name, fate in fates(outcome).items() if fate == "advanced"] == advanced
    assert (outcome.vacancies, outcome.unresolved) == (vacancies, ())
    assert codes(outcome, "a")[-1] == "gate-not-met"


def test_a_count_without_a_finding_holds_whoever_has_a_place_where_the_gate_says_so() -> None:
    phase, table = competition("a 5 5\nb 4 4\nc 3 3", GATE % ("after-ranking", "undetermined", "false"))
    outcome = decide_outcomes(phase, table, {("a", "g"): GateResult(True, {"t": "met", "u": "met"})})
    assert [point.data() for point in outcome.unresolved] == [{"code": "gate-undetermined", "who": "b", "what": "g"}]
    assert fates(outcome) == {"a": "advanced", "c": "eliminated"}


def test_withdrawn_and_absent_entrants_do_not_rank() -> None:
    phase, table = competition(FOUR)
    outcome = decide_outcomes(phase, table, withdrawn={"a": ("e1",)}, no_submission=["z"])
    assert fates(outcome) == {"a": "withdrawn", "b": "advanced", "c": "advanced", "d": "eliminated", "z": "eliminated"}
    assert {row.entrant: row.rank for row in outcome.assessments} == {"a": None, "b": 1, "c": 1, "d": 3, "z": None}
    assert [row.reasons[0].data() for row in outcome.assessments if row.entrant in "az"] == [
        {"code": "withdrawn", "cites": ["e1"]},
        {"code": "no-submission"},
    ]


def test_fewer_entrants_than_places_leave_vacancies() -> None:
    phase, table = competition("a 1 1", "advance: {places: 3}")
    assert decide_outcomes(phase, table).vacancies == 2


def test_too_few_who_advance_hold_the_phase() -> None:
    phase, table = competition("a 1 1", "floors: {total: 9}\nadvance: {places: 3, at_least: 1}")
    assert [point.code for point in decide_outcomes(phase, table).unresolved] == ["too-few-advance"]


def test_how_many_advance_is_not_asked_while_something_else_is_open() -> None:
    phase, table = competition("a 4 4\nb 4 4", "advance: {places: 1, at_least: 1}")
    assert {point.code for point in decide_outcomes(phase, table).unresolved} == {"tie-unresolved"}


def test_a_phase_without_places_cannot_be_decided() -> None:
    phase, table = competition("a 1 1", "")
    with pytest.raises(Refused, match="has no `advance`"):
        decide_outcomes(phase, table)


def test_the_codes_of_rules_are_all_there() -> None:
    asked = "rank-within-places rank-below-places floor-not-reached gate-not-met tie-broken-by tie-unresolved "
    assert set(REASONS) == set((asked + "withdrawn no-submission not-recognised").split())
    assert all(text.endswith(".") for text in (*REASONS.values(), *HOLDS.values()))
