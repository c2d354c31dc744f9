"""A record run again: where nothing is changed everything comes out as it was recorded, whatever happened."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.due import next_instant
from handlers.fold import fold
from handlers.rerun import Rerun
from tests.handlers.test_walk import RULES
from tests.support import long_cup, small
from tests.support.log import DEPLOYMENT, Log
from tests.support.long_cup import TEAMS, day
from tests.support.long_history import played
from tests.support.long_told import beginnings, marks, reopened, signed, submitted
from tests.support.rerun import World, recorded, said_by_pipeline, told_to, verdicts
from tests.support.rooted import RootedLog
from tests.support.walker import SAYINGS, Walker, what_is_owed

HOUR = small.DAY // 24


def check_same(log: Log) -> None:
    world = World(told_to(log.stored))
    expected = said_by_pipeline(fold(small.PROGRAMME, log.stored))
    for rerun, state in ((world.record, world.before), (world.rerun, world.after)):
        found = verdicts(world.course, rerun)
        assert {at: (found[at], row) for at, row in recorded(world.course).items() if found[at] != row} == {}
        assert said_by_pipeline(state) == expected
        assert (state.withdrawn.keys(), len(state.waiting)) == (log.state.withdrawn.keys(), len(log.state.waiting))


def walked(seed: int, rules: dict[str, Any], steps: int) -> RootedLog:
    """The long cup with anybody saying anything, and flows that work now and then; at the end nothing is due."""
    dice, log, now_ms = Random(seed), RootedLog(), day(-10)
    walker = Walker(dice)
    log.tell(long_cup.announced(long_cup.rulebook(**rules)), *beginnings())
    for _ in range(steps):
        if log.state.concluded is not None:
            break
        now_ms += 1
        at = (now_ms - small.OPENS) / small.DAY
        match dice.randrange(5):
            case 0:
                log.tell(walker.say(dice.choice(sorted(SAYINGS)), log.state, at))
            case 1:
                log.tell(*list(what_is_owed(walker, log.state, at)))
            case 2:
                now_ms += dice.randint(1, 100) * HOUR
            case _:
                now_ms = (next_instant(log.state, now_ms) or now_ms) + 1
                log.progress(now_ms)
                now_ms += 1
    log.progress(now_ms + 1)
    return log


def test_a_whole_life_comes_out_as_it_was_recorded() -> None:
    check_same(played())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.sampled_from(RULES), st.integers(5, 70))
def test_any_course_comes_out_as_it_was_recorded(seed: int, rules: dict[str, Any], steps: int) -> None:
    check_same(walked(seed, rules, steps))


def test_what_an_act_overtook_on_record_is_not_done_before_it() -> None:
    """With both signatures the decision could have been final on day 33, but no flow came by before the office reopened."""
    log = RootedLog()
    log.tell(long_cup.announced(long_cup.rulebook()), *beginnings())
    log.progress(day(0) + 1)
    log.tell(*(submitted(team, 5) for team in TEAMS))
    log.progress(day(10) + 1)
    log.tell(*marks("heat", TEAMS, 15))
    log.progress(day(21) + 1)
    log.tell(*signed(22))
    log.progress(day(22) + 1)
    log.tell(reopened("again", 40.5, 45))
    log.progress(day(46))
    assert len(log.state.phases["heat"].decisions) == 2
    assert all(row.finalised is None for row in log.state.phases["heat"].decisions.values())
    check_same(log)


def test_what_the_pipeline_never_did_is_done_the_moment_it_is_due() -> None:
    """Nobody ran the flows: another world is not held up by that."""
    log = RootedLog()
    log.tell(long_cup.announced(long_cup.rulebook()), *beginnings())
    state = Rerun(small.PROGRAMME, told_to(log.stored), DEPLOYMENT).run(day(1))
    assert state.status("heat") == "open"
    assert state.phases["heat"].opened.received_ms == day(0) + 1


def test_nothing_that_is_run_again_changes_what_it_was_given() -> None:
    course = told_to(played().stored)
    before = [(told.index, told.record.value, told.record.offset, told.order) for told in course]
    World(course)
    assert [(told.index, told.record.value, told.record.offset, told.order) for told in course] == before
