"""Every published figure of the K-AI programme comes out of the example's rules and marks."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from handlers.check import faults
from handlers.marks import missing_marks, seats_in
from handlers.outcomes import GateResult, PhaseOutcome, decide_outcomes
from handlers.ranking import standings
from tests.handlers.worked import k_ai, k_ai_document, k_ai_phase, scored, with_rounding

PHASE_1 = {
    "lg-ai-research": ("33.6", "31.6", "25.0", "90.2"),
    "naver-cloud": ("31.8", "29.1", "20.9", "81.8"),
    "sk-telecom": ("30.7", "29.2", "20.3", "80.2"),
    "upstage": ("30.5", "28.4", "20.6", "79.5"),
    "nc-ai": ("25.4", "24.5", "17.0", "66.9"),
}
PHASE_2 = {
    "sk-telecom": ("22.2", "29.3", "19.1", "70.6"),
    "upstage": ("22.7", "29.1", "18.1", "69.9"),
    "lg-ai-research": ("20.6", "29.5", "18.9", "69.0"),
    "motif-technologies": ("24.6", "27.1", "14.1", "65.8"),
}
NAVER_FAILS = {("naver-cloud", "independence"): GateResult(False, {"technical": "not-met"}, ("finding-1",))}


def fates(outcome: PhaseOutcome) -> dict[str, str]:
    return {row.entrant: row.outcome for row in outcome.outcomes}


@pytest.mark.parametrize("version", ["rulebook-1.yaml", "rulebook-2.yaml", "rulebook-3.yaml", "rulebook.yaml"])
def test_no_version_of_the_rules_has_a_fault(version: str) -> None:
    assert faults(k_ai_document(version)) == []


@pytest.mark.parametrize(("phase_id", "figures"), [("phase-1", PHASE_1), ("phase-2", PHASE_2)])
def test_criteria_totals_and_order_are_as_published(phase_id: str, figures: dict[str, tuple[str, ...]]) -> None:
    phase, marks = k_ai(phase_id)
    rows = standings(scored(phase, marks))
    told = {r.entrant: (r.scores["benchmark"], r.scores["expert"], r.scores["user"], r.total) for r in rows}
    assert told == figures
    assert [row.entrant for row in rows] == list(figures)
    assert [row.rank for row in rows] == list(range(1, len(figures) + 1))
    assert missing_marks(phase, figures, marks, seats_in(phase, marks)) == []


def test_phase_1_means_and_the_first_teams_parts_are_as_published() -> None:
    table = scored(*k_ai("phase-1"))
    means = {path: value.text for path, value in table.means.items()}
    assert (means["benchmark"], means["expert"], means["user"], means["total"]) == ("30.40", "28.56", "20.76", "79.72")
    lg = {path: value.text for path, value in table.values["lg-ai-research"].items()}
    assert (lg["benchmark.nia"], lg["benchmark.common"], lg["benchmark.individual"]) == ("9.2", "14.4", "10.0")
    assert table.values["sk-telecom"]["benchmark.nia"].text == "9.2"
    assert table.values["upstage"]["benchmark.individual"].text == "10.0"


def test_phase_2_firsts_and_means_are_as_published() -> None:
    table = scored(*k_ai("phase-2"))
    published = {
        "benchmark.aaii": ("motif-technologies", "11.9", "9.48"),
        "benchmark.nia": ("sk-telecom", "13.4", "13.05"),
        "expert": ("lg-ai-research", "29.5", "28.75"),
        "user.expert-users": ("sk-telecom", "11.6", "10.53"),
        "user.public": ("lg-ai-research", "7.6", "7.03"),
    }
    for path, figures in published.items():
        first = max(table.entrants, key=lambda name, path=path: table.values[name][path].exact)  # type: ignore[misc]
        assert (first, table.values[first][path].text, table.means[path].text) == figures
    assert [table.values[n]["benchmark.aaii"].text for n in PHASE_2] == ["8.8", "9.4", "7.8", "11.9"]


@pytest.mark.parametrize(
    ("group", "mean", "gap"), [("benchmark", "22.5", "4.0"), ("expert", "28.8", "2.4"), ("user", "17.6", "5.0")]
)
def test_phase_2_group_means_at_one_place_and_gaps_are_as_published(group: str, mean: str, gap: str) -> None:
    phase, marks = k_ai("phase-2", means={"places": "1", "mode": "half-up"})
    table = scored(phase, marks)
    column = [Decimal(table.values[name][group].text) for name in table.entrants]
    assert (table.means[group].text, max(column) - min(column)) == (mean, Decimal(gap))


def phase_2_totals(rounding: dict[str, str] | None) -> dict[str, str]:
    return {name: total.text for name, total in scored(*with_rounding("phase-2", rounding)).totals.items()}


def test_only_half_up_at_every_criterion_gives_the_published_totals_of_phase_2() -> None:
    published = {name: figures[-1] for name, figures in PHASE_2.items()}
    assert phase_2_totals({"places": "1", "mode": "half-up"}) == published
    assert phase_2_totals({"places": "1", "mode": "half-even"}) != published
    assert phase_2_totals({"places": "1", "mode": "half-even"})["motif-technologies"] == "65.7"


def test_rounding_the_total_alone_does_not_give_the_published_totals_of_phase_2() -> None:
    late = {name: round(Decimal(total), 1) for name, total in phase_2_totals(None).items() if "/" not in total}
    assert late != {name: Decimal(figures[-1]) for name, figures in PHASE_2.items()}


def test_without_the_users_lg_falls_behind_motif() -> None:
    phase, marks = k_ai("phase-2")
    document = [c for c in k_ai_phase("phase-2")["criteria"] if c["id"] != "user"]
    phase, _ = k_ai("phase-2", criteria=document)
    table = scored(phase, marks)
    assert table.totals["lg-ai-research"].text == "50.1"
    assert table.totals["motif-technologies"].text == "51.7"
    assert fates(decide_outcomes(phase, table))["lg-ai-research"] == "eliminated"


def weighing(points: str) -> str:
    """Who is fourth of phase 2 where AAII weighs so many of the 100 points, the rest scaled down in proportion."""
    rest = (100 - Fraction(points)) / 75
    weights = {"benchmark.aaii": Fraction(points) / 25, "benchmark.nia": rest, "expert": rest, "user": rest}
    table = scored(*k_ai("phase-2"))
    weighed = {
        name: sum(table.values[name][path].exact * weight for path, weight in weights.items())
        for name in table.entrants
    }
    return min(weighed, key=lambda name: weighed[name])


def test_motif_leaves_the_last_place_only_if_aaii_weighs_more_than_about_37_2_points() -> None:
    assert [weighing(points) for points in ("25", "37", "37.2")] == ["motif-technologies"] * 3
    assert weighing("37.3") == "lg-ai-research"


def test_third_and_fourth_of_phase_2_are_3_2_points_apart() -> None:
    phase, marks = k_ai("phase-2")
    outcome = decide_outcomes(phase, scored(phase, marks))
    margins = {row.entrant: row.margin for row in outcome.assessments}
    assert (margins["lg-ai-research"], margins["motif-technologies"]) == ("3.2", "-3.2")
    assert (fates(outcome)["motif-technologies"], outcome.vacancies, outcome.unresolved) == ("eliminated", 0, ())


def test_the_gate_leaves_its_place_empty_in_phase_1() -> None:
    phase, marks = k_ai("phase-1")
    outcome = decide_outcomes(phase, scored(phase, marks), NAVER_FAILS)
    advanced = [name for name, fate in fates(outcome).items() if fate == "advanced"]
    assert advanced == ["lg-ai-research", "sk-telecom", "upstage"]
    assert (outcome.vacancies, outcome.unresolved) == (1, ())
    naver = next(row for row in outcome.assessments if row.entrant == "naver-cloud")
    assert [reason.data() for reason in naver.reasons] == [
        {"code": "rank-within-places", "observed": "2", "required": "4", "margin": "2"},
        {
            "code": "gate-not-met",
            "gate": "independence",
            "observed": "technical",
            "required": "met",
            "cites": ["finding-1"],
        },
    ]


def test_without_the_gate_naver_cloud_advances() -> None:
    phase, marks = k_ai("phase-1", gates=[])
    assert fates(decide_outcomes(phase, scored(phase, marks)))["naver-cloud"] == "advanced"


@pytest.mark.parametrize("when", ["refill", "before-ranking"])
def test_a_rule_that_refills_from_the_ranking_lets_nc_ai_advance(when: str) -> None:
    gate = k_ai_phase("phase-1")["gates"][0]
    changes = (
        {"advance": {"places": "4", "refill_from_ranking": "true"}}
        if when == "refill"
        else {"gates": [gate | {"when": "before-ranking"}]}
    )
    phase, marks = k_ai("phase-1", **changes)
    outcome = decide_outcomes(phase, scored(phase, marks), NAVER_FAILS)
    assert (fates(outcome)["nc-ai"], fates(outcome)["naver-cloud"]) == ("advanced", "eliminated")
    assert outcome.vacancies == 0
