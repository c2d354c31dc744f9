"""Longer deadlines, grace, and what that does to records that came between."""

from __future__ import annotations

import pytest

from events.derived import derive
from events.envelope import Envelope, decode
from events.record import TOPICS, Record
from events.values import format_instant
from tests.spec import given
from tests.support import small
from tests.support.log import record_of
from tests.support.long_cup import TEAMS, day
from tests.support.long_stages import at
from tests.support.long_told import (
    applied,
    extended,
    mark,
    marks,
    registered,
    score,
    signed,
    submitted,
    voted,
    withdrawn,
)
from tests.support.rooted import RootedLog


def marker(topic: str, window: str, deadline: float, at_day: float, attempt: int = 1, phase: str = "heat") -> Record:
    data = {"phase": phase, "window": window, "deadline": format_instant(day(deadline)), "attempt": attempt}
    name, subject = "phasegate.intake.marked.v1", f"{window}/{topic}"
    said: Envelope = derive(
        small.PROGRAMME, name, data, phase=phase, subject=subject, ordinal=attempt, caused_ms=day(deadline)
    )
    return record_of(said, topic, at=day(at_day))


def to_the_end(log: RootedLog, day_of_signing: float = 40) -> None:
    """Decides, signs and finalises the heat, and replays the whole."""
    log.progress(day(day_of_signing))
    log.tell(*signed(day_of_signing))
    log.progress(day(day_of_signing + 11))
    assert log.state.status("heat") == "final"
    report = log.replay()
    assert report.is_identical, report.first_difference


def test_a_longer_deadline_counts_what_comes_between_and_refuses_what_comes_after() -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    start = given(extended("x", "scores", 19, 25), on=log)
    between = start.when(mark("cedar", "cai", 24, "20")).accepted()
    between.when(mark("cedar", "dee", 25.1, "1")).pending("window")
    to_the_end(log)
    assert log.total("cedar") == "50.0"
    assert ("refused", "late") in log.outcomes().values()


def test_what_is_stamped_past_the_old_deadline_waits_for_the_longer_one() -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    late = given(on=log).when(mark("cedar", "cai", 20.5, "20")).pending("window")
    late.when(record_of(extended("x", "scores", 19, 22))).accepted({score("cedar", "cai"): "accepted"})
    to_the_end(log)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (extended("x", "scores", 20.1, 25), "late"),
        (extended("x", "scores", 19, 20), "illegal-transition"),
        (extended("x", "scores", 19, 19.5), "illegal-transition"),
        (extended("x", "rebuttal:y", 19, 25), "unknown-reference"),
        (extended("x", "scores", 19, 25, "finale"), "illegal-transition"),
    ],
)
def test_a_deadline_that_is_not_to_be_moved_stays(said: Envelope, reason: str) -> None:
    given(on=at("handed-in")).when(said).refused(reason)


def test_a_deadline_does_not_move_behind_its_marker_even_where_a_clock_stepped_back() -> None:
    log = at("marked")
    given(on=log).when(record_of(extended("x", "scores", 30, 35), at=day(19))).refused("late")


def test_markers_of_the_old_deadline_count_for_nothing() -> None:
    log = at("handed-in")
    log.tell(*(marker(topic, "scores", 20, 20.5) for topic in TOPICS if topic != "decisions"))
    log.tell(record_of(extended("x", "scores", 20, 25)))
    given(on=log).when(marker("decisions", "scores", 20, 20.6)).accepted()
    assert ("heat", "scores") not in log.state.markers
    log.tell(*marks("heat", TEAMS, 24))
    to_the_end(log)
    assert log.total("ash") == "80.0"


def test_a_marker_of_the_new_deadline_waits_for_the_extension() -> None:
    log = at("handed-in")
    ahead = given(on=log).when(marker("scores", "scores", 25, 25.1)).pending("window")
    ahead.when(extended("x", "scores", 19, 25)).accepted({marker_id("scores"): "accepted"})


def marker_id(topic: str) -> str:
    return decode(marker(topic, "scores", 25, 25.1).value).id


def test_a_deadline_can_be_moved_twice_and_the_last_counts() -> None:
    log = at("handed-in")
    log.tell(extended("x1", "scores", 19, 25), extended("x2", "scores", 24, 30))
    log.tell(*marks("heat", TEAMS, 29))
    to_the_end(log)
    assert log.total("birch") == "65.0"


def test_grace_counts_for_records_and_for_extensions_alike() -> None:
    log = at("handed-in", heat={"late": {"grace": "P1D"}})
    start = given(on=log)
    start.when(mark("ash", "ann", 20.9, "30")).accepted()
    start.when(mark("ash", "ben", 21.1, "30")).pending("window")
    start.when(extended("x", "scores", 20.9, 22)).accepted({score("ash", "ben"): "accepted"})
    start.when(mark("ash", "cai", 22.9, "30")).accepted()


def test_a_longer_window_for_submissions_takes_a_late_team_in() -> None:
    log = at("open")
    log.tell(submitted("ash", 5), submitted("birch", 5), extended("x", "submissions", 9, 12), submitted("cedar", 11))
    log.tell(*marks("heat", TEAMS, 15))
    to_the_end(log)
    assert log.codes("cedar") == ["rank-below-places"]


def test_who_withdraws_before_the_longer_deadline_is_out_and_the_next_moves_up() -> None:
    log = at("marked")
    log.tell(extended("x", "audits", 20.5, 30), withdrawn("ash", 29))
    to_the_end(log)
    assert log.outcome() == {"ash": "withdrawn", "birch": "advanced", "cedar": "advanced"}


def test_a_newcomer_has_its_own_time_and_the_others_have_not() -> None:
    log = at("called", heat={"advance": {"places": "4"}})
    assert log.state.calls["again"].opened.data["places"] == 1
    log.tell(registered("dogwood", 101), applied("dogwood", 102))
    log.progress(day(110) + 1)
    log.tell(*marks("again", ("dogwood",), 115), *(voted(name, "dogwood", 116) for name in ("ann", "ben")))
    log.progress(day(121) + 1)
    log.tell(*signed(122, "director", phase="again"))
    log.progress(day(140) + 1)
    phase = log.state.phases["finale"]
    assert phase.entrants == ("ash", "birch", "cedar", "dogwood")
    assert phase.deadlines["submissions:dogwood"] == day(155)
    start = given(on=log)
    start.when(submitted("dogwood", 154, "finale")).accepted()
    start.when(submitted("ash", 154, "finale")).pending("window")
    log.progress(day(151))
    assert log.state.markers.keys() >= {("finale", "submissions")}
