"""Judging what teams say: registration, submission, withdrawal, rebuttal."""

from __future__ import annotations

import pytest

from tests.spec import given
from tests.support import small
from tests.support.stages import at
from tests.support.told import answered, entered, found, handed_in

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES
IN_TIME = OPENS + 5 * DAY


def test_an_entrant_registers_once() -> None:
    told = entered("again", "entrant.registered", "ash", OPENS, name="another", members=[])
    given(on=at("begun")).when(told).refused("illegal-transition", match="registered already")


def test_who_registered_withdraws_once() -> None:
    first = entered("w1", "entrant.withdrawn", "ash", OPENS, reason="no time")
    second = entered("w2", "entrant.withdrawn", "ash", OPENS, reason="no money")
    given(on=at("begun")).when(first).accepted().when(second).refused("illegal-transition", match="withdrew already")


def test_who_never_registered_cannot_withdraw() -> None:
    told = entered("w1", "entrant.withdrawn", "fir", OPENS, reason="no time")
    given(on=at("begun")).when(told).refused("unknown-entrant", match="fir")


def test_a_declined_invitation_is_always_on_record() -> None:
    told = small.event("invitation.declined", "d", small.OFFICE, OPENS, organisation="Fir Ltd", reason="busy")
    given(on=at("announced")).when(told).accepted()


def test_a_submission_waits_for_the_opening_of_its_phase() -> None:
    log = at("begun")
    given(on=log).when(handed_in("s", "ash", IN_TIME)).pending(on="phase")
    log.progress(OPENS + 1)
    assert [decision.data["entrant"] for decision in log.state.phases["heat"].submissions.values()] == ["ash"]


def test_a_phase_that_the_rulebook_lacks_is_unknown() -> None:
    given(on=at("open")).when(handed_in("s", "ash", IN_TIME, phase="final")).refused("unknown-phase", match="final")


def test_in_time_is_up_to_the_deadline_and_including_it() -> None:
    given(on=at("open")).when(handed_in("s", "ash", DEADLINES["submissions"])).accepted()


def test_one_millisecond_after_the_deadline_waits_and_is_late_once_the_window_is_complete() -> None:
    log = at("open")
    given(on=log).when(handed_in("s", "ash", DEADLINES["submissions"] + 1)).pending(on="window")
    log.progress(DEADLINES["submissions"] + 2)
    assert log.outcomes()["submissions", 4] == ("refused", "late")


def test_what_stands_behind_the_marker_is_late_whatever_its_stamp() -> None:
    given(on=at("submitted")).when(handed_in("s", "ash", IN_TIME)).refused("late", match="ended at 2030-01-11")


def test_before_its_phase_opens_is_too_early() -> None:
    given(on=at("open")).when(handed_in("s", "ash", OPENS - 1)).refused("too-early")


def test_a_second_submission_names_the_one_it_replaces() -> None:
    once = given(handed_in("s1", "ash", IN_TIME), on=at("open"))
    once.when(handed_in("s2", "ash", IN_TIME)).refused("illegal-transition", match="supersedes")
    twice = once.when(handed_in("s3", "ash", IN_TIME, supersedes="s1")).accepted()
    twice.when(handed_in("s4", "ash", IN_TIME, supersedes="s1")).refused("unknown-reference", match="in force")


def test_nobody_replaces_the_submission_of_another() -> None:
    once = given(handed_in("s1", "ash", IN_TIME), on=at("open"))
    once.when(handed_in("s2", "birch", IN_TIME, supersedes="s1")).refused("unknown-reference")


def test_two_submissions_cannot_have_one_id() -> None:
    given(handed_in("s1", "ash", IN_TIME), on=at("open")).when(handed_in("s1", "birch", IN_TIME)).refused("id-reused")


@pytest.mark.parametrize(("team", "reason"), [("hazel", "not-eligible"), ("fir", "unknown-entrant")])
def test_only_entrants_of_the_phase_hand_in(team: str, reason: str) -> None:
    late = entered("r", "entrant.registered", "hazel", OPENS + 1, name="hazel", members=[])
    told = small.event("submission.received", "s", small.OFFICE, IN_TIME, **handed_in("s", team, IN_TIME).data)
    given(late, on=at("open")).when(told).refused(reason, match=team)


def test_a_rebuttal_of_another_record_does_not_hold_up_a_submission_that_names_it() -> None:
    """Else a team could block its rival by using the id of the rival's submission for a rebuttal of nothing."""
    log = at("open")
    log.tell(handed_in("s1", "ash", IN_TIME), answered("s1", "no-such-finding", "birch", IN_TIME))
    given(on=log).when(handed_in("s2", "ash", IN_TIME, supersedes="s1")).accepted()


def test_a_rebuttal_answers_the_finding_on_its_entrant() -> None:
    given(on=at("scored")).when(answered("a", "finding-birch", "ash", OPENS + 17 * DAY)).refused(
        "not-eligible", match="birch"
    )


def test_a_finding_is_answered_once() -> None:
    once = given(on=at("scored")).when(answered("a1", "finding-birch", "birch", OPENS + 17 * DAY)).accepted()
    once.when(answered("a2", "finding-birch", "birch", OPENS + 17 * DAY)).refused(
        "illegal-transition", match="answered"
    )


def test_a_finding_that_says_met_is_not_answered() -> None:
    log = at("scored")
    log.tell(found("f", "ash", OPENS + 16 * DAY, verdict="met"))
    given(on=log).when(answered("a", "f", "ash", OPENS + 17 * DAY)).refused("illegal-transition", match="met")


def test_the_time_to_answer_runs_from_the_findings_receipt_and_ends_inclusive() -> None:
    last = OPENS + 19 * DAY
    given(on=at("scored")).when(answered("a", "finding-birch", "birch", last)).accepted()
    given(on=at("scored")).when(answered("a", "finding-birch", "birch", last + 1)).refused("late", match="2030-01-20")


def test_a_rebuttal_waits_for_its_finding_and_at_the_end_of_the_phase_no_longer() -> None:
    log = at("signed")
    given(on=log).when(answered("a", "no-such-finding", "ash", OPENS + 23 * DAY)).pending(on="event")
    log.progress(OPENS + 33 * DAY + 1)
    assert ("refused", "unknown-reference") in log.outcomes().values()
    assert not log.state.waiting
