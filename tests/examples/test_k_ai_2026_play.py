"""The K-AI example played whole over the bus in memory: every published figure, and the course of events on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from events.envelope import decode
from flows.comparison import compared
from flows.scenario import Scenario, read_scenario
from handlers.decide import decision_id
from handlers.views import phases_view
from infra.rulebook_file import load
from tests.support.scenarios import Outcome, memory, play_scenario

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026"
PROGRAMME = "k-ai-2026"
SCREEN_FINDING = "ebb6ae82-c7e5-5943-a209-87e66bb1501e"
DECISION = "860d9ec6-7213-53db-b31a-c6ef472b3196"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return read_scenario(EXAMPLE)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = load(EXAMPLE / "scenario.yaml").document
    return read


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return play_scenario(EXAMPLE, memory(), f"sqlite:///{tmp_path_factory.mktemp('k-ai')}/ledger.sqlite")


def test_the_play_gives_everything_that_the_scenario_expects_and_replays(play: Outcome) -> None:
    assert play.unmet == []
    assert play.expected > 170
    assert play.replay.is_identical, play.replay.first_difference


def test_every_published_figure_comes_out(play: Outcome, scenario: Scenario) -> None:
    rows = compared(scenario.about.published, phases_view(play.state))
    assert len(rows) == 36
    assert [row for row in rows if not row.is_same] == []


def test_irregularities_get_the_verdicts_that_the_scenario_states_and_nothing_else_is_refused(
    play: Outcome, document: dict[str, Any]
) -> None:
    rows = next(row["events"] for row in document["reconstructed"] if row["what"] == "irregularities")
    for row in rows:
        assert play.verdicts[row["event"]] == (row["verdict"], row.get("reason")), row
    assert len(play.refused) == 2
    assert play.state.waiting == {}


def steps(play: Outcome, phase: str) -> list[str]:
    """What the pipeline did in a phase, without its markers."""
    own = [step.removeprefix(f"{phase} / ") for step in play.transitions if step.startswith(f"{phase} / ")]
    return [step for step in own if not step.startswith("mark ")]


def test_each_phase_takes_its_course_and_phase_1_is_held_for_rulings(play: Outcome) -> None:
    plain = ["open", "close intake", "decide", "finalise"]
    assert steps(play, "document-review") == plain
    assert steps(play, "selection") == plain
    assert steps(play, "phase-1") == [
        *("open", "screen", "close intake", "hold", "decide", "publish", "finalise", "award"),
    ]
    assert steps(play, "reopening") == ["open call", *plain, "decide call", "award"]
    assert steps(play, "phase-2") == ["open", "close intake", "decide", "publish", "finalise", "award"]
    assert steps(play, "final-projection") == [*plain, "conclude"]
    (held,) = play.state.phases["phase-1"].held
    assert [row["code"] for row in held.data["missing"]] == ["ruling-outstanding", "ruling-outstanding"]


def test_the_screen_made_the_finding_that_was_answered_and_the_decision_is_the_one_signed(play: Outcome) -> None:
    phase = play.state.phases["phase-1"]
    assert SCREEN_FINDING in phase.findings
    assert all(finding.rebuttal and finding.rulings for finding in phase.findings.values())
    assert list(phase.decisions) == [DECISION]
    assert "programme-director" in phase.decisions[DECISION].signatures


def test_the_call_takes_two_applicants_and_selects_motif_by_a_narrow_margin(play: Outcome) -> None:
    call = play.state.calls["reopening"]
    assert sorted(call.applications) == ["motif-technologies", "trillion-labs"]
    assert call.decided is not None
    assert call.decided.data["selected"] == ["motif-technologies"]
    assessed = [fact.data for fact in play.state.phases["reopening"].assessed.values()]
    assert {row["entrant"]: row["margin"] for row in assessed} == {"motif-technologies": "0.8", "trillion-labs": "-0.8"}
    declined = [fact.data["organisation"] for fact in play.state.declined]
    assert declined == ["Kakao", "NC AI", "KT", "KAIST", "Konan Technology"]
    assert list(play.state.withdrawn) == ["naver-cloud"]


def test_the_newcomer_has_as_much_time_as_the_others_and_the_same_support(play: Outcome) -> None:
    windows = play.state.phases["phase-2"].opened.data["windows"]
    assert windows["submissions"] == "2026-06-30T09:00:00.000Z"
    assert windows["submissions:motif-technologies"] == "2026-07-31T09:00:00.000Z"
    awards = [phase.awards for phase in (play.state.phases["phase-1"], play.state.phases["reopening"])]
    given = {name: fact.data for found in awards for name, fact in found.items()}
    assert sorted(given) == ["lg-ai-research", "motif-technologies", "sk-telecom", "upstage"]
    assert all(row["title"] == "K-AI" for row in given.values())
    assert {row["resources"][0]["quantity"] for row in given.values()} == {"768"}


def test_averages_and_gaps_alone_are_published_at_first_and_each_criterions_first_two_days_later(play: Outcome) -> None:
    published = play.state.phases["phase-2"].decisions[decision_id(PROGRAMME, "phase-2")].published
    assert list(published) == ["k-ai-averages", "k-ai-public"]
    narrow, wide = (fact.data["figures"] for fact in published.values())
    assert sorted(narrow) == ["gaps", "means", "outcomes"]
    assert [narrow["gaps"][group] for group in ("benchmark", "expert", "user")] == ["4.0", "2.4", "5.0"]
    assert sorted(wide) == ["first", "means", "outcomes"]
    assert wide["first"]["benchmark.aaii"] == {"score": "11.9", "entrants": ["motif-technologies"]}
    assert wide["means"]["user.public"] == "7.03"
    (office,) = [fact for name, fact in published.items() if name == "k-ai-public"]
    assert (office.event.source, office.event.time) == (f"urn:phasegate:{PROGRAMME}:office", "2026-08-20T02:00:00.000Z")


def test_the_rules_of_later_phases_come_by_amendment_with_reasons(play: Outcome) -> None:
    rows = [(fact.data["from_phase"], fact.event.time[:10]) for fact in play.state.amended]
    assert rows == [("reopening", "2026-01-22"), ("phase-2", "2026-02-20"), ("final-projection", "2026-08-24")]
    assert "from February to July" in play.state.amended[1].data["reason"]
    assert play.state.amended[2].data["reason"].startswith("PROJECTION")


def test_every_expert_ticked_and_no_box_says_not_met(play: Outcome) -> None:
    ticks = play.state.phases["phase-2"].ticks
    assert len(ticks) == 10 * 4 * 3
    assert not any(fact.data["not_met"] for fact in ticks.values())


def test_the_programme_ends_with_two_finalists(play: Outcome) -> None:
    assert play.state.concluded is not None
    assert play.state.concluded.data == {"finalists": ["sk-telecom", "upstage"]}
    assert b"phasegate.programme.concluded" in max(play.said.values(), key=lambda value: decode(value).time)
