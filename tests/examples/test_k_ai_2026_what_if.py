"""K-AI in other worlds: what the published rules decided, and what others would have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.reading import Reading
from flows.what_if import what_if
from handlers.levers import read_levers
from handlers.views import phases_view
from infra.ledger import Ledger
from tests.support import k_ai
from tests.support.stage import OFFICE_KEY

WITHDRAWAL = 800
"""The entry by which Naver Cloud withdraws from any re-entry, hours after it was eliminated."""


@pytest.fixture(scope="module")
def ledger() -> Path:
    return k_ai.played()


@pytest.fixture(scope="module")
def reading(ledger: Path) -> Iterator[Reading]:
    with Reading(Ledger.open(f"sqlite:///{ledger}"), 12, {OFFICE_KEY.kid: OFFICE_KEY.public}, ()) as opened:
        yield opened


def run(reading: Reading, **levers: Any) -> dict[str, Any]:
    document = {name.replace("_", "-"): value for name, value in levers.items()}
    return what_if(reading, k_ai.PROGRAMME, None, read_levers(document, "test"))


def phase(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(view for view in data["phases"] if view["phase"] == name)


def outcomes(data: dict[str, Any], name: str) -> dict[str, str]:
    return {row["entrant"]: row["outcome"] for row in phase(data, name)["outcomes"]}


def changed(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in data["changes"] if row["phase"] == name)


def without_basis(views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    left_out = ("basis", "awaits")
    return [{name: part for name, part in view.items() if name not in left_out} for view in views]


def test_without_levers_everything_is_as_it_was_recorded(reading: Reading) -> None:
    data = run(reading)
    assert without_basis(data["phases"]) == without_basis(phases_view(reading.state(k_ai.PROGRAMME)))
    assert data["changes"] == []
    assert data["events"] == {"no_longer": [], "now": [], "left_out": [], "added": []}
    assert {view["basis"]["log"] for view in data["phases"]} == {"what-if"}


def test_without_the_gate_naver_cloud_advances_and_no_place_is_vacant(reading: Reading) -> None:
    decided = run(reading, without_gate=["independence"], until="2026-01-15T06:00:01Z")
    row = changed(decided, "phase-1")
    assert outcomes(decided, "phase-1")["naver-cloud"] == "advanced"
    assert row["vacancies"] == {"before": 1, "after": 0}
    assert [one["entrant"] for one in row["entrants"]] == ["naver-cloud"]
    assert [one["phase"] for one in decided["changes"]] == ["phase-1"]


def test_the_withdrawal_of_the_same_day_gives_the_place_back_until_it_is_left_out_too(reading: Reading) -> None:
    """It is on record, so it counts; the decision that it makes necessary is signed by nobody, unless that is supposed."""
    data = run(reading, without_gate=["independence"])
    assert changed(data, "phase-1")["awaits"][0]["code"] == "unsigned"
    assert phase(data, "phase-2")["status"] == "planned"

    signed = run(reading, without_gate=["independence"], sign="true")
    assert outcomes(signed, "phase-1")["naver-cloud"] == "withdrawn"
    assert phase(signed, "phase-1")["vacancies"] == 1
    assert outcomes(signed, "phase-2")["motif-technologies"] == "eliminated"

    stays = run(reading, without_gate=["independence"], without=[str(WITHDRAWAL)])
    assert outcomes(stays, "phase-1")["naver-cloud"] == "advanced"
    assert phase(stays, "phase-1")["vacancies"] == 0
    assert phase(stays, "reopening")["status"] == "planned"
    assert outcomes(stays, "phase-2") == {
        "sk-telecom": "advanced", "upstage": "advanced", "lg-ai-research": "advanced", "naver-cloud": "eliminated",
    }  # fmt: skip
    (codes,) = [row["reasons"] for row in phase(stays, "phase-2")["outcomes"] if row["entrant"] == "naver-cloud"]
    assert codes == [{"code": "no-submission"}]


def test_what_does_not_apply_any_more_is_listed_by_its_entry_with_why(reading: Reading) -> None:
    data = run(reading, without_gate=["independence"], without=[str(WITHDRAWAL)])
    rows = {row["index"]: row for row in data["events"]["no_longer"]}
    assert [row["index"] for row in data["events"]["left_out"]] == [WITHDRAWAL]
    named = {(row["type"], row["verdict"], row["reason"]) for row in rows.values()}
    assert named >= {
        ("finding.recorded", "refused", "unknown-criterion"),
        ("ruling.issued", "refused", "unknown-reference"),
        ("application.received", "refused", "illegal-transition"),
        ("submission.received", "refused", "not-eligible"),
        ("recognition.voted", "refused", "unknown-phase"),
    }
    motif = [row for row in rows.values() if row["about"].startswith("phase-2/motif-technologies/")]
    assert len([row for row in motif if row["type"] == "score.recorded"]) == 272
    assert all("does not take part in phase-2" in row["detail"] for row in motif if row["type"] == "score.recorded")


def test_with_refill_nc_ai_advances_and_no_call_is_opened(reading: Reading) -> None:
    data = run(reading, refill="true")
    assert outcomes(data, "phase-1")["nc-ai"] == "advanced"
    assert changed(data, "phase-1")["vacancies"] == {"before": 1, "after": 0}
    assert changed(data, "reopening")["selected"] == {"before": ["motif-technologies"], "after": None}
    assert outcomes(data, "phase-2")["nc-ai"] == "eliminated"
    assert data["finalists"]["before"] == data["finalists"]["after"]


def test_without_the_user_criterion_lg_is_out_in_phase_2_and_motif_stays(reading: Reading) -> None:
    data = run(reading, drop_criterion=["phase-2/user"])
    assert outcomes(data, "phase-2") == {
        "upstage": "advanced", "motif-technologies": "advanced", "sk-telecom": "advanced", "lg-ai-research": "eliminated",
    }  # fmt: skip
    rows = {row["entrant"]: row for row in changed(data, "phase-2")["entrants"]}
    assert rows["lg-ai-research"]["after"]["total"] == "50.1"
    assert rows["motif-technologies"]["after"]["total"] == "51.7"
    assert rows["lg-ai-research"]["scores"]["user"] == {"before": "18.9", "after": None}
    later = changed(data, "final-projection")
    assert later["status"] == {"before": "final", "after": "held"}
    owed = [row for row in later["awaits"] if row["code"] == "mark-missing"]
    assert {row["what"].partition("/")[0] for row in owed} == {"motif-technologies"}
    assert data["finalists"] == {"before": ["sk-telecom", "upstage"], "after": None}


def test_half_even_rounding_changes_three_figures_of_motif_and_three_means(reading: Reading) -> None:
    rounding = {
        f"phases.phase-2.criteria.{path}.steps.round.mode": "half-even"
        for path in ("benchmark.*", "expert", "user.expert-users", "user.public")
    }
    data = run(reading, set=rounding)
    row = changed(data, "phase-2")
    (motif,) = row["entrants"]
    assert motif["entrant"] == "motif-technologies"
    assert (motif["before"]["total"], motif["after"]["total"]) == ("65.8", "65.7")
    assert motif["scores"] == {
        "benchmark": {"before": "24.6", "after": "24.5"},
        "benchmark.aaii": {"before": "11.9", "after": "11.8"},
    }
    assert row["means"] == {
        "benchmark": {"before": "22.53", "after": "22.50"},
        "benchmark.aaii": {"before": "9.48", "after": "9.45"},
        "total": {"before": "68.83", "after": "68.80"},
    }
    (refused,) = data["events"]["no_longer"]
    assert (refused["type"], refused["reason"]) == ("figures.published", "schema-invalid")


def test_a_ruling_that_says_met_lets_naver_cloud_in_only_when_both_findings_are(reading: Reading) -> None:
    at = {"until": "2026-01-15T06:00:01Z"}
    screen, auditor = "ebb6ae82-c7e5-5943-a209-87e66bb1501e", "776"
    assert run(reading, rule={screen: "met"}, **at)["changes"] == []
    data = run(reading, rule={screen: "met", auditor: "met"}, **at)
    assert outcomes(data, "phase-1")["naver-cloud"] == "advanced"


def test_another_rulebook_stands_in_place_of_all_that_are_on_record(reading: Reading) -> None:
    """The rules of the end, announced at the beginning, decide alike: each amendment left what was there as it was."""
    data = run(reading, rulebook=str(k_ai.EXAMPLE / "rulebook.yaml"))
    assert data["changes"] == []
    assert {row["type"] for row in data["events"]["left_out"]} == {"rulebook.amended"}


def test_a_record_is_neither_written_nor_locked(reading: Reading, ledger: Path) -> None:
    before = hashlib.sha256(ledger.read_bytes()).hexdigest()
    head = reading.head(k_ai.PROGRAMME)
    run(reading, without_gate=["independence"], drop_evaluator=["expert-03"], annul=["expert-04:upstage"])
    assert hashlib.sha256(ledger.read_bytes()).hexdigest() == before
    assert reading.head(k_ai.PROGRAMME) == head
