"""Between a decision and its finality: signatures, returns, objections, and what makes a phase be computed anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from events.values import parse_duration
from handlers.course import advanced
from handlers.reasons import Unresolved
from handlers.state import Decision, Fact, Objection, PhaseState, State
from handlers.windows import is_complete, is_in_time, is_signed, markers, objections_deadline, objections_window

OFFICE = "programme office"
"""Who owes what only the office can do."""


@dataclass(frozen=True, slots=True)
class Reopening:
    """Why the pipeline computes a phase anew, from which events, and up to when what is done again counts."""

    reason: str
    causes: tuple[str, ...]
    until_ms: int


def is_heard(state: State, phase: PhaseState, decision: Decision) -> bool:
    """Nothing more can come against the decision: it is signed, and the time for objections is complete."""
    if not is_signed(phase, decision):
        return False
    return phase.rules.objections is None or is_complete(state, phase.rules.id, objections_window(decision))


def heard(state: State, phase: PhaseState, decision: Decision) -> list[Objection]:
    """The objections to a decision whose time is complete, by id."""
    window = objections_window(decision)
    if phase.rules.objections is None or not is_complete(state, phase.rules.id, window):
        return []
    in_time = (row for row in decision.objections.values() if is_in_time(state, phase.rules.id, window, row.fact))
    return sorted(in_time, key=lambda row: row.fact.event.id)


def owed_after_decision(state: State, phase: PhaseState) -> Iterator[Unresolved]:
    """What the decision of the present round waits for, beside signatures and time."""
    decision = phase.decision
    if decision is None or decision.finalised is not None:
        return
    if decision.returned is not None:
        said = decision.returned
        yield Unresolved("decision-returned", OFFICE, f"returned by {said.data['role']} ({said.event.id})")
        return
    rules = phase.rules.objections
    for objection in heard(state, phase, decision):
        if objection.outcome is None:
            who = (rules.heard_by if rules is not None else None) or OFFICE
            yield Unresolved("objection-outstanding", who, objection.fact.event.id)


def hold_since_ms(state: State, phase: PhaseState) -> int:
    """The latest receipt among what a hold after the decision rests on."""
    decision = phase.decision
    assert decision is not None  # The caller looked.
    facts: list[Fact] = [decision.fact, *decision.signatures.values()]
    facts += [decision.returned] if decision.returned is not None else []
    facts += markers(state, phase.rules.id, objections_window(decision)).values()
    facts += [row.ruling for row in heard(state, phase, decision) if row.ruling is not None]
    return max(fact.received_ms for fact in facts)


def reopening(state: State, phase: PhaseState) -> Reopening | None:
    """Why the decision of the present round cannot become final although nothing is owed any more."""
    decision = phase.decision
    if decision is None or decision.finalised is not None or decision.returned is not None:
        return None
    if not is_heard(state, phase, decision):
        return None
    objections = heard(state, phase, decision)
    if any(row.outcome is None for row in objections):
        return None
    last_ms = objections_deadline(phase, decision)
    upheld = [row.ruling for row in objections if row.outcome == "upheld" and row.ruling is not None]
    if upheld and last_ms is not None and phase.rules.objections is not None:
        # Before the end of the time for objections nothing is reopened, so nothing could be done again.
        start_ms = max([last_ms, *(fact.received_ms for fact in upheld)])
        until_ms = start_ms + parse_duration(phase.rules.objections.remedy)
        causes = tuple(sorted(fact.event.id for fact in upheld))
        return Reopening("objection-upheld", causes, _not_before(phase, until_ms))
    gone = _gone(state, phase, decision)
    if not gone or last_ms is None:
        return None
    return Reopening("withdrawal", tuple(sorted(fact.event.id for fact in gone)), _not_before(phase, last_ms))


def _not_before(phase: PhaseState, until_ms: int) -> int:
    """A later round never ends before an earlier one: what counted goes on counting."""
    ends = [*phase.deadlines.values(), *(row.until_ms for row in phase.rounds if row.until_ms is not None)]
    return max([until_ms, *ends])


def _gone(state: State, phase: PhaseState, decision: Decision) -> list[Fact]:
    """The withdrawals, in time for objections, of entrants that the decision lets advance."""
    if phase.rules.objections is None:
        return []
    window, kept = objections_window(decision), advanced(phase)
    return [
        fact
        for entrant, fact in state.withdrawn.items()
        if entrant in kept and is_in_time(state, phase.rules.id, window, fact)
    ]


def objection_outcomes(state: State, phase: PhaseState) -> list[dict[str, str]]:
    """How every objection to a decision of the phase ended, by id. One to a decision that another superseded before it
    was ruled on ends so; whether it was is settled by the time for objections to the last decision.
    """
    present = phase.decision
    assert present is not None  # The caller finalises it.
    ended = {row.fact.event.id: row.outcome or "superseded" for row in heard(state, phase, present)}
    window = objections_window(present)
    for decision in phase.decisions.values():
        for event_id, row in decision.objections.items() if decision is not present else ():
            is_settled = row.ruling is None or is_in_time(state, phase.rules.id, window, row.ruling)
            ended[event_id] = (row.outcome if is_settled or row.withdrawn else None) or "superseded"
    return [{"objection": event_id, "outcome": outcome} for event_id, outcome in sorted(ended.items())]
