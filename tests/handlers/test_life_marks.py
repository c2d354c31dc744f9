"""Recused, annulled, voided, corrected, waived: what is out of the count, from when on, and who must have approved it."""

from __future__ import annotations

import pytest

from events.envelope import Envelope
from tests.spec import given
from tests.support.long_cup import DIRECTOR, MINISTER, OFFICE, TEAMS, day, decision
from tests.support.long_stages import at
from tests.support.long_told import (
    annulled,
    answered,
    appointed,
    approved,
    conflict,
    corrected,
    found,
    mark,
    marks,
    recused,
    reopened,
    ruled,
    score,
    signed,
    voided,
    waived,
)
from tests.support.rooted import RootedLog

APPROVALS = dict.fromkeys(
    ("score.corrected", "score.voided", "marks.annulled", "mark.waived", "tie.resolved"), "director"
)


def decided(log: RootedLog, *told: Envelope) -> RootedLog:
    """Tells more, and lets the heat be decided on day 22."""
    log.tell(*told)
    log.progress(day(22))
    report = log.replay()
    assert report.is_identical, report.first_difference
    return log


@pytest.mark.parametrize(
    ("act", "total"),
    [
        (recused("r", "ben", 20.9, "birch"), "67.5"),
        (recused("r", "ben", 21.1, "birch"), "65.0"),
        (recused("r", "ben", 20.9, "ash"), "65.0"),
        (annulled("a", "ben", 20.9), "67.5"),
        (annulled("a", "ben", 20.9, teams=["birch", "cedar"]), "67.5"),
        (annulled("a", "ben", 20.9, teams=["ash"]), "65.0"),
        (annulled("a", "ben", 21.1), "65.0"),
        (conflict("c", "ben", 5, "birch"), "65.0"),
        (corrected("c", score("birch", "ben"), 20, "26"), "67.0"),
    ],
)
def test_what_is_said_in_time_is_out_of_the_count_and_later_it_is_on_record(act: Envelope, total: str) -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15))
    at_ms = act.time
    log.tell(*([act] if at_ms < "2030-01-21T00:00:00.001Z" else []))
    log.progress(day(20.5))
    decided(log, *([] if at_ms < "2030-01-21T00:00:00.001Z" else [act]))
    assert log.total("birch") == total


def test_a_declared_conflict_recuses_where_the_rules_say_so() -> None:
    log = decided(at("marked", heat={"conflicts": "recuse"}), conflict("c", "ben", 20.5, "birch"))
    assert log.total("birch") == "67.5"


def test_a_recused_evaluator_owes_nothing() -> None:
    log = at("handed-in")
    log.tell(*(row for row in marks("heat", TEAMS, 15) if row.data["evaluator"] != "cai"))
    log.tell(recused("r", "cai", 16, *TEAMS))
    decided(log)
    assert log.outcome()["ash"] == "advanced"


def test_a_recusal_waits_for_the_appointment_whoever_comes_first() -> None:
    log = at("open")
    waiting = given(on=log).when(recused("r", "dee", 1, "ash")).pending("evaluator")
    waiting.when(appointed("dee", 2)).accepted({"r": "accepted"})


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (annulled("a", "ben", 16, teams=["elm"]), "not-eligible"),
        (annulled("a", "ben", 16, phase="nowhere"), "unknown-phase"),
        (voided("v", "no-mark", 16), "unknown-reference"),
        (voided("v", score("ash", "ann"), 16, "urn:jury:ben"), "source-not-authorised"),
        (waived("w", 16, entrant="elm"), "not-eligible"),
        (waived("w", 16, criterion="taste"), "unknown-criterion"),
        (waived("w", 16, criterion="jury", item="speed"), "unknown-criterion"),
        (waived("w", 16, phase="finale"), "illegal-transition"),
        (approved("p", score("ash", "ann"), 16, MINISTER, "minister"), ""),
    ],
)
def test_what_names_nothing_of_the_phase_is_refused(said: Envelope, reason: str) -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15))
    when = given(on=log).when(said)
    _ = when.refused(reason) if reason else when.pending("event")


def test_a_voided_mark_is_missing_until_it_is_given_again() -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15))
    start = given(on=log).when(mark("ash", "ann", 16, "1", event_id="m2")).refused("already-scored")
    start = start.when(voided("v", score("ash", "ann"), 17, "urn:jury:ann")).accepted()
    start.when(mark("ash", "ann", 18, "15", event_id="m2")).accepted()
    decided(log)
    assert log.total("ash") == "75.0"


def test_a_voided_mark_that_nobody_gives_again_holds_the_phase() -> None:
    log = decided(at("marked"), voided("v", score("ash", "ann"), 20.5))
    assert log.state.status("heat") == "held"
    assert log.owed() == [("mark-missing", "ann")]


def test_a_correction_of_a_mark_that_was_voided_does_not_touch_the_one_after_it() -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15), voided("v", score("ash", "ann"), 16))
    log.tell(mark("ash", "ann", 17, "15", event_id="m2"), corrected("c", score("ash", "ann"), 18, "40"))
    decided(log)
    assert log.total("ash") == "75.0"


def awaiting_a_ruling() -> list[Envelope]:
    """So that the phase is held past its intake, and what is said then could have an effect."""
    return [found("f", "ash", 17.1), answered("fa", "f", "ash", 17.2)]


@pytest.mark.parametrize("late", [False, True])
def test_a_void_without_effect_leaves_the_first_mark_and_not_the_one_given_after_it(late: bool) -> None:
    """Whether the second person has approved is known only when the phase is decided."""
    log = at("handed-in", heat={"approvals": APPROVALS})
    log.tell(*marks("heat", TEAMS, 15), voided("v", score("ash", "ann"), 16, "urn:jury:ann"))
    log.tell(mark("ash", "ann", 17, "15", event_id="m2"), *awaiting_a_ruling())
    log.progress(day(21) + 1)
    decided(log, *([approved("p", "v", 21.5)] if late else []), ruled("r", "f", 21.6, "met"))
    assert log.total("ash") == "80.0"


def test_an_approved_void_gives_way_to_the_mark_after_it() -> None:
    log = at("handed-in", heat={"approvals": APPROVALS})
    log.tell(*marks("heat", TEAMS, 15), voided("v", score("ash", "ann"), 16, "urn:jury:ann"))
    log.tell(mark("ash", "ann", 17, "15", event_id="m2"), approved("p", "v", 18))
    decided(log)
    assert log.total("ash") == "75.0"


WAIVERS = [
    ({}, True),
    ({"evaluator": "cai"}, True),
    ({"entrant": "cedar"}, True),
    ({"criterion": "jury"}, True),
    ({"criterion": "jury", "item": "art", "evaluator": "cai", "entrant": "cedar"}, True),
    ({"evaluator": "ann"}, False),
    ({"entrant": "ash"}, False),
    ({"criterion": "bench"}, False),
]


@pytest.mark.parametrize(("which", "helps"), WAIVERS)
@pytest.mark.parametrize("when", [16, 23])
def test_a_waiver_stands_for_what_it_names_and_for_all_that_it_leaves_out(
    which: dict[str, str], helps: bool, when: float
) -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    if when == 16:
        log.tell(waived("w", when, **which))
    log.progress(day(21) + 1)
    if when == 23:
        assert log.owed() == [("mark-missing", "cai")]
        log.tell(waived("w", when, **which))
    log.progress(day(24))
    assert log.state.status("heat") == ("decided" if helps else "held")
    assert log.replay().is_identical
    assert not helps or log.total("cedar") == "50.0"


@pytest.mark.parametrize("whose", ["ash", "cedar"])
def test_a_needless_waiver_leaves_no_trace_in_the_decision(whose: str) -> None:
    plain, more = at("handed-in"), at("handed-in")
    for log, extra in ((plain, []), (more, [waived("w2", 24, entrant=whose)])):
        log.tell(*marks("heat", TEAMS, 15)[:-1], found("f", "ash", 16), answered("a", "f", "ash", 17))
        log.progress(day(21) + 1)
        log.tell(waived("w", 22, entrant="cedar"), *extra, ruled("r", "f", 23, "met"))
        log.progress(day(25))
    one, two = (log.state.phases["heat"].decision for log in (plain, more))
    assert one is not None
    assert two is not None
    assert one.fact.event.time == two.fact.event.time


ACTS = [
    (annulled("act", "ben", 16), "65.0", "67.5"),
    (voided("act", score("birch", "ben"), 16), "65.0", None),
    (corrected("act", score("birch", "ben"), 16, "26", source="urn:jury:ben"), "65.0", "67.0"),
]


@pytest.mark.parametrize(("act", "without", "with_it"), ACTS)
def test_an_act_that_needs_a_second_person_has_no_effect_before(
    act: Envelope, without: str, with_it: str | None
) -> None:
    log = at("handed-in", heat={"approvals": APPROVALS})
    log.tell(*marks("heat", TEAMS, 15), act, *awaiting_a_ruling())
    ahead = given(on=log)
    ahead.when(approved("p1", "act", 17, MINISTER, "minister")).refused("source-not-authorised")
    ahead.when(approved("p2", "act", 17, DIRECTOR, "minister")).refused("source-not-authorised")
    ahead.when(approved("p3", "act", 17, OFFICE, "director")).refused("source-not-authorised")
    log.progress(day(21) + 1)
    assert log.state.status("heat") == "held"
    decided(log, approved("late", "act", 21.5), ruled("r", "f", 21.6, "met"))
    assert log.total("birch") == without
    again = at("handed-in", heat={"approvals": APPROVALS})
    again.tell(*marks("heat", TEAMS, 15), act, approved("p", "act", 17))
    decided(again)
    assert (again.state.status("heat") == "held") if with_it is None else (again.total("birch") == with_it)


def test_nobody_approves_an_act_of_their_own() -> None:
    log = at("handed-in", heat={"approvals": APPROVALS})
    log.tell(*marks("heat", TEAMS, 15))
    start = given(on=log).when(waived("act", 16, source=DIRECTOR, entrant="ash")).accepted()
    start.when(approved("p", "act", 17)).refused("self-approval")


def test_an_approval_may_come_before_its_act_and_of_what_needs_none_it_is_refused() -> None:
    log = at("handed-in", heat={"approvals": {"mark.waived": "director"}})
    log.tell(*marks("heat", TEAMS, 15))
    start = given(on=log).when(approved("p", "act", 16)).pending("event")
    start.when(waived("act", 15.5, entrant="ash")).accepted({"p": "accepted"})
    start.when(annulled("other", "ben", 16)).accepted()
    start.when(approved("p2", "other", 17)).refused("illegal-transition")


def test_a_waiver_that_needs_a_second_person_holds_until_that_one_speaks() -> None:
    log = at("handed-in", heat={"approvals": APPROVALS})
    log.tell(*marks("heat", TEAMS, 15)[:-1], waived("act", 16))
    log.progress(day(22))
    assert log.state.status("heat") == "held"
    decided(log, approved("p", "act", 21.9))
    log.progress(day(23))
    assert log.state.status("heat") == "decided"


def test_two_acts_do_not_share_an_id_and_with_it_an_approval() -> None:
    """The second person approves what they saw: an id that stands for two acts would let the other one through."""
    log = at("handed-in", heat={"approvals": APPROVALS})
    log.tell(*marks("heat", TEAMS, 15), voided("act", score("birch", "ben"), 16, "urn:jury:ben"))
    given(on=log).when(corrected("act", score("ash", "ann"), 16.5, "0", source="urn:jury:ann")).refused("id-reused")
    given(on=log).when(annulled("act", "cai", 16.6)).refused("id-reused")


def test_a_fresh_evaluator_replaces_an_annulled_one_in_a_reopened_phase() -> None:
    log = at("decided")
    log.tell(reopened("again-1", 22, 30), annulled("a", "ben", 23), appointed("dee", 23))
    given(on=log).when(mark("ash", "dee", 24, "30")).refused("late")
    log = at("decided")
    log.tell(reopened("again-1", 22, 30), annulled("a", "ben", 23), appointed("dee", 23))
    log.tell(*(mark(team, "dee", 24, "40", reopening="again-1") for team in TEAMS))
    log.progress(day(31))
    assert log.total("birch") == "71.7"
    assert log.state.phases["heat"].round.number == 2
    log.tell(*signed(32, number=2))
    log.progress(day(43))
    found = log.state.phases["heat"].decision
    assert found is not None
    assert (found.fact.event.id, found.fact.data["supersedes"]) == (decision(number=2), decision())
    assert log.replay().is_identical
