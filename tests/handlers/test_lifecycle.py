"""The table of transitions is what happens: every way in it is gone by some life, and nothing else is possible."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from console.lifecycle import PAGE, page
from events.entry import decode_entry
from events.errors import Tampered
from handlers.fold import Folder
from handlers.lifecycle import STATES, WAYS, take_in
from handlers.state import Fact
from tests.support import small
from tests.support.long_cup import TEAMS, day
from tests.support.long_history import played
from tests.support.long_stages import at
from tests.support.long_told import (
    answered,
    approved,
    found,
    marks,
    reopened,
    returned,
    ruled,
    signed,
    tie,
    told,
    waived,
)
from tests.support.rooted import RootedLog


def test_the_page_is_written_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make lifecycle`"


def ways_of(log: RootedLog) -> Iterator[tuple[str, str, str]]:
    """Every change of a status in a log, with the event whose entry made it."""
    folder, before = Folder(small.PROGRAMME), dict[str, str]()
    for stored in log.stored:
        folder.apply(stored)
        now = {name: phase.status for name, phase in folder.state.phases.items()}
        entry = decode_entry(stored.entry)
        for name, after in now.items():
            if before.get(name, "planned") != after:
                assert entry.type is not None
                yield before.get(name, "planned"), entry.type.split(".", 1)[1].removesuffix(".v1"), after
        before = dict(now)


def held_for_a_mark(**changes: dict[str, object]) -> RootedLog:
    log = at("handed-in", **changes)
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    log.progress(day(22))
    return log


def lives() -> Iterator[RootedLog]:
    yield played()
    log = held_for_a_mark()
    log.tell(waived("w", 23))
    yield log
    log = held_for_a_mark(heat={"approvals": {"mark.waived": "director"}})
    log.tell(waived("w", 23), approved("a", "w", 24))
    yield log
    log = held_for_a_mark()
    log.tell(reopened("again-1", 23, 30))
    yield log
    log = at("marked")
    log.tell(found("f", "ash", 20.5))
    log.progress(day(22))
    log.tell(answered("a", "f", "ash", 22), ruled("r", "f", 23))
    yield log
    log = at("handed-in")
    log.tell(*(row for row in marks("heat", ("ash", "birch"), 15)))
    log.tell(*(told("score.recorded", f"t-{row.id}", row.source, 15, **{**row.data, "entrant": "cedar"})
               for row in marks("heat", ("birch",), 15)))  # fmt: skip
    log.progress(day(22))
    log.tell(tie("t", 23, "birch", "cedar"), reopened("again-1", 23.1, 30))
    yield log
    log = at("decided")
    log.tell(*signed(23, "director"), returned("r", 23))
    log.progress(day(24))
    log.tell(reopened("again-1", 24, 30))
    yield log
    log = at("decided")
    log.tell(reopened("again-1", 24, 30))
    yield log


def test_every_way_of_the_table_is_gone_and_no_other() -> None:
    gone = {way for log in lives() for way in ways_of(log)}
    assert gone == {(way.before, way.event, way.after) for way in WAYS}
    assert {state for way in WAYS for state in (way.before, way.after)} == set(STATES)


def test_the_states_follow_each_other_as_they_are_listed() -> None:
    forward = {(way.before, way.after) for way in WAYS}
    assert set(pairwise(["planned", "open", "intake-closed", "decided", "final"])) <= forward
    assert not [way for way in WAYS if way.before == "final" or way.after == "planned"]


def test_an_accepted_event_that_takes_another_way_stops_the_fold() -> None:
    """Somebody with a hand in the database opens a phase twice."""
    log = at("open")
    log.state.phases["heat"].round.closed = log.state.phases["heat"].opened
    log.state.phases["heat"].round.is_holding = True
    fact = Fact(
        log.state.size, "decisions", 99, day(2), day(2), told("phase.opened", "y", small.OFFICE, 2, **_opening(log))
    )
    with pytest.raises(Tampered, match="takes heat from held to open"):
        take_in(log.state, fact)


def _opening(log: RootedLog) -> dict[str, object]:
    return dict(log.state.phases["heat"].opened.data)


def test_a_hold_that_is_said_without_need_changes_nothing() -> None:
    log = at("decided")
    said = {"phase": "heat", "missing": [{"code": "ruling-outstanding", "who": "nobody", "what": "nothing"}]}
    log.tell(told("phase.held", "h", small.OFFICE, 22, **said))
    assert log.state.status("heat") == "decided"
    log.tell(*signed(23))
    log.progress(day(34))
    assert log.state.status("heat") == "final"


def test_a_hold_that_is_said_to_be_over_is_not_over() -> None:
    log = held_for_a_mark()
    log.tell(told("phase.held", "h", small.OFFICE, 22.5, phase="heat", missing=[]))
    assert log.state.status("heat") == "held"
