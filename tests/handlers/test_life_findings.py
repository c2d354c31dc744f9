"""A gate that nobody looked at in time: the phase is held, reopened for findings, and decided."""

from __future__ import annotations

from typing import Any

from events.envelope import Envelope
from events.values import format_instant
from tests.spec import given
from tests.support import small
from tests.support.log import Log
from tests.support.rooted import RootedLog

DAY, OPENS = small.DAY, small.OPENS
UNTIL = OPENS + 30 * DAY


def held() -> RootedLog:
    """Nothing was found on anybody, and the gate takes that for undetermined."""
    document: dict[str, Any] = small.rulebook()
    document["phases"][0]["gates"][0] |= {"without_finding": "undetermined"}
    log = RootedLog()
    log.tell(small.announced(document), *small.beginnings())
    log.progress(OPENS + 1)
    log.tell(*small.submissions())
    log.progress(small.DEADLINES["submissions"] + 1)
    log.tell(*small.scores())
    log.progress(small.DEADLINES["audits"] + 1)
    assert log.state.status("heat") == "held"
    return log


def reopened() -> Envelope:
    data = {"phase": "heat", "until": format_instant(UNTIL), "reason": "office"}
    return small.event("phase.reopened", "again", small.OFFICE, OPENS + 23 * DAY, **data)


def looked_at(team: str, count: str, at_ms: int, **more: str) -> Envelope:
    data = {"phase": "heat", "entrant": team, "gate": "independence", "count": count, "verdict": "met", "evidence": []}
    return small.event("finding.recorded", f"{team}-{count}", "urn:auditor", at_ms, **data, **more)


def test_a_finding_after_the_intake_names_the_reopening_it_is_made_in() -> None:
    def again() -> Log:
        log = held()
        log.tell(reopened())
        return log

    at_ms = OPENS + 24 * DAY
    given(on=again()).when(looked_at("ash", "technical", at_ms)).refused("late")
    given(on=again()).when(looked_at("ash", "technical", at_ms, reopening="again")).accepted()
    given(on=again()).when(looked_at("ash", "technical", at_ms, reopening="never")).pending(on="event")
    given(on=again()).when(looked_at("ash", "technical", OPENS + 22 * DAY, reopening="again")).refused("too-early")
    given(on=again()).when(looked_at("ash", "technical", UNTIL + 1, reopening="again")).pending(on="window")


def test_a_gate_that_nobody_looked_at_is_resolved_in_a_reopening() -> None:
    log = held()
    log.tell(reopened())
    inside = [
        looked_at(team, count, UNTIL, reopening="again")
        for team in ("ash", "birch")
        for count in ("technical", "policy")
    ]
    log.tell(*inside)
    log.progress(UNTIL + 1)
    decision = log.state.phases["heat"].decision
    assert decision is not None
    advanced = [row["entrant"] for row in decision.fact.data["outcomes"] if row["outcome"] == "advanced"]
    assert advanced == ["ash", "birch"]
    report = log.replay()
    assert report.is_identical, report.first_difference
