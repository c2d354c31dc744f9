"""Windows: in time is stamped at or before the deadline, and before the marker of the window in the same partition."""

from __future__ import annotations

import pytest

from events.record import TOPICS
from handlers import windows
from handlers.state import Fact, State
from tests.support import small
from tests.support.log import Log
from tests.support.stages import DECISION, at
from tests.support.told import ANN, marker

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES


def fact(topic: str, offset: int, at_ms: int) -> Fact:
    return Fact(0, topic, offset, at_ms, at_ms, small.event("score.corrected", "c", ANN, at_ms))


def test_deadlines_are_those_of_the_opening_and_none_before_it() -> None:
    assert windows.deadline(at("begun").state, "heat", "scores") is None
    state = at("open").state
    assert {window: windows.deadline(state, "heat", window) for window in DEADLINES} == DEADLINES
    assert windows.deadline(state, "heat", "lunch") is None
    assert windows.deadline(state, "final", "scores") is None


def test_registration_ends_when_the_phase_opens() -> None:
    assert windows.deadline(at("announced").state, "heat", windows.REGISTRATION) == OPENS
    assert windows.deadline(at("announced").state, "final", windows.REGISTRATION) is None
    assert windows.deadline(State(small.PROGRAMME), "heat", windows.REGISTRATION) is None


def test_grace_is_added_to_every_deadline() -> None:
    document = small.rulebook()
    document["phases"][0]["late"] = {"grace": "PT1H"}
    log = Log()
    log.tell(small.announced(document), *small.beginnings())
    log.progress(OPENS + 1)
    assert windows.deadline(log.state, "heat", "scores") == DEADLINES["scores"] + 3_600_000


def test_the_time_for_objections_runs_from_the_last_signature() -> None:
    assert windows.deadline(at("decided").state, "heat", windows.OBJECTIONS) is None
    assert windows.deadline(at("signed").state, "heat", windows.OBJECTIONS) == OPENS + 33 * DAY


def test_a_decision_received_after_its_signatures_starts_the_time_itself() -> None:
    """Where nobody must sign, the time runs from the decision."""
    state = at("decided").state
    phase = state.phases["heat"]
    unsigned = type(phase.rules).model_validate(phase.rules.model_dump(by_alias=True) | {"sign_off": ()})
    phase.rules = unsigned
    assert windows.deadline(state, "heat", windows.OBJECTIONS) == phase.decisions[DECISION].fact.received_ms + 10 * DAY


def test_the_time_to_answer_runs_from_the_receipt_of_the_finding() -> None:
    state = at("scored").state
    assert windows.deadline(state, "heat", "rebuttal:finding-birch") == OPENS + 19 * DAY
    assert windows.deadline(state, "heat", "rebuttal:nothing") is None


@pytest.mark.parametrize("missing", TOPICS)
def test_a_window_is_complete_when_all_four_topics_are_marked(missing: str) -> None:
    log = at("scored")
    for topic in TOPICS:
        if topic != missing:
            log.tell(marker(topic, "scores"))
    assert not windows.is_complete(log.state, "heat", "scores")
    log.tell(marker(missing, "scores", at_ms=DEADLINES["scores"]))
    assert not windows.is_complete(log.state, "heat", "scores")
    log.tell(marker(missing, "scores", attempt=2))
    assert windows.is_complete(log.state, "heat", "scores")


def test_in_time_is_up_to_the_deadline_inclusive_and_before_the_marker() -> None:
    log = at("marked")
    at_marker = windows.markers(log.state, "heat", "scores")["scores"].offset
    last = DEADLINES["scores"]
    for offset, at_ms, expected in (
        (0, last, True),
        (0, last + 1, False),
        (at_marker + 1, last, False),
        (at_marker - 1, 0, True),
    ):
        assert windows.is_in_time(log.state, "heat", "scores", fact("scores", offset, at_ms)) is expected


def test_the_marker_of_one_topic_says_nothing_about_another() -> None:
    log = at("scored")
    log.tell(marker("audits", "scores"))
    assert windows.is_in_time(log.state, "heat", "scores", fact("scores", 999, DEADLINES["scores"]))
    assert not windows.is_in_time(log.state, "heat", "scores", fact("audits", 999, DEADLINES["scores"]))


def test_the_first_valid_marker_of_a_topic_counts() -> None:
    log = at("scored")
    log.tell(marker("scores", "scores"), marker("scores", "scores", attempt=2))
    assert windows.markers(log.state, "heat", "scores")["scores"].data["attempt"] == 1


def test_the_last_window_is_the_one_that_ends_last() -> None:
    phase = at("open").state.phases["heat"]
    assert windows.last_window(phase) == "audits"
    assert windows.intake_windows(phase) == ["submissions", "scores", "audits"]
    phase.deadlines = {"scores": 2, "submissions": 3}
    assert windows.last_window(phase) == "submissions"
    phase.deadlines = {}
    assert windows.last_window(phase) is None
