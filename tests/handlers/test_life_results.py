"""What a decision says at the gate, what of it is published, and what it brings to those that advanced."""

from __future__ import annotations

from typing import Any

import pytest

from events.envelope import Envelope, encode
from tests.spec import given
from tests.support.log import Log
from tests.support.long_cup import OFFICE, TEAMS, day, decision, rulebook
from tests.support.long_stages import at
from tests.support.long_told import answered, found, marks, recused, ruled, ticked, told
from tests.support.rooted import RootedLog


def replays(log: RootedLog) -> None:
    report = log.replay()
    assert report.is_identical, report.first_difference


TICKS = [
    ("any", 0, True),
    ("any", 1, False),
    ("majority", 1, True),
    ("majority", 2, False),
    ("all", 2, True),
    ("all", 3, False),
]


@pytest.mark.parametrize(("rule", "against", "is_met"), TICKS)
def test_so_many_ticks_as_the_gate_says_make_it_not_met(rule: str, against: int, is_met: bool) -> None:
    log = at("marked", heat=gated(rule))
    log.tell(*(ticked(f"t{who}", who, "ash", 20.5) for who in ("ann", "ben", "cai")[:against]))
    log.tell(ticked("changed", "ann", "birch", 20.5), ticked("back", "ann", "birch", 20.6, not_met=False))
    given(on=log).when(ticked("late", "cai", "ash", 21.1)).pending("window")
    log.progress(day(22))
    assert (log.outcome()["ash"] == "advanced") is is_met
    assert log.outcome()["birch"] == "advanced"
    assert log.outcome()["cedar"] == "eliminated"
    replays(log)


def gated(rule: str) -> dict[str, Any]:
    gate = dict(rulebook()["phases"][0]["gates"][0])
    return {"gates": [{**gate, "tick": {"by": "jury", "not_met_when": rule}}]}


def test_a_recused_member_ticks_for_nothing() -> None:
    log = at("marked")
    log.tell(ticked("t1", "ann", "ash", 20.5), recused("r", "ben", 20.6, "ash"), recused("r2", "cai", 20.6, "ash"))
    log.progress(day(22))
    assert log.codes("ash") == ["rank-within-places", "gate-not-met"]


@pytest.mark.parametrize("verdict", ["met", "not-met"])
def test_a_finding_is_answered_ruled_on_and_decides_at_the_gate(verdict: str) -> None:
    log = at("marked")
    log.tell(found("f", "ash", 20.5))
    log.progress(day(22))
    log.tell(answered("a", "f", "ash", 22.5), ruled("r", "f", 23, verdict))
    log.progress(day(24))
    assert (log.outcome()["ash"] == "advanced") is (verdict == "met")
    assert log.state.phases["heat"].in_force.fact.data["vacancies"] == (0 if verdict == "met" else 1)  # type: ignore[union-attr]
    replays(log)


def test_figures_are_published_as_the_profile_says_and_not_otherwise() -> None:
    log = at("signed")
    shown = log.state.phases["heat"].in_force
    assert shown is not None
    figures = shown.published["narrow"].data["figures"]
    assert figures["first"]["jury"] == {"score": "30.0", "entrants": ["ash"]}
    data = {"decision": decision(), "profile": "wide", "figures": {"outcomes": figures["outcomes"]}}

    def say(**more: Any) -> Envelope:
        return told("figures.published", "f", OFFICE, 26, **{**data, **more})

    start = given(on=log)
    start.when(say()).refused("schema-invalid")
    start.when(say(profile="none")).refused("unknown-reference")
    start.when(say(profile="narrow", figures=figures)).refused("illegal-transition")
    start.when(say(decision="nothing")).refused("unknown-reference")
    totals = {"ash": "80.0", "birch": "65.0", "cedar": "50.0"}
    margins = {"ash": "30.0", "birch": "15.0", "cedar": "-15.0"}
    altered = {"outcomes": figures["outcomes"], "totals": {**totals, "ash": "80.1"}, "margins": margins}
    start.when(say(figures=altered)).refused("schema-invalid")
    start.when(say(figures={**altered, "totals": totals})).accepted()
    replays(log)


def test_awards_go_to_those_that_advanced_once() -> None:
    log = at("final")
    assert log.state.phases["heat"].awards["ash"].data["resources"] == [
        {"kind": "gpu", "quantity": "8", "unit": "devices"}
    ]

    def say(team: str, phase: str = "heat") -> Envelope:
        return told("award.granted", "x", OFFICE, 40, entrant=team, phase=phase, resources=[])

    start = given(on=log)
    start.when(say("cedar")).refused("not-eligible")
    start.when(say("ash")).refused("illegal-transition")
    start.when(say("ash", "finale")).refused("illegal-transition")
    given(on=at("signed")).when(say("ash")).pending("final")


def test_rulings_in_time_are_settled_before_the_cut_though_the_time_to_answer_is_marked_last() -> None:
    """The first ruling came too early, so the others wait behind it until it is certain that nobody answered."""
    log = at("handed-in")
    log.tell(found("f", "ash", 12), ruled("r0", "f", 13, "met"), ruled("r1", "f", 16), ruled("r2", "f", 17, "met"))
    log.tell(*marks("heat", TEAMS, 18))
    log.progress(day(22))
    assert log.outcome()["ash"] == "advanced"
    again = Log()
    for topic in ("scores", "audits", "decisions", "submissions"):
        for record in log.records:
            if record.topic == topic:
                again.feed(record)
    assert again.outcomes() == log.outcomes()
    assert [encode(event) for event in again.decisions] == [encode(event) for event in log.decisions]
