"""Rounds: returned and reopened phases, ties that a person breaks, withdrawals at every state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from events.envelope import Envelope
from handlers import decide
from tests.spec import given
from tests.support.long_cup import OFFICE, TEAMS, day, decision
from tests.support.long_stages import at
from tests.support.long_told import (
    annulled,
    corrected,
    mark,
    marks,
    reopened,
    returned,
    score,
    signed,
    submitted,
    tie,
    told,
    voided,
    waived,
    withdrawn,
)
from tests.support.rooted import RootedLog


def replays(log: RootedLog) -> RootedLog:
    report = log.replay()
    assert report.is_identical, report.first_difference
    return log


def finished(log: RootedLog, start: float, number: int = 1) -> RootedLog:
    """Signs the present decision of the heat, and lets it become final, eleven days later."""
    log.tell(*signed(start, number=number))
    log.progress(day(start + 11))
    assert log.state.status("heat") == "final"
    return replays(log)


@pytest.mark.parametrize("stage", ["begun", "open", "handed-in", "marked"])
def test_what_is_not_closed_cannot_be_reopened(stage: str) -> None:
    given(on=at(stage)).when(reopened("again-1", 20.5, 30)).refused("illegal-transition")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (reopened("again-1", 22, 20.9), "illegal-transition"),
        (reopened("again-1", 22, 30, "nowhere"), "illegal-transition"),
        (returned("back", 22, "director", phase="finale"), "unknown-reference"),
        (returned("back", 22, "office"), "source-not-authorised"),
        (signed(22, "minister", number=2)[0], "unknown-reference"),
    ],
)
def test_an_act_on_a_decided_phase_that_fits_nothing_is_refused(said: Envelope, reason: str) -> None:
    said = replace(said, source=OFFICE) if said.id == "back" and said.data["role"] == "office" else said
    given(on=at("decided")).when(said).refused(reason)


@pytest.mark.parametrize(
    "said",
    [
        reopened("again-1", 36, 40),
        waived("w", 36),
        tie("t", 36, "ash", "birch"),
        told("phase.held", "hold", OFFICE, 36, phase="heat", missing=[]),
        returned("back", 36),
    ],
)
def test_a_final_decision_does_not_change(said: Envelope) -> None:
    log = at("final")
    before = log.state.phases["heat"].in_force
    reason = "phase-closed" if said.id in ("again-1", "w", "t") else "illegal-transition"
    given(on=log).when(said).refused(reason)
    assert log.state.phases["heat"].in_force is before
    assert log.state.status("heat") == "final"


def test_a_returned_decision_is_held_until_the_phase_is_reopened() -> None:
    log = at("decided")
    start = given(*signed(22, "director"), on=log)
    start.when(returned("no", 23, "director")).refused("illegal-transition", "signed already")
    start.when(returned("back", 23)).accepted()
    start.when(returned("back-2", 23)).refused("illegal-transition")
    start.when(signed(24, "minister")[0]).refused("illegal-transition")
    log.progress(day(24))
    assert (log.state.status("heat"), log.owed()) == ("held", [("decision-returned", "programme office")])
    log.tell(reopened("again-1", 25, 30), corrected("c", score("birch", "ben"), 26, "26", reopening="again-1"))
    log.progress(day(31))
    assert log.total("birch") == "67.0"
    assert log.state.status("heat") == "decided"
    finished(log, 32, 2)


def test_the_office_reopens_a_phase_that_is_held_and_the_marks_are_given_after_all() -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    log.progress(day(22))
    assert log.state.status("heat") == "held"
    log.tell(reopened("again-1", 23, 30))
    assert log.state.status("heat") == "open"
    start = given(on=log).when(mark("cedar", "cai", 24, "20", reopening="nothing")).pending("event")
    start.when(mark("cedar", "cai", 22.9, "20", reopening="again-1", event_id="early")).pending("behind")
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    log.progress(day(22))
    log.tell(reopened("again-1", 23, 30))
    begun = given(on=log).when(mark("cedar", "cai", 22.9, "20", reopening="again-1", event_id="e")).refused("too-early")
    begun.when(mark("cedar", "cai", 30, "20", reopening="again-1")).accepted()
    begun.when(corrected("c", score("cedar", "cai"), 30.1, "1", reopening="again-1")).pending("window")
    log.progress(day(31))
    assert log.state.phases["heat"].in_force is not None
    assert "supersedes" not in log.state.phases["heat"].in_force.fact.data
    finished(log, 32, 2)
    assert log.total("cedar") == "50.0"


def test_a_round_counts_what_came_in_time_for_it_and_keeps_what_counted_before() -> None:
    log = at("signed")
    log.tell(annulled("a", "ben", 26), reopened("again-1", 27, 30), voided("v", score("cedar", "cai"), 30.5))
    log.progress(day(32))
    assert (log.total("birch"), log.total("cedar")) == ("67.5", "50.0")
    log.tell(reopened("again-2", 33, 34), waived("w", 33.5, entrant="cedar", evaluator="cai"))
    log.progress(day(35))
    assert log.state.phases["heat"].round.number == 3
    decisions = list(log.state.phases["heat"].decisions)
    assert decisions == [decision(number=number) for number in (1, 2, 3)]
    finished(log, 36, 3)


def test_a_mark_can_be_given_anew_in_the_round_that_voids_it() -> None:
    log = at("decided")
    log.tell(reopened("again-1", 22, 30), voided("v", score("ash", "ann"), 23))
    log.tell(mark("ash", "ann", 24, "15", event_id="m2", reopening="again-1"))
    log.progress(day(31))
    assert log.total("ash") == "75.0"
    finished(log, 32, 2)


def test_what_the_pipeline_says_of_a_round_that_was_reopened_meanwhile_is_out_of_place() -> None:
    """The office reopens a held phase at the moment when the last mark is waived: the flow's decision comes too late."""
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    log.progress(day(22))
    log.tell(waived("w", 23, entrant="cedar"))
    phase = log.state.phases["heat"]
    assert phase.cut is not None
    made = decide.phase_decided(log.state, "heat", log.basis(phase.cut, phase))
    log.tell(reopened("again-1", 23.5, 30), *(replace(event, time=event.time) for _, event in made))
    log.progress(day(31))
    assert list(log.state.phases["heat"].decisions) == [decision(number=2)]
    assert set(log.state.phases["heat"].assessed) == set(log.state.phases["heat"].in_force.fact.data["assessments"])  # type: ignore[union-attr]
    finished(log, 32, 2)


TIED = {"ash": ("50", "30"), "birch": ("40", "20"), "cedar": ("40", "20")}


def tied(teams: dict[str, tuple[str, str]] = TIED) -> RootedLog:
    """Held for a person's choice between birch and cedar, or between whoever these marks make equal."""
    log = at("handed-in")
    for team, (bench, art) in teams.items():
        log.tell(mark(team, "bench", 15, bench), *(mark(team, name, 15, art) for name in ("ann", "ben", "cai")))
    return log


def test_a_tie_at_the_cut_waits_for_a_person() -> None:
    log = tied()
    log.progress(day(22))
    assert [code for code, _ in log.owed()] == ["tie-unresolved", "tie-unresolved"]
    given(on=log).when(tie("t", 23, "cedar", "birch")).accepted()
    log.progress(day(23))
    assert log.outcome()["cedar"] == "advanced"
    given(on=log).when(tie("t2", 24, "birch", "cedar")).refused("illegal-transition")
    finished(log, 25)


def test_a_tie_resolved_ahead_of_time_holds_nothing() -> None:
    log = tied()
    log.tell(tie("t", 16, "cedar", "birch", "ash"))
    log.progress(day(22))
    assert log.state.status("heat") == "decided"
    assert log.outcome()["birch"] == "eliminated"
    replays(log)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (tie("t", 23, "cedar", "elm"), "not-eligible"),
        (tie("t", 23, "cedar", "cedar"), "schema-invalid"),
        (tie("t", 23, "cedar", "birch", phase="finale"), "illegal-transition"),
    ],
)
def test_an_order_of_others_is_refused(said: Envelope, reason: str) -> None:
    log = tied()
    log.progress(day(22))
    given(on=log).when(said).refused(reason)


def test_an_order_that_leaves_somebody_out_can_be_followed_by_one_that_does_not() -> None:
    log = tied(dict.fromkeys(TEAMS, ("40", "20")))
    log.progress(day(22))
    log.tell(tie("t1", 23, "cedar", "birch"))
    log.progress(day(23))
    assert log.state.status("heat") == "held"
    given(on=log).when(tie("t2", 24, "cedar", "birch", "ash")).accepted()
    log.progress(day(24))
    assert log.outcome() == {"ash": "eliminated", "birch": "advanced", "cedar": "advanced"}
    finished(log, 25)


def test_in_a_further_round_a_person_may_choose_otherwise() -> None:
    log = tied()
    log.tell(tie("t", 16, "cedar", "birch"))
    log.progress(day(22))
    log.tell(reopened("again-1", 23, 30))
    given(on=log).when(tie("t2", 24, "birch", "cedar")).accepted()
    log.progress(day(31))
    assert log.outcome()["birch"] == "advanced"
    finished(log, 32, 2)


WITHDRAWALS = [
    ("begun", -1, {"birch": "advanced", "cedar": "advanced"}),
    ("open", 1, {"ash": "withdrawn", "birch": "advanced", "cedar": "advanced"}),
    ("marked", 20.5, {"ash": "withdrawn", "birch": "advanced", "cedar": "advanced"}),
    ("decided", 22, None),
    ("signed", 26, None),
    ("final", 36, {"ash": "advanced", "birch": "advanced", "cedar": "eliminated"}),
]


@pytest.mark.parametrize("rule", ["vacancy", "next-in-line"])
@pytest.mark.parametrize(("stage", "when", "outcome"), WITHDRAWALS)
def test_an_entrant_that_leads_withdraws(stage: str, when: float, outcome: dict[str, str] | None, rule: str) -> None:
    log = at(stage, heat={"advance": {"places": "2", "withdrawn": rule}})
    log.tell(withdrawn("ash", when))
    log.progress(day(1))
    if stage in ("begun", "open"):
        log.tell(*(submitted(team, 5) for team in TEAMS), *marks("heat", TEAMS, 15))
    log.progress(day(23))
    if stage not in ("signed", "final"):
        log.tell(*signed(25))
    log.progress(day(36))
    phase = log.state.phases["heat"]
    if outcome is None:
        assert phase.round.opened.data["reason"] == "withdrawal"
        outcome = {"ash": "withdrawn", "birch": "advanced", "cedar": "advanced" if rule != "vacancy" else "eliminated"}
        finished(log, 37, 2)
    assert log.outcome() == outcome
    assert phase.status == "final"
    assert phase.in_force is not None
    taken = list(outcome.values()).count("advanced")
    assert phase.in_force.fact.data["vacancies"] == 2 - taken
    replays(log)


def test_who_withdraws_without_having_advanced_reopens_nothing() -> None:
    log = at("signed")
    log.tell(withdrawn("cedar", 26))
    log.progress(day(36))
    assert log.state.status("heat") == "final"
    assert log.outcome()["cedar"] == "eliminated"


def test_where_nobody_may_object_a_withdrawal_leaves_the_decision_and_the_place() -> None:
    log = at("decided", heat={"objections": None})
    log.tell(withdrawn("ash", 22), *signed(23))
    log.progress(day(23))
    assert log.state.status("heat") == "final"
    assert log.outcome()["ash"] == "advanced"
    log.progress(day(101))
    assert log.state.calls["again"].opened.data["places"] == 1
