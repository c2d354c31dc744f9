"""Published ways of judging that the language expresses without code, on marks small enough to redo by hand.

The two phases of K-AI, a call in the manner of Horizon Europe, and a judged sport. What K-AI published is in test_k_ai_figures.
"""

from __future__ import annotations

import pytest

from handlers.check import faults
from handlers.marks import seats_in
from handlers.outcomes import decide_outcomes
from handlers.ranking import standings
from handlers.scoring import ScoreTable, score_phase
from handlers.trace import trace
from infra.rulebook_file import loads
from tests.handlers.worked import k_ai, marks, rules, scored, with_rounding


def rows(entrant: str, criterion: str, item: str, values: str) -> str:
    """The marks of evaluators e0, e1, … on one item; `72/80` is a value and what it is measured against."""
    each = enumerate(value.replace("/", " ") for value in values.split())
    return "".join(f"{entrant} {criterion} {item} e{n} {value}\n" for n, value in each)


def over_items(entrant: str, criterion: str, items: str, values: str) -> str:
    """One evaluator's marks on several items."""
    pairs = zip(items.split(), values.split(), strict=True)
    return "".join(rows(entrant, criterion, item, value) for item, value in pairs)


def told(table: ScoreTable, entrant: str) -> dict[str, str]:
    own = {path: value.text for path, value in table.values[entrant].items()}
    return own | {"total": table.totals[entrant].text}


# --- K-AI, phase 1 ----------------------------------------------------------------------------------------------------

LINEAR = "[{mark: linear, from: [0, 100]}, {over: evaluators, by: mean}, {over: items, by: mean}, points, ROUND]"
RATIO = "[{mark: ratio, cap: 1}, {over: evaluators, by: mean}, {over: items, by: mean}, points, ROUND]"
PHASE_1 = f"""
means: {{places: 2, mode: half-up}}
criteria:
  - id: benchmark
    parts:
      - id: nia
        points: 10
        panel: nia
        items: {{math: [0, 100], knowledge: [0, 100], long-context: [0, 100], safety: [0, 100], reliability: [0, 100]}}
        steps: {LINEAR}
      - id: common
        points: 20
        panel: nia
        items: {{{", ".join(f"common-{n:02}: [0, 100]" for n in range(1, 14))}}}
        steps: {LINEAR}
      - id: individual
        points: 10
        panel: tta
        items: {{target-1: [0, 100], target-2: [0, 100], target-3: [0, 100], target-4: [0, 100], target-5: [0, 100]}}
        steps: {RATIO}
  - id: expert
    points: 35
    panel: experts
    items: {{strategy-and-technology: [0, 10], results-and-plan: [0, 15], impact-and-contribution: [0, 10]}}
    steps: [{{over: items, by: sum}}, {{over: evaluators, by: trimmed-mean, drop: [1, 1]}}, ROUND]
  - id: user
    points: 25
    panel: users
    items: {{overall: [1, 5]}}
    steps: [{{over: items, by: sum}}, {{over: evaluators, by: sum}}, {{across: entrants, by: top}}, points, ROUND]
ties: [expert, benchmark.common, panel]
advance: {{places: 1}}
""".replace("ROUND", "{round: {places: 1, mode: half-up}}")
NIA = "math knowledge long-context safety reliability"
COMMON = " ".join(f"common-{n:02}" for n in range(1, 14))
TARGETS = "target-1 target-2 target-3 target-4 target-5"
TEAMS = (
    over_items("a", "benchmark.nia", NIA, "95 90 92 88 95")
    + over_items("a", "benchmark.common", COMMON, "70 71 72 73 74 70 71 72 73 74 72 72 72")
    + over_items("a", "benchmark.individual", TARGETS, "72/80 88/80 45/50 60/60 95/100")
    + rows("a", "expert", "strategy-and-technology", "9 9 9 9 9 9 9 9 10 5")
    + rows("a", "expert", "results-and-plan", "13 13 13.5 14 14 14 13 12.5 15 9")
    + rows("a", "expert", "impact-and-contribution", "8 9 9 9 9 9 9 9 10 6")
    + rows("a", "user", "overall", "5 4 5 4 5")
    + over_items("b", "benchmark.nia", NIA, "90 90 91 91 90")
    + over_items("b", "benchmark.common", COMMON, "80 " * 12 + "67")
    + over_items("b", "benchmark.individual", TARGETS, "90/80 90/80 90/80 90/80 0/80")
    + rows("b", "expert", "strategy-and-technology", "8 8 8 8 8 8 8 8 8 8")
    + rows("b", "expert", "results-and-plan", "12 12 12 12 12 12 12 12 12 12")
    + rows("b", "expert", "impact-and-contribution", "7 7 7 7 7 7 7 7 7 10")
    + rows("b", "user", "overall", "4 4 4 4 4")
)


def test_k_ai_phase_1_takes_shares_ratios_a_trimmed_mean_and_the_first_users() -> None:
    """a: nia (95+90+92+88+95)/5 = 92 -> 9.2; common 936/13 = 72 -> 14.4; individual .9, 1.1 counts 1, .9, 1, .95: 4.75/5 ->
    9.5; benchmark 33.1. Experts 30 31 31.5 32 32 32 31 30.5 35 20: without 35 and 20, 250/8 = 31.25 -> 31.3. Users 23.
    b: nia 90.4 -> 9.04 -> 9.0; common (12 x 80 + 67)/13 = 79 -> 15.8; individual four times 1 and 0: 4/5 -> 8.0; benchmark
    32.8. Experts 27 nine times and 30: without 27 and 30, 27.0. Users 20, and 20/23 x 25 = 21.739 -> 21.7.
    """
    assert faults(loads(PHASE_1).document) == []
    table = scored(rules(PHASE_1), marks(TEAMS))
    assert told(table, "a") == {
        "benchmark.nia": "9.2",
        "benchmark.common": "14.4",
        "benchmark.individual": "9.5",
        "benchmark": "33.1",
        "expert": "31.3",
        "user": "25.0",
        "total": "89.4",
    }
    assert list(told(table, "b").values()) == ["9.0", "15.8", "8.0", "32.8", "27.0", "21.7", "81.5"]
    assert (table.means["expert"].text, table.means["total"].text) == ("29.15", "85.45")


def test_the_rules_written_here_are_those_of_the_example() -> None:
    example, _ = k_ai("phase-1")
    mine = rules(PHASE_1)
    for path, leaf in example.leaves.items():
        own = mine.leaves[path]
        assert (own.points, own.items, own.steps) == (leaf.points, leaf.items, leaf.steps)


# --- K-AI, phase 2 ----------------------------------------------------------------------------------------------------

AREAS = f"{NIA} korean instruction-following"
TEAM = (
    rows("a", "benchmark.aaii", "index", "47.4")
    + over_items("a", "benchmark.nia", AREAS, "90 80 85 95 88 92 79")
    + rows("a", "expert", "strategy-and-technology", "8 8 9 10")
    + rows("a", "expert", "results-and-plan", "8 9 9 10")
    + rows("a", "expert", "impact-and-contribution", "12 12 12.5 15")
    + rows("a", "user.expert-users", "overall", "4 4 3 5 4")
    + rows("a", "user.public", "overall", "4 3 4 4")
)


def test_k_ai_phase_2_rounds_each_criterion_half_up() -> None:
    """AAII 47.4 x 25/100 = 11.85 -> 11.9; nia 609/7 = 87 x 15/100 = 13.05 -> 13.1; benchmark 25.0. Experts 28 29 30.5 35:
    without 28 and 35, 59.5/2 = 29.75 -> 29.8. Users 20/5 = 4 x 15/5 = 12.0; citizens 15/4 = 3.75 x 10/5 = 7.5.
    """
    phase, _ = k_ai("phase-2")
    assert list(told(scored(phase, marks(TEAM)), "a").values()) == [
        *("11.9", "13.1", "25.0"),
        *("29.8", "12.0", "7.5", "19.5", "74.3"),
    ]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ({"places": "1", "mode": "half-even"}, "74.1"),  # 11.8 + 13.0 + 29.8 + 12.0 + 7.5
        ({"places": "1", "mode": "down"}, "74.0"),  # 11.8 + 13.0 + 29.7 + 12.0 + 7.5
        ({"places": "0", "mode": "up"}, "76"),  # 12 + 14 + 30 + 12 + 8
        (None, "74.15"),  # 11.85 + 13.05 + 29.75 + 12 + 7.5
    ],
)
def test_another_rounding_gives_another_total(rounding: dict[str, str] | None, expected: str) -> None:
    phase, _ = with_rounding("phase-2", rounding)
    assert told(scored(phase, marks(TEAM)), "a")["total"] == expected


# --- a call in the manner of Horizon Europe ---------------------------------------------------------------------------

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
MARKED = {
    "a": ("4.5 4.0 5.0", "3.0 2.5 3.5", "4.0 4.0 4.0"),
    "b": ("4.0 4.0 4.5", "4.0 4.0 3.0", "3.0 3.0 3.5"),
    "c": ("5.0 5.0 5.0", "5.0 5.0 4.5", "2.5 2.5 3.0"),
    "d": ("3.0 3.0 3.5", "3.0 3.0 2.0", "3.5 3.5 3.0"),
    "e": ("3.0 3.0 4.0", "4.0 4.0 4.0", "4.0 3.0 4.5"),
}
PROPOSALS = "".join(
    rows(name, criterion, "score", values)
    for name, own in MARKED.items()
    for criterion, values in zip(("excellence", "impact", "implementation"), own, strict=True)
)


def test_a_horizon_call_weighs_impact_for_ranking_only() -> None:
    """Medians of three, sum, and rank by excellence + 1.5 x impact + implementation.
    a: 4.5, 3, 4: sum 11.5, 4.5 + 4.5 + 4 = 13. b: 4, 4, 3: 11, 4 + 6 + 3 = 13. e: 3, 4, 4: 11, 3 + 6 + 4 = 13. Tied at 13,
    excellence decides: a 4.5, b 4, e 3. c: 5, 5, 2.5 is first by weight (15), under a threshold. d: 3, 3, 3.5: 9.5 is under 10.
    """
    assert faults(loads(HORIZON).document) == []
    phase = rules(HORIZON)
    table = scored(phase, marks(PROPOSALS))
    outcome = decide_outcomes(phase, table)
    advanced = {row.entrant for row in outcome.outcomes if row.outcome == "advanced"}
    assert (advanced, outcome.unresolved, outcome.vacancies) == ({"a", "b"}, (), 0)
    assert [(row.entrant, row.rank, row.total) for row in standings(table)] == [
        *(("c", 1, "12.5"), ("a", 2, "11.5"), ("b", 3, "11"), ("e", 4, "11"), ("d", 5, "9.5")),
    ]
    reasons = {row.entrant: [(r.code, r.criterion, r.observed) for r in row.reasons] for row in outcome.assessments}
    assert reasons["c"] == [("floor-not-reached", "implementation", "2.5")]
    assert reasons["d"] == [("floor-not-reached", "total", "9.5")]
    assert reasons["a"] == [("rank-within-places", None, "1"), ("tie-broken-by", "excellence", "4.5")]
    assert reasons["e"] == [("rank-below-places", None, "3"), ("tie-broken-by", "excellence", "3")]


# --- a judged sport ---------------------------------------------------------------------------------------------------

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
AXEL, SPIN = "1 2 2 3 3 3 2 2 5", "4 4 3 3 4 4 3 5 0"


def protocol(skater: str, segment: str, falls: int, axel: str = AXEL, spin: str = SPIN) -> str:
    """The marks of nine judges for one skater and segment, and the referee's count of falls."""
    elements = f"{segment}.elements"
    marked = rows(skater, elements, "axel", axel) + rows(skater, elements, "spin", spin)
    return marked + f"{skater} {segment}.falls falls referee {falls}\n"


SKATERS = (
    protocol("a", "short", 1)
    + protocol("a", "free", 0)
    + protocol("b", "short", 0)
    + protocol("b", "free", 1)
    + protocol("c", "short", 0, axel="-1 -1 -2 -2 -1 -1 -2 -2 -5")
    + protocol("c", "free", 9, spin="0 0 0 0 0 0 0 0 0")
)


def test_a_judged_sport_trims_rounds_times_rounds_sums_and_deducts() -> None:
    """Axel 1 2 2 3 3 3 2 2 5, without 1 and 5: 17/7 = 2.4286 -> 2.43 x 1.1 = 2.673 -> 2.67.
    spin 4 4 3 3 4 4 3 5 0, without 0 and 5: 25/7 = 3.5714 -> 3.57 x 0.7 = 2.499 -> 2.50.
    Together 5.17, with a fall 4.17: a 4.17 + 5.17 = b 5.17 + 4.17 = 9.34, and the free segment (5.17) puts a first.
    c's short: -1 -1 -2 -2 -1 -1 -2 -2 -5, without -5 and one -1: -11/7 = -1.5714 -> -1.57 x 1.1 = -1.727 -> -1.73; and
    2.50 - 1.73 = 0.77.
    c's free: 2.67 + 0 less nine falls is below 0, and stays 0.
    """
    assert faults(loads(SPORT).document) == []
    table = scored(rules(SPORT), marks(SKATERS))
    found = {row.entrant: (row.rank, row.scores["short"], row.scores["free"], row.total) for row in standings(table)}
    assert found == {
        "a": (1, "4.17", "5.17", "9.34"),
        "b": (2, "5.17", "4.17", "9.34"),
        "c": (3, "0.77", "0.00", "0.77"),
    }


def test_every_step_of_a_protocol_can_be_followed() -> None:
    steps = trace(scored(rules(SPORT), marks(SKATERS)), "a")["short.elements"]["steps"]
    assert [step["values"] for step in steps] == [
        {"axel": "17/7", "spin": "25/7"},
        {"axel": "2.43", "spin": "3.57"},
        {"axel": "2.673", "spin": "2.499"},
        {"axel": "2.67", "spin": "2.5"},
        "5.17",
        "4.17",
    ]
    assert steps[-1]["less"] == "1"


def test_where_a_sport_rounds_changes_the_result() -> None:
    """Rounded once at the end instead: 17/7 x 1.1 + 25/7 x 0.7 = (18.7 + 17.5)/7 = 36.2/7 = 5.1714, less 1 = 4.1714."""
    late = SPORT.replace("{round: {places: 2, mode: half-up}},", "")
    assert "round" not in late
    assert scored(rules(late), marks(SKATERS)).values["a"]["short"].text == "146/35"  # 4.1714…


def test_a_bare_table_takes_its_evaluators_from_the_marks() -> None:
    phase = rules(HORIZON)
    table = marks(PROPOSALS)
    seats = dict.fromkeys(("excellence", "impact", "implementation"), ("e0", "e1", "e2"))
    assert dict(seats_in(phase, table)) == seats
    assert len(score_phase(phase, "abcde", table, seats).totals) == 5
