"""`check` and `score`: faults with their lines, and the figures of the K-AI programme as they were published."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import Phasegate

ROOT = Path(__file__).resolve().parents[2]
K_AI = ROOT / "examples" / "k-ai-2026"
WHOLE = K_AI / "rulebook.yaml"
HEADS = "team,criterion,item,evaluator,value,reference\n"

TEN_FAULTS = """\
programme: Ten Faults
titel: {en: Ten}
sources:
  - {source: "urn:x:a", types: ["*"], panel: nobody}
phases:
  - id: one
    windows: {submissions: 2026-01-05T09:00:00Z, scores: 2026-01-04T09:00:00Z}
    late: perhaps
    criteria:
      - id: paper
        points: many
        panel: readers
        items: {all: [0, 5]}
        steps: [{over: evaluators, by: mean}, {over: items, by: sum}]
      - id: talk
        points: 10
        panel: readers
        items: {all: [0, 5]}
        steps:
          - {over: evaluators, by: middle}
          - {over: items, by: sum}
    floors: {speech: 3}
    ties: [grace]
    advance: {places: some}
"""
LINES_OF_TEN = [1, 2, 4, 7, 8, 11, 20, 22, 23, 24]

SMALL = """\
criteria:
  - id: paper
    panel: readers
    items: {idea: [0, 5], plan: [0, 5]}
    steps: [{over: items, by: sum}, {over: evaluators, by: mean}, {round: {places: 1, mode: half-up}}]
  - id: speed
    points: 10
    panel: timers
    items: {run: [0, 100]}
    steps: [{mark: ratio, cap: 1}, {over: evaluators, by: mean}, {over: items, by: mean}, points]
means: {places: 2, mode: half-up}
"""
SMALL_MARKS = """\
one,paper,idea,ann,4,
one,paper,plan,ann,3.5,
one,paper,idea,bob,5,
one,paper,plan,bob,4,
one,speed,run,clock,45,90
two,paper,idea,ann,5,
two,paper,plan,ann,5,
two,paper,idea,bob,5,
two,paper,plan,bob,5,
two,speed,run,clock,120,100
"""


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """A bare scoring document and its marks, of which `two`'s run is above the range."""
    rules, marks = tmp_path / "small.yaml", tmp_path / "small.csv"
    rules.write_text(SMALL)
    marks.write_text(HEADS + SMALL_MARKS.replace("120,100", "95,90"))
    return rules, marks


# --- check ------------------------------------------------------------------------------------------------------------


def test_all_ten_faults_are_listed_with_their_lines(phasegate: Phasegate, tmp_path: Path) -> None:
    path = tmp_path / "ten.yaml"
    path.write_text(TEN_FAULTS)
    told = phasegate("check", path)
    assert told.code == 6
    assert [line.split(" ")[0] for line in told.out.splitlines()] == [f"{path}:{line}:" for line in LINES_OF_TEN]
    assert "10 faults" in told.err
    answer = phasegate("check", path, "--json")
    assert answer.document["error"]["code"] == "refused"
    assert [fault["line"] for fault in answer.data["faults"]] == LINES_OF_TEN
    assert all(set(fault) == {"line", "path", "code", "message"} for fault in answer.data["faults"])


def test_a_rulebook_without_faults_is_said_to_have_none(phasegate: Phasegate) -> None:
    answer = phasegate("check", K_AI / "rulebook.yaml", "--json")
    assert (answer.code, answer.data["faults"]) == (0, [])
    assert "no faults" in phasegate("check", K_AI / "rulebook.yaml").out


@pytest.mark.parametrize(("text", "code"), [("a: 1\na: 2\n", 6), ("a: &x 1\n", 6), ("- 1\n", 6), ("{", 6), (None, 5)])
def test_what_is_no_rulebook_at_all_is_refused_too(
    phasegate: Phasegate, tmp_path: Path, text: str | None, code: int
) -> None:
    path = tmp_path / "odd.yaml"
    if text is not None:
        path.write_text(text)
    assert phasegate("check", path).code == code
    assert phasegate("check", path, "--json").document["ok"] is False
    assert phasegate("score", path, path).code == code


# --- the published figures --------------------------------------------------------------------------------------------


def standings(phasegate: Phasegate, phase: str) -> tuple[dict[str, Any], dict[str, str]]:
    answer = phasegate("score", WHOLE, K_AI / "marks" / f"{phase}.csv", "--phase", phase, "--json")
    assert (answer.code, answer.document["warnings"]) == (0, [])
    assert answer.document["schema"] == "phasegate/score/v1"
    return {line["entrant"]: line for line in answer.data["standings"]}, answer.data["means"]


def test_phase_1_of_k_ai_comes_out_as_published(phasegate: Phasegate) -> None:
    lines, means = standings(phasegate, "phase-1")
    first = lines["lg-ai-research"]
    assert (first["rank"], first["total"]) == (1, "90.2")
    assert first["scores"] == {
        "benchmark": "33.6",
        "benchmark.nia": "9.2",
        "benchmark.common": "14.4",
        "benchmark.individual": "10.0",
        "expert": "31.6",
        "user": "25.0",
    }
    assert lines["sk-telecom"]["scores"]["benchmark.nia"] == "9.2"
    assert lines["upstage"]["scores"]["benchmark.individual"] == "10.0"
    assert (means["benchmark"], means["expert"], means["user"], means["total"]) == ("30.40", "28.56", "20.76", "79.72")
    assert {name for name, line in lines.items() if line["rank"] <= 4} == {
        *("lg-ai-research", "naver-cloud", "sk-telecom", "upstage"),
    }
    assert lines["nc-ai"]["rank"] == 5


def test_phase_2_of_k_ai_comes_out_as_published(phasegate: Phasegate) -> None:
    lines, means = standings(phasegate, "phase-2")
    totals = [(line["entrant"], line["rank"], line["total"]) for line in lines.values()]
    assert totals == [
        ("sk-telecom", 1, "70.6"),
        ("upstage", 2, "69.9"),
        ("lg-ai-research", 3, "69.0"),
        ("motif-technologies", 4, "65.8"),
    ]
    firsts = {"benchmark.aaii": "11.9", "benchmark.nia": "13.4", "expert": "29.5", "user.expert-users": "11.6"}
    for criterion, published in {**firsts, "user.public": "7.6"}.items():
        assert max((line["scores"][criterion] for line in lines.values()), key=Decimal) == published
    published_means = {"benchmark.aaii": "9.48", "benchmark.nia": "13.05", "expert": "28.75"}
    published_means |= {"user.expert-users": "10.53", "user.public": "7.03"}
    assert {name: means[name] for name in published_means} == published_means
    for criterion, gap in (("benchmark", "4.0"), ("expert", "2.4"), ("user", "5.0")):
        column = [Decimal(line["scores"][criterion]) for line in lines.values()]
        assert max(column) - min(column) == Decimal(gap)


def test_the_table_for_people_has_every_criterion(phasegate: Phasegate) -> None:
    words = ("score", WHOLE, K_AI / "marks" / "phase-1.csv", "--phase", "phase-1")
    rows = {line.split()[0]: line.split()[1:] for line in phasegate(*words).out.splitlines() if line.strip()}
    assert rows["common"] == ["20", "14.4", "13.6", "12.6", "11.9", "10.4", "12.58"]
    assert rows["user"] == ["25", "25.0", "20.9", "20.3", "20.6", "17.0", "20.76"]
    assert rows["total"] == ["90.2", "81.8", "80.2", "79.5", "66.9", "79.72"]
    assert rows["rank"] == ["1", "2", "3", "4", "5"]


# --- score ------------------------------------------------------------------------------------------------------------


def test_several_phases_need_a_choice(phasegate: Phasegate) -> None:
    words = ("score", WHOLE, K_AI / "marks" / "phase-1.csv")
    assert phasegate(*words).code == 2
    error = phasegate(*words, "--json").document["error"]
    assert error["code"] == "usage"
    assert "phase-1, reopening, phase-2, final-projection" in error["message"]
    assert phasegate(*words, "--phase", "phase-9").code == 5


def test_a_bare_document_is_one_phase(phasegate: Phasegate, small: tuple[Path, Path]) -> None:
    answer = phasegate("score", *small, "--json")
    assert answer.data == {
        "phase": "phase-1",
        "standings": [
            {"entrant": "two", "rank": 1, "total": "20.0", "scores": {"paper": "10.0", "speed": "10"}},
            {"entrant": "one", "rank": 2, "total": "13.3", "scores": {"paper": "8.3", "speed": "5"}},
        ],
        "means": {"paper": "9.15", "speed": "7.50", "total": "16.65"},
    }


def test_a_mark_outside_its_range_is_refused_with_its_line(phasegate: Phasegate, small: tuple[Path, Path]) -> None:
    small[1].write_text(HEADS + SMALL_MARKS)
    error = phasegate("score", *small, "--json").document["error"]
    assert error["code"] == "refused"
    assert error["details"]["marks"] == [f"{small[1]}:11: value 120 of speed/run is outside 0 to 100"]


def test_a_ratio_without_its_reference_is_refused(phasegate: Phasegate, small: tuple[Path, Path]) -> None:
    small[1].write_text(HEADS + SMALL_MARKS.replace("120,100", "95,").replace("45,90", "45,0"))
    lines = phasegate("score", *small, "--json").document["error"]["details"]["marks"]
    assert [line.split(": ")[0] for line in lines] == [f"{small[1]}:6", f"{small[1]}:11"]


def test_a_missing_mark_leaves_no_rank_and_says_so(phasegate: Phasegate, small: tuple[Path, Path]) -> None:
    small[1].write_text(small[1].read_text().replace("one,paper,plan,bob,4,\n", ""))
    answer = phasegate("score", *small, "--json")
    assert answer.code == 0
    last = answer.data["standings"][-1]
    assert (last["entrant"], last["rank"], last["total"], last["scores"]) == ("one", None, None, {"speed": "5"})
    assert answer.document["warnings"] == ["1 marks are missing, dealt with by `missing: hold`: one/paper/plan/bob"]


def test_rows_of_other_criteria_are_left_out_aloud(phasegate: Phasegate, small: tuple[Path, Path]) -> None:
    small[1].write_text(small[1].read_text() + "one,song,all,ann,1,\n")
    answer = phasegate("score", *small, "--json")
    assert "song/all" in answer.document["warnings"][0]
    assert answer.data["standings"][0]["total"] == "20.0"
    small[1].write_text(HEADS + "one,song,all,ann,1,\n")
    assert phasegate("score", *small).code == 6


def test_faults_that_touch_scores_stop_scoring_and_others_do_not(
    phasegate: Phasegate, small: tuple[Path, Path]
) -> None:
    small[0].write_text(SMALL.replace("by: sum}, {over: evaluators, by: mean}", "by: sum}"))
    assert phasegate("score", *small, "--json").document["error"]["details"]["faults"]
    small[0].write_text(SMALL + "floors: {nothing: 3}\n")
    answer = phasegate("score", *small, "--json")
    assert answer.code == 0
    assert "phasegate check" in answer.document["warnings"][0]


def test_scoring_brings_in_no_machinery() -> None:
    """It is for tables alone, on a machine that has neither Kafka nor a ledger."""
    script = "import sys; from console.main import main; code = main(sys.argv[1:]); print(); print(code, *sys.modules)"
    words = ["score", str(WHOLE), str(K_AI / "marks" / "phase-2.csv"), "--phase", "phase-2", "--json"]
    run = subprocess.run([sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    code, *modules = run.stdout.splitlines()[-1].split()
    assert code == "0"
    assert {"prefect", "kafka", "sqlalchemy", "pydantic_settings"} & {name.split(".")[0] for name in modules} == set()
