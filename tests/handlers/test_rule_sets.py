"""Published ways of judging that the language expresses without code: a Horizon Europe call, and a judged sport."""

from __future__ import annotations

from handlers.check import faults
from handlers.marks import seats_in
from handlers.outcomes import decide_outcomes
from handlers.ranking import standings
from handlers.scoring import score_phase
from infra.rulebook_file import loads
from tests.handlers.worked import marks, rules, scored

CONSENSUS = "panel: experts, items: {score: [0, 5]}, steps: [{over: items, by: sum}, {over: evaluators, by: median}]"
HORIZON = f"""
criteria:
  - {{id: excellence, points: 5, {CONSENSUS}}}
  - {{id: impact, points: 5, {CONSENSUS}}}
  - {{id: implementation, points: 5, {CONSENSUS}}}
floors: {{excellence: 3, impact: 3, implementation: 3, total: 10}}
rank_by: {{weighted-sum: {{excellence: 1, impact: 1.5, implementation: 1}}}}
ties: [excellence, impact, panel]
advance: {{places: 2}}
"""
PROPOSALS = """
a excellence score consensus 4.5
a impact score consensus 3.0
a implementation score consensus 4.0
b excellence score consensus 4.0
b impact score consensus 4.0
b implementation score consensus 3.0
c excellence score consensus 5.0
c impact score consensus 5.0
c implementation score consensus 2.5
d excellence score consensus 3.0
d impact score consensus 3.0
d implementation score consensus 3.5
e excellence score consensus 3.0
e impact score consensus 4.5
e implementation score consensus 3.25
"""


def test_a_horizon_call_weighs_impact_for_ranking_only() -> None:
    """a: 11.5 -> 13; b: 11 -> 13; c misses one threshold; d misses the sum (9.5); e: 10.75 -> 13."""
    assert faults(loads(HORIZON).document) == []
    phase = rules(HORIZON)
    table = scored(phase, marks(PROPOSALS))
    outcome = decide_outcomes(phase, table)
    assert {row.entrant: row.outcome for row in outcome.outcomes} == {
        "a": "advanced",
        "b": "advanced",
        "c": "eliminated",
        "d": "eliminated",
        "e": "eliminated",
    }
    reasons = {row.entrant: [(r.code, r.criterion, r.observed) for r in row.reasons] for row in outcome.assessments}
    assert reasons["c"] == [("floor-not-reached", "implementation", "2.5")]
    assert reasons["d"] == [("floor-not-reached", "total", "9.5")]
    assert reasons["a"] == [("rank-within-places", None, "1"), ("tie-broken-by", "excellence", "4.5")]
    assert table.totals["b"].text == "11"


SEGMENT = """
  - id: SEGMENT
    parts:
      - id: elements
        panel: SEGMENT
        items: {axel: [-5, 5], spin: [-5, 5]}
        steps: [{over: evaluators, by: trimmed-mean, drop: [1, 1]}, {round: {places: 2, mode: half-up}},
                {times: {axel: 1.1, spin: 0.7}}, {round: {places: 2, mode: half-up}}, {over: items, by: sum},
                {subtract: SEGMENT.falls, floor: 0}]
      - id: falls
        panel: referee
        counts: false
        items: {falls: [0, 10]}
        steps: [{over: items, by: sum}, {over: evaluators, by: sum}]
"""
SPORT = "criteria:" + SEGMENT.replace("SEGMENT", "short") + SEGMENT.replace("SEGMENT", "free") + "ties: [free]\n"
AXEL, SPIN = ["1", "2", "2", "3", "3", "3", "2", "2", "5"], ["4", "4", "3", "3", "4", "4", "3", "5", "0"]


def protocol(skater: str, segment: str, falls: str, axel: list[str] = AXEL, spin: list[str] = SPIN) -> str:
    """The marks of nine judges for one skater and segment."""
    rows = [f"{skater} {segment}.elements axel j{n} {mark}" for n, mark in enumerate(axel)]
    rows += [f"{skater} {segment}.elements spin j{n} {mark}" for n, mark in enumerate(spin)]
    return "\n".join([*rows, f"{skater} {segment}.falls falls referee {falls}"]) + "\n"


def test_a_judged_sport_trims_rounds_times_rounds_sums_and_deducts() -> None:
    """axel: (2+2+3+3+3+2+2)/7 = 17/7 -> 2.43 x 1.1 = 2.673 -> 2.67; spin: 25/7 -> 3.57 x 0.7 = 2.499 -> 2.50."""
    assert faults(loads(SPORT).document) == []
    text = (
        protocol("a", "short", "1")
        + protocol("a", "free", "0")
        + protocol("b", "short", "0")
        + protocol("b", "free", "1")
    )
    rows = standings(scored(rules(SPORT), marks(text)))
    told = {row.entrant: (row.rank, row.scores["short"], row.scores["free"], row.total) for row in rows}
    assert told == {"a": (1, "4.17", "5.17", "9.34"), "b": (2, "5.17", "4.17", "9.34")}


def test_a_bare_table_takes_its_evaluators_from_the_marks() -> None:
    phase = rules(HORIZON)
    table = marks(PROPOSALS)
    assert dict(seats_in(phase, table)) == dict.fromkeys(("excellence", "impact", "implementation"), ("consensus",))
    assert len(score_phase(phase, "abcde", table, seats_in(phase, table)).totals) == 5
