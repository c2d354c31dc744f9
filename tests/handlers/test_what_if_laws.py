"""Laws of other worlds, over small programmes with marks by chance and over a whole life."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from events.envelope import Envelope
from events.errors import NotFound, Refused
from handlers.consequences import changes, events_apart
from handlers.fold import fold
from handlers.lever_records import Files
from handlers.state import State
from handlers.told import Told
from handlers.views import phases_view
from tests.support import long_cup, small
from tests.support.long_cup import JURY, TEAMS, day
from tests.support.long_history import played
from tests.support.long_told import annulled, approved, beginnings, found, mark, signed, submitted
from tests.support.rerun import World, recorded, said_by_pipeline, told_to, verdicts, world
from tests.support.rooted import RootedLog

Rows = list[dict[str, Any]]
LAST = long_cup.instant(33)
"""When the flows worked last, which need not have left a record."""

CHECK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def heat(seed: int, *, told: tuple[Envelope, ...] = (), rules: dict[str, Any] | None = None) -> RootedLog:
    """The heat of the long cup up to its signed decision, with marks by chance; `told` comes while marks come in."""
    dice, log = Random(seed), RootedLog()
    log.tell(long_cup.announced(long_cup.rulebook(heat=rules)), *beginnings())
    log.progress(day(0) + 1)
    log.tell(*(submitted(team, 5) for team in TEAMS))
    log.progress(day(10) + 1)
    for team in TEAMS:
        log.tell(mark(team, "bench", 15, str(dice.randint(0, 50))))
        log.tell(*(mark(team, who, 15, str(dice.randint(0, 40))) for who in JURY))
    log.tell(*told)
    log.progress(day(21) + 1)
    log.tell(*signed(22))
    log.progress(day(33))
    return log


@cache
def plain() -> RootedLog:
    """One of them, for those who only read it."""
    return heat(1)


def figures(state: State) -> Rows:
    """Everything that was decided, without the basis and the tree behind it."""
    rows = phases_view(state)
    return [{name: part for name, part in row.items() if name != "basis"} for row in rows]


def fates(state: State, phase: str = "heat") -> dict[str, str]:
    decision = state.phases[phase].in_force
    assert decision is not None
    return {row["entrant"]: row["outcome"] for row in decision.fact.data["outcomes"]}


@CHECK
@given(st.integers(0, 2**32), st.sampled_from(JURY))
def test_an_evaluator_who_was_dropped_is_one_whose_marks_were_annulled_in_time(seed: int, who: str) -> None:
    dropped = world(heat(seed), drop_evaluator=[who], until=LAST).after
    annulled_then = fold(small.PROGRAMME, heat(seed, told=(annulled("annul", who, 16),)).stored)
    by_lever = world(heat(seed), annul=[who], until=LAST).after
    assert figures(dropped) == figures(annulled_then) == figures(by_lever)
    assert said_by_pipeline(by_lever).keys() == said_by_pipeline(annulled_then).keys()


@CHECK
@example(226, "ann", "birch")  # On record a tie holds the phase; without the mark there is none.
@given(st.integers(0, 2**32), st.sampled_from(JURY), st.sampled_from(TEAMS))
def test_annulled_marks_of_one_entrant_are_approved_where_the_rules_ask_for_it(seed: int, who: str, team: str) -> None:
    rules = {"approvals": {"marks.annulled": "director"}}
    said = (annulled("annul", who, 16, teams=[team]), approved("see", "annul", 17))
    told = fold(small.PROGRAMME, heat(seed, told=said, rules=rules).stored)
    by_lever = world(heat(seed, rules=rules), annul=[f"{who}:{team}"], until=LAST).after
    assert figures(by_lever) == figures(told)


def test_without_the_only_one_of_a_panel_the_phase_is_held() -> None:
    after = world(plain(), drop_evaluator=["bench"]).after
    assert after.status("heat") == "held"
    assert after.phases["heat"].held[-1].data["missing"][0]["code"] == "panel-empty"


@CHECK
@given(st.integers(0, 2**32), st.sampled_from(TEAMS), st.sampled_from(JURY), st.integers(0, 40))
def test_a_corrected_mark_is_the_mark_as_if_it_had_been_given_so(seed: int, team: str, who: str, value: int) -> None:
    log = heat(seed)
    slot = f"{team}/jury/art/{who}"
    index = next(t.index for t in told_to(log.stored) if t.event and t.event.id == f"score-heat-{team}-{who}") or 0
    by_slot, by_entry = (world(log, correct={name: str(value)}) for name in (slot, str(index)))
    assert said_by_pipeline(by_slot.after) == said_by_pipeline(by_entry.after)
    before = by_slot.before.phases["heat"].marks[team, "jury", "art", who].value
    back = world(log, correct={slot: before})
    assert said_by_pipeline(back.after) == said_by_pipeline(back.before)
    given_so = by_slot.after.phases["heat"].marks[team, "jury", "art", who].value
    assert given_so == str(value)


@CHECK
@given(st.data())
def test_a_record_left_out_and_added_again_gives_the_recorded_world(data: st.DataObject) -> None:
    """Of a whole life, whatever it is: accepted, refused, late, or the announcement itself."""
    log = played()
    course = told_to(log.stored)
    outside = [told for told in course if told.index is not None and not told.said_by_pipeline(small.PROGRAMME)]
    told = data.draw(st.sampled_from([row for row in outside if _is_alone(row.received_ms, course)]))
    assert told.event is not None
    files = Files(added=[(told.record.topic, told.event, told.record.received_ms)])
    again = world(log, files, without=[told.index])
    assert said_by_pipeline(again.after) == said_by_pipeline(again.before)
    kept = {index: row for index, row in recorded(course).items() if index != told.index}
    assert verdicts(again.changed, again.rerun) == kept
    assert changes(again.before, again.after) == []


def _is_alone(received_ms: int, course: list[Told]) -> bool:
    """Among what was received in one millisecond an added record is the last, whatever it was on record."""
    return sum(told.received_ms == received_ms for told in course) == 1


@CHECK
@given(
    st.dictionaries(
        st.sampled_from(["phases.finale.advance.places", "phases.finale.criteria.jury.points"]),
        st.integers(0, 2).map(str),
    ),
    st.lists(st.sampled_from(["finale/jury", "finale/bench"]), max_size=1),
    st.dictionaries(st.sampled_from(["finale/birch/jury/art/ann", "finale/dogwood/bench/speed/bench"]), st.just("7")),
)
def test_levers_on_the_last_phase_leave_the_earlier_ones_untouched(
    members: dict[str, str], dropped: list[str], corrected: dict[str, str]
) -> None:
    try:
        found = world(played(), set=members, drop_criterion=dropped, correct=corrected)
    except Refused:  # No rulebook may be so.
        return
    assert figures(found.after)[:2] == figures(found.before)[:2]
    assert {row["phase"] for row in changes(found.before, found.after)} <= {"finale"}


def test_the_order_in_which_levers_are_named_changes_nothing() -> None:
    first = {"drop_evaluator": ["ann"], "set": {"phases.heat.advance.places": "1", "phases.heat.missing": "exclude"}}
    again = {"set": {"phases.heat.missing": "exclude", "phases.heat.advance.places": "1"}, "drop_evaluator": ["ann"]}
    log = heat(3)
    assert said_by_pipeline(world(log, **first).after) == said_by_pipeline(world(log, **again).after)


def test_places_and_refill_by_lever_are_those_of_a_rulebook_that_says_so() -> None:
    told = (found("find", "ash", 16),)
    rules = {"advance": {"places": "1", "refill_from_ranking": "true"}}
    refill, places = {"phases.heat.advance.refill_from_ranking": "true"}, {"phases.heat.advance.places": "1"}
    for levers in ({"refill": True, "set": places}, {"set": {**places, **refill}}):
        by_lever = world(heat(5, told=told), **levers).after
        by_rules = fold(small.PROGRAMME, heat(5, told=told, rules=rules).stored)
        assert by_lever.status("heat") == by_rules.status("heat") == "held"
        ruled = world(heat(5, told=told), **levers, rule={"ash/independence/technical": "not-met"}).after
        assert fates(ruled)["ash"] == "eliminated"
        assert list(fates(ruled).values()).count("advanced") == 1


def test_a_finding_that_nobody_ruled_on_is_ruled_on_when_the_time_to_answer_is_over() -> None:
    log = heat(7, told=(found("find", "ash", 16),))
    assert log.state.status("heat") == "held"
    met = world(log, rule={"find": "met"}, sign=True)
    assert "advanced" in fates(met.after).values()
    assert met.after.status("heat") in ("decided", "final")
    (ruling,) = met.after.phases["heat"].findings["find"].rulings
    assert ruling.received_ms == day(19) + 1
    (row,) = events_apart(met.course, met.changed, met.rerun)["added"]
    assert (row["type"], row["verdict"], row["lever"]) == ("ruling.issued", "accepted", "rule")


def test_signatures_are_supposed_only_where_nobody_gives_them() -> None:
    """The director and the minister signed the decision on day 22: they do in every world."""
    log = heat(9)
    signed_then = world(log, sign=True)
    assert said_by_pipeline(signed_then.after) == said_by_pipeline(signed_then.before)
    index = next(told.index for told in signed_then.course if told.name == "decision.signed")
    waits, goes_on = world(log, without=[index]), world(log, without=[index], sign=True)
    assert waits.after.status("heat") == "decided"
    assert goes_on.after.status("heat") == "final"


@pytest.mark.parametrize(
    ("levers", "error", "said"),
    [
        ({"without_gate": ["independense"]}, NotFound, "independence"),
        ({"without_gate": ["heet/independence"]}, NotFound, "heat"),
        ({"drop_criterion": ["jurie"]}, NotFound, "jury"),
        ({"set": {"phases.heat.advance.place": "1"}}, NotFound, "places"),
        ({"set": {"phases.heat.criteria.jurie.points": "1"}}, NotFound, "jury"),
        ({"set": {"phases.heat.advance.places": "one"}}, Refused, "places"),
        ({"drop_evaluator": ["anne"]}, NotFound, "ann"),
        ({"annul": ["ann:asch"]}, NotFound, "ash"),
        ({"correct": {"ash/jury/art/anne": "1"}}, NotFound, "ash/jury/art/ann"),
        ({"correct": {"no-such-score": "1"}}, NotFound, "no mark"),
        ({"rule": {"ash/independence/technical": "met"}}, NotFound, "no finding"),
        ({"without": [99999]}, NotFound, "99999"),
        ({"correct": {"ash/jury/art/ann": "many"}}, Refused, "many"),
        ({"drop_evaluator": ["ann"], "correct": {"ash/jury/art/ann": "1"}}, Refused, "left out"),
    ],
    ids=str,
)
def test_what_a_lever_names_and_nobody_knows_is_told_with_what_is_like_it(
    levers: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        world(plain(), **levers)


def test_what_the_pipeline_said_cannot_be_left_out() -> None:
    log = plain()
    index = next(told.index for told in told_to(log.stored) if told.name == "phase.opened")
    with pytest.raises(NotFound, match=r"pipeline's own phase\.opened"):
        world(log, without=[index])


def test_a_world_is_of_the_entries_that_it_was_given() -> None:
    log = plain()
    half = told_to(log.stored[: len(log.stored) // 2])
    assert World(half).after.status("heat") == "open"
