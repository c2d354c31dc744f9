"""Objections: who may file them, when, to whom they go, and what becomes of the decision."""

from __future__ import annotations

import pytest

from events.envelope import Envelope
from tests.spec import given
from tests.support.long_cup import FRESH, JURY, OFFICE, TEAMS, day, decision
from tests.support.long_stages import at
from tests.support.long_told import (
    appointed,
    corrected,
    heard,
    marks,
    objected,
    recused,
    registered,
    reopened,
    returned,
    score,
    signed,
    told,
    took_back,
)
from tests.support.rooted import RootedLog


def ended(log: RootedLog) -> list[tuple[str, str]]:
    """How the objections ended, as the final decision says."""
    found = log.state.phases["heat"].decision
    assert found is not None
    assert found.finalised is not None
    report = log.replay()
    assert report.is_identical, report.first_difference
    return [(row["objection"], row["outcome"]) for row in found.finalised.data["objections"]]


def held_for(log: RootedLog) -> list[str]:
    return [row["what"] for row in log.state.phases["heat"].held[-1].data["missing"]]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (objected("o", "cedar", 30, grounds="bad-luck"), "out-of-range"),
        (objected("o", "elm", 30), "unknown-entrant"),
        (objected("o", "cedar", 20.5), "too-early"),
        (objected("o", "cedar", 30, phase="finale"), ""),
        (heard("r", "no-objection", 30, "upheld"), ""),
        (took_back("w", "no-objection", "cedar", 30), "unknown-reference"),
        (heard("r", "o1", 30, "upheld", by=OFFICE), "source-not-authorised"),
        (heard("r", "o1", 30, "upheld", by="urn:jury:ann:fresh"), "self-approval"),
        (heard("r", "o1", 30, "upheld", admissible=False), "schema-invalid"),
        (took_back("w", "o1", "ash", 30), "source-not-authorised"),
        (objected("o1", "ash", 30), "id-reused"),
    ],
)
def test_an_objection_out_of_rule_is_refused(said: Envelope, reason: str) -> None:
    log = at("signed")
    log.tell(objected("o1", "cedar", 26))
    when = given(on=log).when(said)
    _ = when.refused(reason) if reason else when.pending("event")


def test_who_registers_later_was_not_there_when_it_objected() -> None:
    """Whether the decision or the registration is read first makes no difference."""
    log = at("marked")
    log.tell(objected("o", "elm", 20.5), registered("elm", 20.6))
    log.progress(day(22))
    assert [row for row in log.outcomes().values() if row[0] != "accepted"] == [("refused", "unknown-entrant")]


def test_before_everybody_has_signed_an_objection_waits() -> None:
    log = at("decided")
    log.tell(*signed(24, "director"))
    waiting = given(on=log).when(objected("o", "cedar", 24.5)).pending("signed")
    waiting.when(signed(25, "minister")[0]).accepted({"o": "accepted"})


def test_where_the_rules_give_no_time_nobody_objects() -> None:
    log = at("decided", heat={"objections": None})
    given(on=log).when(objected("o", "cedar", 24)).refused("illegal-transition", "give no time")
    log.tell(*signed(25))
    log.progress(day(25))
    assert ended(log) == []


def test_a_late_objection_is_refused_and_changes_nothing() -> None:
    log = at("signed")
    late = given(on=log).when(objected("o", "cedar", 35.1)).pending("window")
    late.when(took_back("w", "o", "cedar", 35.1)).pending("behind")
    log.progress(day(36))
    assert ended(log) == []
    assert [reason for _, reason in log.outcomes().values() if reason] == ["late", "unknown-reference"]


def test_a_withdrawn_objection_does_not_hold() -> None:
    log = at("signed")
    start = given(objected("o", "cedar", 26), on=log).when(took_back("w", "o", "cedar", 27)).accepted()
    start.when(took_back("w2", "o", "cedar", 28)).refused("illegal-transition")
    log.progress(day(36))
    assert ended(log) == [("o", "withdrawn")]


def test_an_objection_is_taken_back_only_in_its_time() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26))
    log.progress(day(35) + 1)
    given(on=log).when(took_back("w", "o", "cedar", 36)).refused("late")
    assert held_for(log) == ["o"]


def test_an_objection_that_nobody_ruled_on_holds_the_decision() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26))
    log.progress(day(36))
    assert log.state.status("heat") == "held"
    assert log.owed() == [("objection-outstanding", "fresh-panel")]
    log.tell(heard("r", "o", 40, "dismissed"))
    log.progress(day(40))
    assert ended(log) == [("o", "dismissed")]
    assert log.state.status("heat") == "final"


def test_one_is_ruled_on_once() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26), heard("r", "o", 27, "dismissed"))
    given(on=log).when(heard("r2", "o", 28, "upheld")).refused("illegal-transition")


def test_an_inadmissible_one_is_as_good_as_none() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26), heard("r", "o", 27, "dismissed", admissible=False))
    log.progress(day(36))
    assert ended(log) == [("o", "inadmissible")]


def test_two_at_once_one_upheld_and_one_dismissed_make_one_new_decision() -> None:
    log = at("signed")
    log.tell(objected("o1", "cedar", 26), objected("o2", "birch", 27), heard("r1", "o1", 28, "dismissed"))
    log.progress(day(36))
    assert held_for(log) == ["o2"]
    log.tell(heard("r2", "o2", 38, "upheld"))
    log.progress(day(38))
    phase = log.state.phases["heat"]
    reopening = phase.round.opened
    assert (reopening.data["reason"], reopening.data["causes"]) == ("objection-upheld", ["r2"])
    log.tell(corrected("c", score("birch", "ben"), 40, "26", reopening=reopening.event.id))
    log.progress(day(43) + 1)
    assert (log.total("birch"), phase.round.number) == ("67.0", 2)
    log.tell(*signed(44, number=2))
    log.progress(day(54) + 1)
    assert ended(log) == [("o1", "dismissed"), ("o2", "upheld")]
    assert log.state.find_decision(decision()) is not None


def test_an_upheld_objection_can_change_who_advances() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26))
    log.progress(day(36))
    log.tell(heard("r", "o", 38, "upheld"))
    log.progress(day(38))
    reopening = log.state.phases["heat"].round.opened.event.id
    log.tell(*(corrected(f"c-{who}", score("cedar", who), 40, "40", reopening=reopening) for who in JURY))
    log.progress(day(43) + 1)
    assert log.outcome() == {"ash": "advanced", "birch": "eliminated", "cedar": "advanced"}
    assert log.total("cedar") == "70.0"


def test_what_is_done_again_has_its_time_though_the_ruling_came_early() -> None:
    """Nobody could do it before the phase was reopened, and that waits for the end of the time for objections."""
    log = at("signed")
    log.tell(objected("o", "cedar", 26), heard("r", "o", 27, "upheld"))
    log.progress(day(35) + 1)
    opened = log.state.phases["heat"].round.opened
    log.tell(corrected("c", score("cedar", "ann"), 37, "40", reopening=opened.event.id))
    log.progress(day(45))
    assert log.total("cedar") == "56.7"


def test_a_second_objection_goes_against_the_second_decision_and_not_the_first() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26))
    log.progress(day(36))
    log.tell(heard("r", "o", 38, "upheld"))
    log.progress(day(44))
    log.tell(*signed(45, number=2))
    start = given(on=log)
    start.when(objected("to-the-first", "birch", 46)).refused("late")
    start.when(objected("to-the-second", "birch", 46, number=2)).accepted()
    log.tell(heard("r2", "to-the-second", 47, "dismissed"))
    log.progress(day(56))
    assert ended(log) == [("o", "upheld"), ("to-the-second", "dismissed")]


def test_an_objection_to_a_decision_that_the_office_reopens_ends_as_superseded() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26), reopened("again-1", 27, 28))
    log.progress(day(29))
    log.tell(*signed(30, number=2))
    log.progress(day(41))
    assert log.state.status("heat") == "final"
    assert ended(log) == [("o", "superseded")]


def test_a_ruling_on_a_superseded_objection_is_on_record_and_reopens_nothing() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26), reopened("again-1", 27, 28), heard("r", "o", 28, "upheld"))
    log.progress(day(29))
    log.tell(*signed(30, number=2))
    log.progress(day(41))
    assert ended(log) == [("o", "upheld")]
    assert log.state.phases["heat"].round.number == 2


def test_an_objection_to_a_returned_decision_that_was_never_signed_ends_unheard() -> None:
    log = at("decided")
    log.tell(*signed(23, "director"))
    given(on=log).when(objected("o", "cedar", 23.5)).pending("signed")
    log.tell(returned("back", 24), reopened("again-1", 25, 26))
    log.progress(day(27))
    log.tell(*signed(28, number=2))
    log.progress(day(39))
    assert ended(log) == []
    assert ("refused", "illegal-transition") in log.outcomes().values()


def as_bench(team: str, evaluator: str, when: float) -> Envelope:
    data = {
        "phase": "heat",
        "entrant": team,
        "criterion": "bench",
        "item": "speed",
        "evaluator": evaluator,
        "value": "30",
    }
    return told("score.recorded", f"bench-{team}-{evaluator}", "urn:bench", when, **data)


def test_who_marked_through_a_shared_source_does_not_hear_objections() -> None:
    """One source may speak for many evaluators; each of them has scored."""
    log = at("handed-in")
    log.tell(appointed("ann", 12, "bench"), appointed("bench-2", 12, "bench"), recused("x", "ann", 13, *TEAMS))
    log.tell(*(as_bench(team, who, 15) for who in ("ann", "bench-2") for team in TEAMS))
    log.tell(*(row for row in marks("heat", TEAMS, 15) if row.data["evaluator"] != "ann"))
    log.progress(day(22))
    log.tell(*signed(25))
    log.tell(objected("o", "cedar", 26))
    given(on=log).when(heard("r", "o", 27, "upheld", by="urn:jury:ann:fresh")).refused("self-approval")
    given(on=log).when(heard("r", "o", 27, "upheld", by=FRESH)).accepted()
