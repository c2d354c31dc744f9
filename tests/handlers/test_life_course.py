"""From phase to phase: calls for vacant places, newcomers, amended rules, figures, awards, the conclusion."""

from __future__ import annotations

from typing import Any

import pytest

from events.envelope import Envelope
from events.record import TOPICS
from tests.spec import given
from tests.support import long_cup
from tests.support.long_cup import OFFICE, TEAMS, day, instant, rulebook
from tests.support.long_stages import at
from tests.support.long_told import (
    applied,
    beginnings,
    marks,
    recused,
    registered,
    signed,
    submitted,
    told,
    voted,
    withdrawn,
)
from tests.support.rooted import RootedLog


def replays(log: RootedLog) -> RootedLog:
    report = log.replay()
    assert report.is_identical, report.first_difference
    return log


def called(vacancies: int, *told_before: Envelope, **changes: Any) -> RootedLog:
    """The call is open, or passed over, on day 100: three teams for so many more places."""
    heat = {"advance": {"places": str(3 + vacancies)}}
    log = at("final", heat=heat, **changes)
    log.tell(*told_before)
    log.progress(day(100) + 1)
    return log


def evaluated(log: RootedLog, *teams: str, yes: tuple[str, ...] = ("ann", "ben")) -> RootedLog:
    """Those who applied are marked, voted on, decided and signed."""
    log.progress(day(110) + 1)
    if "again" not in log.state.phases:
        return log
    log.tell(*marks("again", teams, 115), *(voted(who, team, 116) for team in teams for who in yes))
    log.progress(day(121) + 1)
    log.tell(*signed(122, "director", phase="again"))
    log.progress(day(122))
    return log


@pytest.mark.parametrize("vacancies", [0, 1, 2])
@pytest.mark.parametrize("applicants", [(), ("elm",), ("dogwood", "elm")])
def test_a_call_fills_what_is_vacant_with_whom_it_finds(vacancies: int, applicants: tuple[str, ...]) -> None:
    log = called(vacancies, *(registered(team, 50) for team in applicants))
    assert ("again" in log.state.calls) is (vacancies > 0)
    log.tell(*(applied(team, 105) for team in (applicants if vacancies else ())))
    evaluated(log, *applicants)
    expected = sorted(applicants[:1] if vacancies == 1 else applicants) if vacancies else []
    if vacancies:
        call = log.state.calls["again"]
        assert call.opened.data["places"] == vacancies
        assert call.decided is not None
        assert call.decided.data["selected"] == expected
    log.progress(day(140) + 1)
    assert log.state.phases["finale"].entrants == tuple(sorted([*TEAMS, *expected]))
    replays(log)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (applied("dogwood", 105), "unknown-entrant"),
        (applied("ash", 105), "not-eligible"),
        (applied("elm", 99.5), "too-early"),
        (applied("elm", 105, "second"), "illegal-transition"),
        (told("application.received", "x", OFFICE, 105, call="heat", entrant="elm", statement=""), "unknown-phase"),
    ],
)
def test_an_application_out_of_rule_is_refused(said: Envelope, reason: str) -> None:
    log = called(1, registered("elm", 50))
    if said.id == "second":
        log.tell(applied("elm", 104))
    if said.data["statement"] == "":
        said.data["statement"] = "able"
    given(on=log).when(said).refused(reason)


def test_an_application_after_the_deadline_is_late_whatever_else_is_wrong_with_it() -> None:
    log = called(1, registered("elm", 50))
    late = given(on=log).when(applied("elm", 110.1)).pending("window")
    late.when(applied("ash", 110.2)).pending("window")
    log.progress(day(111))
    assert [reason for _, reason in log.outcomes().values()].count("late") == 2


def test_an_application_waits_for_the_call() -> None:
    log = at("final", heat={"advance": {"places": "4"}})
    log.tell(registered("elm", 50))
    given(on=log).when(applied("elm", 100.5)).pending("call")
    log.progress(day(100.6))
    assert "elm" in log.state.calls["again"].applications


def test_a_call_whose_applicants_all_withdrew_selects_nobody() -> None:
    log = called(1, registered("elm", 50))
    log.tell(applied("elm", 105), withdrawn("elm", 106))
    log.progress(day(111))
    call = log.state.calls["again"].decided
    assert call is not None
    assert call.data["selected"] == []
    log.progress(day(141))
    assert "finale" in log.state.phases
    replays(log)


ELIGIBLE = {
    "eliminated": ("cedar", "eliminated"),
    "withdrawn": ("birch", "withdrawn"),
    "newcomers": ("elm", None),
}


@pytest.mark.parametrize("rule", ["eliminated", "withdrawn", "newcomers"])
@pytest.mark.parametrize("allowed", [True, False])
def test_who_may_apply_is_for_the_rules_to_say(rule: str, allowed: bool) -> None:
    """A team that was eliminated, one that withdrew from its place, and one that never took part."""
    team, _ = ELIGIBLE[rule]
    eligible = {"eliminated": "false", "withdrawn": "false", "newcomers": "false", rule: str(allowed).lower()}
    call = {"fills": "heat", "opens": instant(100), "eligible": eligible}
    log = at("final", again={"call": call})
    log.tell(withdrawn("birch", 50), registered("elm", 50))
    log.progress(day(100) + 1)
    assert log.state.calls["again"].opened.data["places"] == 1
    when = given(on=log).when(applied(team, 105))
    if not allowed:
        when.refused("not-eligible")
        return
    when.accepted()
    evaluated(log, team, yes=())
    log.progress(day(140) + 1)
    assert log.state.phases["finale"].entrants == tuple(sorted({"ash", team}))
    replays(log)


def test_who_gave_up_its_place_and_is_not_selected_has_none() -> None:
    recognition = {"recognition": {"by": "jury"}, "eligible": {"withdrawn": "true"}}
    log = at("final", again={"call": {"fills": "heat", "opens": instant(100), **recognition}})
    log.tell(withdrawn("birch", 50))
    log.progress(day(100) + 1)
    log.tell(applied("birch", 105))
    evaluated(log, "birch", yes=())
    log.progress(day(140) + 1)
    assert log.state.phases["finale"].entrants == ("ash",)
    replays(log)


def test_who_came_back_through_a_call_may_withdraw_again() -> None:
    call = {"fills": "heat", "opens": instant(100), "eligible": {"withdrawn": "true"}}
    log = at("final", again={"call": call})
    log.tell(withdrawn("birch", 50))
    log.progress(day(100) + 1)
    start = given(applied("birch", 105), on=log).when(withdrawn("birch", 106)).accepted()
    start.when(withdrawn("birch", 107)).refused("illegal-transition")
    log.progress(day(111))
    assert log.state.calls["again"].decided is not None


@pytest.mark.parametrize(
    ("yes", "recusals", "is_selected"),
    [
        (("ann", "ben", "cai"), (), True),
        (("ann", "ben"), (), True),
        (("ann",), (), False),
        ((), (), False),
        (("ann",), ("ben", "cai"), True),
        (("ann",), ("ben",), False),
    ],
)
def test_a_majority_of_those_who_may_vote_recognises(
    yes: tuple[str, ...], recusals: tuple[str, ...], is_selected: bool
) -> None:
    log = called(1, registered("elm", 50))
    log.tell(applied("elm", 105), *(recused(f"r-{who}", who, 106, "elm") for who in recusals))
    evaluated(log, "elm", yes=yes)
    call = log.state.calls["again"].decided
    assert call is not None
    assert call.data["selected"] == (["elm"] if is_selected else [])
    assert is_selected or "not-recognised" in call.data["reasons"]["elm"]
    replays(log)


@pytest.mark.parametrize(("last", "is_selected"), [("no", False), ("yes", True)])
def test_the_last_vote_counts_and_a_late_one_does_not(last: str, is_selected: bool) -> None:
    log = called(1, registered("elm", 50))
    log.tell(applied("elm", 105))
    log.progress(day(110) + 1)
    first = "yes" if last == "no" else "no"
    log.tell(voted("ann", "elm", 116), voted("ben", "elm", 116, first), voted("ben", "elm", 117, last))
    log.tell(*marks("again", ("elm",), 115))
    given(on=log).when(voted("cai", "elm", 121.1, "yes")).pending("window")
    log.progress(day(122))
    log.tell(*signed(123, "director", phase="again"))
    log.progress(day(123))
    call = log.state.calls["again"].decided
    assert call is not None
    assert (call.data["selected"] == ["elm"]) is is_selected


def vote(call: str, source: str = OFFICE) -> Envelope:
    return told("recognition.voted", "v", source, 116, call=call, entrant="elm", evaluator="ann", vote="yes")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (voted("ann", "ash", 116), "not-eligible"),
        (vote("heat"), "illegal-transition"),
        (vote("no"), "unknown-phase"),
        (vote("again", "urn:bench"), "source-not-authorised"),
        (vote("again", "urn:jury:ben"), "source-not-authorised"),
    ],
)
def test_a_vote_out_of_rule_is_refused(said: Envelope, reason: str) -> None:
    log = called(1, registered("elm", 50))
    log.tell(applied("elm", 105))
    log.progress(day(110) + 1)
    given(on=log).when(said).refused(reason)


def test_a_vote_of_somebody_unappointed_waits_and_then_has_no_place() -> None:
    log = called(1, registered("elm", 50))
    log.tell(applied("elm", 105))
    log.progress(day(110) + 1)
    given(on=log).when(voted("dee", "elm", 116)).pending("evaluator")
    log.progress(day(122))
    assert ("refused", "unknown-evaluator") in log.outcomes().values()


def concluded(log: RootedLog, *teams: str) -> RootedLog:
    log.progress(day(140) + 1)
    log.tell(*(submitted(team, 145, "finale") for team in teams), *marks("finale", teams, 158))
    log.progress(day(162))
    log.tell(*signed(163, "director", phase="finale"))
    log.progress(day(169))
    return replays(log)


def test_the_programme_ends_with_the_last_phase_and_nothing_is_due_any_more() -> None:
    log = concluded(at("called"), "ash", "birch")
    assert log.state.concluded is not None
    assert log.state.concluded.data == {"finalists": ["ash"]}
    assert list(log.state.phases["finale"].awards) == ["ash"]
    again = told("programme.concluded", "x", OFFICE, 170, finalists=["birch"])
    given(on=log).when(again).refused("illegal-transition")
    assert log.progress(day(500)) == []


def test_a_phase_that_nobody_reaches_is_passed_over_and_what_waits_for_it_ends() -> None:
    log = at("final", heat={"floors": {"total": "100"}})
    log.progress(day(111))
    (mark,) = marks("finale", ("ash",), 112)[:1]
    given(on=log).when(told("programme.concluded", "x", OFFICE, 113, finalists=[])).pending("window")
    given(on=log).when(mark).pending("phase")
    log.tell(mark)
    log.progress(day(140) + 1)
    assert "finale" not in log.state.phases
    assert log.state.concluded is not None
    assert log.state.concluded.data == {"finalists": []}
    assert not log.state.waiting
    assert log.progress(day(500)) == []
    replays(log)


def test_a_programme_for_which_nobody_registers_ends() -> None:
    log = RootedLog()
    log.tell(long_cup.announced(rulebook()))
    log.progress(day(140) + 1)
    assert not log.state.phases
    assert log.state.concluded is not None
    assert log.state.concluded.data == {"finalists": []}
    replays(log)


def test_whom_a_call_selects_after_the_last_phase_is_among_those_who_are_left() -> None:
    document = rulebook(heat={"advance": {"places": "4"}})
    document["phases"] = document["phases"][:2]
    log = RootedLog()
    log.tell(long_cup.announced(document), *beginnings())
    log.progress(day(0) + 1)
    log.tell(*(submitted(team, 5) for team in TEAMS), *marks("heat", TEAMS, 15))
    log.progress(day(21) + 1)
    log.tell(*signed(25), registered("elm", 50))
    log.progress(day(100) + 1)
    log.tell(applied("elm", 105))
    evaluated(log, "elm")
    log.progress(day(140))
    assert log.state.concluded is not None
    assert log.state.concluded.data == {"finalists": ["ash", "birch", "cedar", "elm"]}
    replays(log)


def test_a_programme_is_not_concluded_early_nor_with_others() -> None:
    say = told("programme.concluded", "x", OFFICE, 36, finalists=["ash"])
    given(on=at("final")).when(say).pending("final")


AMENDMENTS = [
    ({"finale": {"advance": {"places": "2"}}}, "finale", "2", None),
    ({"again": {"advance": {"places": "1"}}}, "again", "2", None),
    ({"again": {"advance": {"places": "1"}}}, "finale", "2", "illegal-transition"),
    ({"heat": {"advance": {"places": "1"}}}, "heat", "2", "illegal-transition"),
    ({"heat": {"advance": {"places": "1"}}}, "again", "2", "illegal-transition"),
    ({"finale": {"advance": {"places": "2"}}}, "finale", "1", "schema-invalid"),
    ({"finale": {"advance": None}}, "finale", "2", "schema-invalid"),
    ({}, "nowhere", "2", "unknown-phase"),
]


@pytest.mark.parametrize(("changes", "from_phase", "version", "reason"), AMENDMENTS)
def test_rules_change_for_what_is_not_open_yet(changes: Any, from_phase: str, version: str, reason: str | None) -> None:
    log = at("final")
    said = long_cup.amended("new", 50, rulebook(**changes), from_phase, version)
    when = given(on=log).when(said)
    if reason is not None:
        when.refused(reason)
        return
    when.accepted()
    assert log.state.rulebook is not None
    assert log.state.rulebook.version == "2"
    log.progress(day(101))
    concluded(log, "ash", "birch")
    heat, finale = (log.state.phases[name].in_force for name in ("heat", "finale"))
    assert heat is not None
    assert finale is not None
    assert finale.fact.data["basis"]["rulebook"] == said.data["digest"] != heat.fact.data["basis"]["rulebook"]


def test_a_call_that_is_open_is_not_amended() -> None:
    log = called(1)
    other = rulebook(heat={"advance": {"places": "4"}}, again={"opens": instant(115)})
    given(on=log).when(long_cup.amended("new", 101, other, "again")).refused("illegal-transition")
    given(on=log).when(long_cup.amended("new", 101, rulebook(heat={"advance": {"places": "4"}}), "finale")).accepted()


def test_markers_of_an_opening_that_the_rules_moved_count_for_nothing() -> None:
    """Registration for the finale was marked already when the office put it off: the longer time is really given."""
    log = at("called")
    log.progress(day(140) - 1)
    other = rulebook(finale={"opens": instant(145)})
    log.tell(long_cup.amended("new", 139, other, "finale"))
    assert log.progress(day(140) + 1) == []
    log.tell(withdrawn("birch", 144))
    log.progress(day(146))
    assert log.state.phases["finale"].entrants == ("ash",)
    replays(log)


def test_an_amendment_after_the_markers_of_registration_gives_the_longer_time() -> None:
    log = at("called")
    log.tell(*log.due_now(day(140) + 1))
    assert len(log.state.markers["finale", "registration"]) == len(TOPICS)
    log.tell(
        long_cup.amended("new", 140.1, rulebook(finale={"opens": instant(145)}), "finale"), withdrawn("birch", 144)
    )
    log.progress(day(146))
    assert log.state.phases["finale"].entrants == ("ash",)
    replays(log)


def test_a_new_source_speaks_from_the_amendment_on() -> None:
    log = at("final")
    document = rulebook()
    document["sources"].append({"source": "urn:desk", "types": ["entrant.registered"]})
    late = told("entrant.registered", "reg", "urn:desk", 60, entrant="fir", name="fir", members=[])
    start = given(on=log).when(late).refused("source-not-authorised")
    start.when(long_cup.amended("new", 61, document, "again")).accepted()
    start.when(told("entrant.registered", "reg", "urn:desk", 62, entrant="fir", name="fir", members=[])).accepted()
