"""Judging what auditors and rulers say: findings, and rulings after the entrant had its time to answer."""

from __future__ import annotations

import pytest

from events.derived import derived_id
from tests.spec import given
from tests.support import small
from tests.support.log import Log
from tests.support.stages import at
from tests.support.told import answered, found, marker, ruled

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES
NOW = OPENS + 16 * DAY
FINDING = "finding-birch"  # Received on day 16: birch may answer until day 19.


def test_a_finding_is_made_by_whom_the_gate_names() -> None:
    told = small.event("finding.recorded", "f", small.OFFICE, NOW, **found("f", "ash", NOW).data)
    given(on=at("submitted")).when(told).refused("source-not-authorised", match="auditors")
    given(on=at("submitted")).when(found("f", "ash", NOW)).accepted()


@pytest.mark.parametrize(
    ("member", "reason"), [("gate", "unknown-criterion"), ("count", "unknown-criterion"), ("phase", "unknown-phase")]
)
def test_gate_count_and_phase_must_be_in_the_rulebook(member: str, reason: str) -> None:
    told = small.event("finding.recorded", "f", "urn:auditor", NOW, **found("f", "ash", NOW).data | {member: "weather"})
    given(on=at("submitted")).when(told).refused(reason, match="weather")


def test_a_finding_is_on_an_entrant_of_the_phase() -> None:
    given(on=at("submitted")).when(found("f", "fir", NOW)).refused("not-eligible", match="fir")


def test_a_finding_waits_for_the_opening_of_its_phase() -> None:
    given(on=at("begun")).when(found("f", "ash", NOW)).pending(on="phase")


def test_the_audits_window_binds_findings() -> None:
    given(on=at("marked")).when(found("f", "ash", DEADLINES["audits"])).accepted()
    given(on=at("marked")).when(found("f", "ash", DEADLINES["audits"] + 1)).pending(on="window")
    given(on=at("held")).when(found("f", "ash", DEADLINES["audits"])).refused("late")


def test_a_finding_cannot_take_the_id_of_another_and_so_replace_it() -> None:
    log = at("scored")
    given(on=log).when(found(FINDING, "birch", NOW, verdict="met")).refused("id-reused")
    told = small.event("finding.recorded", FINDING, "urn:auditor-2", NOW, **found("f", "ash", NOW).data)
    given(on=log).when(told).refused("source-not-authorised")
    assert log.state.phases["heat"].findings[FINDING].fact.data["verdict"] == "not-met"


def test_nobody_else_takes_an_id_that_the_screens_findings_will_have() -> None:
    foreseen = derived_id(small.PROGRAMME, "phasegate.finding.recorded.v1", "heat", "submit-ash/independence", 1)
    given(on=at("submitted")).when(found(foreseen, "ash", NOW, verdict="met")).refused(
        "schema-invalid", match="version 5"
    )


def test_a_ruling_is_issued_by_whom_the_gate_names() -> None:
    told = small.event("ruling.issued", "r", small.OFFICE, NOW, **ruled("r", FINDING, NOW, "met").data)
    given(on=at("scored")).when(told).refused("source-not-authorised", match="ministry")


def test_a_ruling_needs_a_finding_that_is_there() -> None:
    given(on=at("scored")).when(ruled("r", "nothing", NOW, "met")).refused("unknown-reference", match="nothing")


def test_there_is_nothing_to_rule_on_where_a_finding_says_met() -> None:
    log = at("scored")
    log.tell(found("f", "ash", NOW, verdict="met"))
    given(on=log).when(ruled("r", "f", NOW, "not-met")).refused("illegal-transition", match="says met")


def test_a_ruling_after_the_time_to_answer_counts() -> None:
    given(on=at("scored")).when(ruled("r", FINDING, OPENS + 19 * DAY, "met")).pending(on="rebuttal")
    given(on=at("scored")).when(ruled("r", FINDING, OPENS + 19 * DAY + 1, "met")).accepted()


def test_a_ruling_before_waits_for_the_answer() -> None:
    waiting = given(on=at("scored")).when(ruled("r", FINDING, OPENS + 18 * DAY, "met")).pending(on="rebuttal")
    waiting.when(answered("a", FINDING, "birch", OPENS + 17 * DAY)).accepted(settles={"r": "accepted"})


def test_a_ruling_that_came_before_the_answer_was_too_early() -> None:
    waiting = given(on=at("scored")).when(ruled("r", FINDING, OPENS + 17 * DAY, "met")).pending(on="rebuttal")
    waiting = waiting.when(answered("a", FINDING, "birch", OPENS + 18 * DAY)).accepted(settles={"r": "too-early"})
    waiting.when(ruled("r2", FINDING, OPENS + 17 * DAY, "met")).refused("too-early", match="may answer until")


def test_without_an_answer_the_marker_of_the_time_to_answer_settles_an_early_ruling() -> None:
    log = at("scored")
    given(on=log).when(ruled("r", FINDING, OPENS + 17 * DAY, "met")).pending(on="window")
    log.progress(OPENS + 19 * DAY + 1)
    assert log.outcomes()["audits", 3] == ("refused", "too-early")


def test_a_later_ruling_does_not_overtake_one_that_waits() -> None:
    log = at("scored")
    waiting = given(on=log).when(ruled("r1", FINDING, OPENS + 18 * DAY, "met")).pending(on="rebuttal")
    waiting = waiting.when(ruled("r2", FINDING, OPENS + 20 * DAY, "not-met")).pending(on="behind")
    answer = answered("a", FINDING, "birch", OPENS + 17 * DAY)
    waiting.when(answer).accepted(settles={"r1": "accepted", "r2": "accepted"})
    rulings = log.state.phases["heat"].findings[FINDING].rulings
    assert [ruling.event.id for ruling in rulings] == ["r1", "r2"]


def test_a_ruling_after_the_decision_is_on_record_and_changes_nothing() -> None:
    log = at("final")
    before = log.state.phases["heat"].cut
    given(on=log).when(ruled("r", FINDING, OPENS + 60 * DAY, "met")).accepted()
    assert (log.state.phases["heat"].cut, len(log.decisions)) == (before, 4)


def test_where_a_phase_has_no_window_for_audits_the_last_one_binds_findings() -> None:
    """Else a finding would race the closing of the intake."""
    document = small.rulebook()
    del document["phases"][0]["windows"]["audits"]
    log = Log()
    log.tell(small.announced(document), *small.beginnings())
    log.progress(OPENS + 1)
    log.tell(*small.submissions())
    log.progress(DEADLINES["submissions"] + 1)
    log.tell(*small.scores())
    given(on=log).when(found("f1", "ash", DEADLINES["scores"] + 1)).pending(on="window")
    given(marker("audits", "scores"), on=log).when(found("f2", "ash", DEADLINES["scores"])).pending(on="window")
