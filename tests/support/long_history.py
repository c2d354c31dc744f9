"""A whole life of the long cup with everything in it that may happen, and much that may not, as it was first recorded."""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

from events.envelope import Envelope
from handlers.state import State
from tests.support import long_cup
from tests.support.long_cup import DIRECTOR, OFFICE, TEAMS, day, decision
from tests.support.long_told import (
    annulled,
    answered,
    applied,
    appointed,
    approved,
    attested,
    beginnings,
    conflict,
    corrected,
    extended,
    found,
    heard,
    mark,
    marks,
    objected,
    recused,
    registered,
    reopened,
    returned,
    ruled,
    score,
    signed,
    submitted,
    ticked,
    tie,
    told,
    took_back,
    voided,
    voted,
    waived,
    withdrawn,
)
from tests.support.rooted import RootedLog

CHANGES: dict[str, dict[str, Any]] = {
    "heat": {
        "approvals": dict.fromkeys(("score.corrected", "score.voided", "mark.waived"), "director"),
        "conflicts": "recuse",
        "late": {"grace": "PT12H"},
    },
    "again": {"call": {**long_cup.rulebook()["phases"][1]["call"], "eligible": {"withdrawn": "true"}}},
}


def intake() -> list[Envelope]:
    given = [row for row in marks("heat", TEAMS, 15) if row.id != score("cedar", "cai")]
    return [
        *given,
        voided("void-1", score("ash", "ann"), 15.1, "urn:jury:ann"),
        mark("ash", "ann", 15.2, "35", event_id="ash-again"),
        corrected("fix-void", score("ash", "ann"), 15.25, "1", source="urn:jury:ann"),
        voided("void-2", score("ash", "ben"), 15.3, "urn:jury:ben"),
        mark("ash", "ben", 15.35, "1", event_id="ash-never"),
        approved("see-void-1", "void-1", 15.4),
        approved("see-nothing", "no-act", 15.4),
        corrected("fix-1", score("birch", "ben"), 15.5, "26", source="urn:jury:ben"),
        corrected("fix-2", score("birch", "ben"), 15.6, "28", source="urn:jury:ben"),
        approved("see-fix-1", "fix-1", 15.7),
        annulled("annul-early", "dee", 15.75),
        recused("recuse-dee", "dee", 15.8, "ash", "birch", "cedar"),
        appointed("dee", 16),
        conflict("conflict-cai", "cai", 16, "ash"),
        ticked("tick-1", "ann", "cedar", 16),
        ticked("tick-2", "ben", "cedar", 16.1),
        ticked("tick-3", "ben", "cedar", 16.2, not_met=False),
        found("find-birch", "birch", 16),
        ruled("rule-early", "find-birch", 16.5, "not-met"),
        answered("answer", "find-birch", "birch", 17),
        extended("more-scores", "scores", 19, 22),
        extended("too-late", "submissions", 19, 25),
        waived("waive-cedar", 19.5, entrant="cedar", evaluator="cai"),
        waived("waive-none", 19.5, entrant="elm"),
    ]


def after_the_intake() -> list[Envelope]:
    return [
        mark("cedar", "dee", 22.6, "40"),
        recused("recuse-late", "ann", 23, "birch"),
        tie("tie-beside", 23, "ash", "cedar"),
        waived("waive-beside", 23, source=DIRECTOR),
        approved("see-own", "waive-beside", 23.05),
        ruled("rule-birch", "find-birch", 23.1, "not-met"),
        ruled("rule-again", "find-birch", 23.15, "met"),
        approved("see-waiver", "waive-cedar", 23.2),
        approved("see-waiver-twice", "waive-cedar", 23.3),
    ]


def first_hearing() -> list[Envelope]:
    """Against the second decision: one upheld, one dismissed, one taken back, and some that should not have come."""
    return [
        objected("o-first", "cedar", 32.5),
        objected("o-up", "cedar", 33, number=2),
        objected("o-down", "birch", 33, number=2),
        objected("o-back", "ash", 33, number=2),
        objected("o-grounds", "ash", 33, number=2, grounds="luck"),
        objected("o-late", "ash", 42.5, number=2),
        took_back("back", "o-back", "ash", 34),
        took_back("back-late", "o-down", "birch", 42.6),
        heard("hear-up", "o-up", 35, "upheld"),
        heard("hear-own", "o-down", 35, "dismissed", by="urn:jury:ann:fresh"),
        heard("hear-none", "o-none", 35, "dismissed"),
        heard("hear-down", "o-down", 43, "dismissed"),
        heard("hear-twice", "o-down", 43.1, "upheld"),
    ]


def of_day(rows: list[Envelope], start: float, end: float) -> list[Envelope]:
    """Those said after `start` and up to `end`, in the order of their instants."""
    first, last = (long_cup.instant(limit) for limit in (start, end))
    return sorted((row for row in rows if first < row.time <= last), key=lambda row: row.time)


@cache
def played() -> RootedLog:
    """To the end. Callers must not change it."""
    log = RootedLog()
    play(log)
    return log


class Course(Protocol):
    """A log, or a stage with one, to which the history is told."""

    @property
    def state(self) -> State: ...
    def tell(self, *said: Envelope) -> object: ...
    def progress(self, now_ms: int) -> object: ...


def play(log: Course, *meanwhile: Envelope) -> None:
    """The whole life; `meanwhile` after the heat is first decided."""
    log.tell(*beginnings()[:3], long_cup.announced(long_cup.rulebook(**CHANGES)), *beginnings()[3:])
    log.tell(registered("elm", -30), withdrawn("elm", -20))
    _heat(log)
    log.tell(*meanwhile)
    _hearings(log)
    _call(log)
    _finale(log)


def _heat(log: Course) -> None:
    log.progress(day(0) + 1)
    log.tell(submitted("ash", 5), submitted("birch", 5), extended("more-time", "submissions", 9, 12))
    log.tell(submitted("cedar", 11))
    log.progress(day(12.5) + 1)
    log.tell(submitted("cedar", 12.6, "finale"), *intake())
    log.progress(day(22.5) + 1)
    log.tell(*of_day(after_the_intake(), 22, 24))
    log.progress(day(24))
    assert log.state.status("heat") == "decided"
    log.tell(*signed(24.1, "director"), returned("return", 25), *signed(25.1, "minister"))
    log.progress(day(25.2))
    log.tell(reopened("again-1", 25.5, 30), mark("cedar", "cai", 26, "20", reopening="again-1"))
    log.tell(corrected("fix-3", score("cedar", "ann"), 27, "23", source="urn:jury:ann", reopening="again-1"))
    log.tell(approved("see-fix-3", "fix-3", 28), annulled("annul-dee", "dee", 29, teams=["ash"]))
    log.tell(corrected("fix-4", score("cedar", "ann"), 30.1, "0", source="urn:jury:ann", reopening="again-1"))
    log.progress(day(31))


def _hearings(log: Course) -> None:
    log.tell(*signed(32, number=2))
    log.progress(day(32))
    log.tell(*of_day(first_hearing(), 32, 42))
    log.progress(day(42) + 1)
    log.tell(*of_day(first_hearing(), 42, 50))
    log.progress(day(43.2))
    reopening = log.state.phases["heat"].round.opened.event.id
    log.tell(corrected("fix-5", score("cedar", "ben"), 45, "22", source="urn:jury:ben", reopening=reopening))
    log.tell(approved("see-fix-5", "fix-5", 46))
    log.progress(day(49))
    log.tell(*signed(50, number=3), withdrawn("ash", 55), objected("o-third", "cedar", 56, number=3))
    log.tell(heard("hear-third", "o-third", 57, "dismissed", admissible=False))
    log.progress(day(61))
    log.tell(*signed(62, number=4))
    log.progress(day(73))
    assert log.state.status("heat") == "final"
    log.tell(
        *(attested(f"seen-{number}", decision(number=number), 73.5, number) for number in (1, 2, 4)),
        attested("seen-again", decision(number=4), 73.6, 5),
        attested("seen-by-director", decision(number=4), 73.6, source=DIRECTOR),
        attested("seen-nothing", "no-decision", 73.7),
    )
    log.tell(tie("tie-too-late", 74, "birch", "cedar"), reopened("again-never", 74, 80))


def _call(log: Course) -> None:
    log.tell(registered("dogwood", 80), applied("dogwood", 81, "too-soon"))
    other = long_cup.rulebook(**CHANGES, finale={"advance": {"places": "1", "withdrawn": "next-in-line"}})
    log.tell(long_cup.amended("amend", 90, other, "finale"), long_cup.amended("amend-back", 91, other, "heat", "3"))
    log.progress(day(100) + 1)
    log.tell(applied("dogwood", 101), applied("elm", 102), applied("birch", 102), applied("dogwood", 103, "twice"))
    log.progress(day(110) + 1)
    log.tell(applied("cedar", 110.5), *marks("again", ("dogwood", "elm"), 115))
    log.tell(*(voted(who, "dogwood", 116) for who in ("ann", "ben", "dee")), voted("ann", "elm", 116, "no"))
    log.tell(voted("ben", "dogwood", 117, "no"), voted("cai", "dogwood", 118))
    log.tell(recused("recuse-elm", "dee", 118, "dogwood", "elm"))
    log.progress(day(121) + 1)
    log.tell(waived("waive-dee", 121.5, phase="again"))
    log.progress(day(122))
    log.tell(*signed(123, "director", phase="again"))
    log.progress(day(124))
    assert log.state.calls["again"].decided is not None


def _finale(log: Course) -> None:
    log.progress(day(140) + 1)
    log.tell(submitted("birch", 145, "finale"), submitted("dogwood", 154, "finale"))
    log.progress(day(155) + 1)
    log.tell(*marks("finale", ("birch", "dogwood"), 158))
    log.tell(waived("waive-finale", 159, phase="finale", evaluator="dee"))
    log.progress(day(162))
    log.tell(*signed(163, "director", phase="finale"))
    log.progress(day(169))
    assert log.state.concluded is not None
    data = {"evaluator": "late", "panel": "jury"}
    log.tell(told("evaluator.appointed", "appoint-late", OFFICE, 170, **data), withdrawn("birch", 171))
    assert decision("heat", 4) in log.state.phases["heat"].decisions
