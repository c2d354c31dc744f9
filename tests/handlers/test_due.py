"""due: what the record asks for next, at any instant, as often as it is asked."""

from __future__ import annotations

import pytest

from events.record import TOPICS
from handlers.due import due, next_instant
from handlers.state import State
from handlers.transition import (
    CloseIntake,
    DecidePhase,
    FinaliseDecision,
    HoldPhase,
    MarkWindow,
    OpenPhase,
    ScreenSubmissions,
    Transition,
    describe,
)
from tests.support import small
from tests.support.stages import DECISION, at
from tests.support.told import answered, entered, found, handed_in, marker, ruled

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES
END = OPENS + 33 * DAY


def test_nothing_is_due_before_the_announcement() -> None:
    assert due(State(small.PROGRAMME), OPENS * 2) is None


def test_nothing_is_due_up_to_the_instant_of_opening() -> None:
    assert due(at("begun").state, OPENS) is None
    assert isinstance(due(at("begun").state, OPENS + 1), MarkWindow)


def test_registration_is_marked_before_the_phase_opens_for_those_registered_in_time() -> None:
    log = at("begun")
    log.tell(entered("w", "entrant.withdrawn", "cedar", OPENS - 1, reason="no"))
    log.tell(entered("late", "entrant.registered", "hazel", OPENS + 1, name="hazel", members=[]))
    first = due(log.state, OPENS + 1)
    assert first == MarkWindow("heat", "registration", OPENS, tuple((topic, 1) for topic in TOPICS))
    for topic in TOPICS:
        log.tell(marker(topic, "registration", deadline_ms=OPENS))
    assert due(log.state, OPENS + 2) == OpenPhase("heat", ("ash", "birch"))


def test_a_phase_without_entrants_does_not_open() -> None:
    log = at("announced")
    log.progress(OPENS + 1)
    assert due(log.state, OPENS + 100 * DAY) is None


def test_a_marker_stamped_too_soon_is_sent_again_with_the_next_attempt() -> None:
    log = at("scored")
    log.tell(marker("scores", "scores", at_ms=DEADLINES["scores"]), marker("audits", "scores"))
    transition = due(log.state, DEADLINES["scores"] + 1)
    assert transition == MarkWindow(
        "heat", "scores", DEADLINES["scores"], (("submissions", 1), ("scores", 2), ("decisions", 1))
    )


@pytest.mark.parametrize("window", ["submissions", "scores", "audits"])
def test_a_window_is_marked_after_its_last_millisecond(window: str) -> None:
    stage = {"submissions": "open", "scores": "scored", "audits": "marked"}[window]
    log = at(stage)
    if stage == "scored":
        log.tell(answered("a", "finding-birch", "birch", OPENS + 17 * DAY))
    assert due(log.state, DEADLINES[window]) is None
    transition = due(log.state, DEADLINES[window] + 1)
    assert isinstance(transition, MarkWindow)
    assert transition.window == window


def test_an_unanswered_finding_has_its_time_to_answer_marked_and_an_answered_one_has_not() -> None:
    log = at("scored")
    transition = due(log.state, OPENS + 19 * DAY + 1)
    assert isinstance(transition, MarkWindow)
    assert transition.window == "rebuttal:finding-birch"
    log.tell(answered("a", "finding-birch", "birch", OPENS + 17 * DAY))
    assert due(log.state, OPENS + 19 * DAY + 1) is None


def test_manifests_are_screened_before_the_intake_closes() -> None:
    log = at("open")
    model = {"type": "machine-learning-model", "name": "m", "properties": []}
    log.tell(
        handed_in(
            "s", "ash", OPENS + DAY, manifest={"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [model]}
        )
    )
    done = log.progress(DEADLINES["submissions"] + 1)
    assert [type(transition) for transition in done] == [MarkWindow, ScreenSubmissions]
    assert due(log.state, DEADLINES["submissions"] + 1) is None


def test_the_intake_closes_when_every_window_is_complete_and_is_then_held_or_decided() -> None:
    log = at("marked")
    done = log.progress(DEADLINES["audits"] + 1)
    assert [type(transition) for transition in done] == [MarkWindow, CloseIntake, HoldPhase]
    assert isinstance(done[-1], HoldPhase)
    assert [(row.code, row.who) for row in done[-1].missing] == [("ruling-outstanding", "ministry")]


def test_a_hold_is_said_once_and_again_only_when_something_else_is_missing() -> None:
    log = at("marked")
    log.tell(found("f2", "ash", OPENS + 20 * DAY, "policy"), answered("a2", "f2", "ash", OPENS + 20 * DAY + 1))
    log.progress(DEADLINES["audits"] + 1)
    assert due(log.state, OPENS + 25 * DAY) is None
    log.tell(small.ruling())
    held = due(log.state, OPENS + 25 * DAY)
    assert isinstance(held, HoldPhase)
    assert (held.ordinal, [row.what for row in held.missing]) == (2, ["ash/independence/policy (f2)"])
    log.tell(ruled("r2", "f2", OPENS + 25 * DAY, "met"))
    assert isinstance(due(log.state, OPENS + 25 * DAY), DecidePhase)


def test_a_decision_waits_for_signatures_and_then_for_the_time_to_object() -> None:
    assert due(at("decided").state, END * 2) is None
    assert due(at("signed").state, END) is None
    marked = due(at("signed").state, END + 1)
    assert isinstance(marked, MarkWindow)
    assert marked.window == "objections"
    log = at("signed")
    for topic in TOPICS:
        log.tell(marker(topic, "objections", deadline_ms=END))
    assert due(log.state, END + 1) == FinaliseDecision("heat", DECISION)


def test_nothing_is_due_when_the_last_phase_is_final() -> None:
    assert due(at("final").state, END * 2) is None


@pytest.mark.parametrize("stage", ["announced", "begun", "open", "submitted", "scored", "marked", "held", "signed"])
def test_asking_changes_nothing_and_gives_the_same_again(stage: str) -> None:
    for now_ms in (0, OPENS + 1, DEADLINES["scores"] + 1, END + 1):
        state = at(stage).state
        first = due(state, now_ms)
        assert due(state, now_ms) == first
        assert state == at(stage).state


@pytest.mark.parametrize(
    ("stage", "now_ms", "expected"),
    [
        ("begun", 0, OPENS + 1),
        ("begun", OPENS + 1, None),
        ("open", OPENS + 1, DEADLINES["submissions"] + 1),
        ("submitted", DEADLINES["submissions"] + 1, DEADLINES["scores"] + 1),
        ("marked", DEADLINES["scores"] + 1, DEADLINES["audits"] + 1),
        ("signed", OPENS + 24 * DAY, END + 1),
    ],
)
def test_the_next_instant_is_one_millisecond_after_the_next_deadline(
    stage: str, now_ms: int, expected: int | None
) -> None:
    assert next_instant(at(stage).state, now_ms) == expected


def test_every_transition_says_what_it_does() -> None:
    transitions: list[Transition] = [
        MarkWindow("heat", "scores", OPENS, ()),
        OpenPhase("heat", ()),
        ScreenSubmissions("heat"),
        CloseIntake("heat"),
        HoldPhase("heat", (), 1),
        DecidePhase("heat", 7),
        FinaliseDecision("heat", "d"),
    ]
    assert [describe(transition) for transition in transitions] == [
        "heat / mark scores (2030-01-01T00:00:00.000Z)", "heat / open", "heat / screen", "heat / close intake",
        "heat / hold", "heat / decide", "heat / finalise",
    ]  # fmt: skip
