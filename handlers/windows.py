"""Windows and their markers: what came in time, and when nothing more can come.

In time means stamped at or before the deadline, and before the marker in its partition. A window is complete when each
of the four topics has a marker of it that was stamped after the deadline (ARCHITECTURE, "A cut is complete").
"""

from __future__ import annotations

from events.record import TOPICS
from events.rulebook import Phase
from events.values import parse_duration, parse_instant
from handlers.state import WINDOWS, Decision, Fact, Finding, PhaseState, Round, State

REGISTRATION = "registration"
CALL = "call"
OBJECTIONS = "objections"
REBUTTAL = "rebuttal:"
REOPENED = "reopened:"


def grace_ms(rules: Phase) -> int:
    """How long after a deadline a record still counts, in milliseconds: `late: {grace: P1D}`; 0 for `late: refuse`."""
    return 0 if rules.late == "refuse" else parse_duration(rules.late.grace)


def deadline(state: State, phase_id: str, window: str) -> int | None:
    """The last millisecond that is in time for a window; None while that is not known, or where there is no such window."""
    if window in (REGISTRATION, CALL):
        return _planned_deadline(state, phase_id, window)
    phase = state.phases.get(phase_id)
    if phase is None:
        return None
    kind, _, subject = window.partition(":")
    if kind == OBJECTIONS:
        return objections_deadline(phase, _decision_of(phase, subject))
    if window.startswith(REBUTTAL):
        finding = phase.findings.get(subject)
        return None if finding is None else rebuttal_deadline(phase, finding)
    if window.startswith(REOPENED):
        return next((row.until_ms for row in phase.rounds[1:] if row.opened.event.id == subject), None)
    return phase.deadlines.get(window)


def earlier_deadlines(state: State, phase_id: str, window: str) -> set[int]:
    """The deadlines that a window had before it was extended, in milliseconds, and the present one."""
    phase = state.phases.get(phase_id)
    if phase is None:
        return set()
    rows = [phase.opened.data["windows"].get(window)]
    rows += [fact.data["until"] for fact in phase.extended if fact.data["window"] == window]
    return {parse_instant(row) + grace_ms(phase.rules) for row in rows if row is not None}


def _planned_deadline(state: State, phase_id: str, window: str) -> int | None:
    """Deadlines that the rulebook sets before a phase is open: of registering or applying, and of a call's vacancies."""
    rules = state.rulebook.find_phase(phase_id) if state.rulebook else None
    if rules is None:
        return None
    if window == CALL:
        return None if rules.call is None else parse_instant(rules.call.opens)
    return None if rules.opens is None else parse_instant(rules.opens)


def objections_window(decision: Decision) -> str:
    """The window of objections to a decision: `objections`, of later rounds `objections:2` and so on."""
    return OBJECTIONS if decision.number == 1 else f"{OBJECTIONS}:{decision.number}"


def _decision_of(phase: PhaseState, number: str) -> Decision | None:
    found = (d for d in phase.decisions.values() if number in (str(d.number), "") and (number or d.number == 1))
    return next(found, None)


def objections_deadline(phase: PhaseState, decision: Decision | None) -> int | None:
    """The end of the time for objections: it runs from the last signature that the rules ask for."""
    if phase.rules.objections is None or decision is None or not is_signed(phase, decision):
        return None
    start = max([decision.fact.received_ms, *(s.received_ms for s in decision.signatures.values())])
    return start + parse_duration(phase.rules.objections.window)


def is_signed(phase: PhaseState, decision: Decision) -> bool:
    """Every role that must sign has signed."""
    return all(duty.role in decision.signatures for duty in phase.rules.sign_off)


def rebuttal_deadline(phase: PhaseState, finding: Finding) -> int | None:
    """The end of the entrant's time to answer; None where the gate gives none."""
    gate = phase.rules.gate(finding.fact.data["gate"])
    return None if gate.rebuttal is None else finding.fact.received_ms + parse_duration(gate.rebuttal)


def markers(state: State, phase_id: str, window: str) -> dict[str, Fact]:
    """The valid markers of a window so far, by topic."""
    return state.markers.get((phase_id, window), {})


def is_complete(state: State, phase_id: str, window: str) -> bool:
    """All four topics are marked: nothing that came in time can still arrive."""
    return len(markers(state, phase_id, window)) == len(TOPICS)


def is_behind_marker(state: State, phase_id: str, window: str, fact: Fact) -> bool:
    """The fact stands behind the window's marker in its own partition."""
    marker = markers(state, phase_id, window).get(fact.topic)
    return marker is not None and marker.offset < fact.offset


def is_in_time(state: State, phase_id: str, window: str, fact: Fact) -> bool:
    """The fact counts for a window. A window that the phase does not have excludes nothing."""
    last_ms = deadline(state, phase_id, window)
    if last_ms is None:
        return True
    return fact.received_ms <= last_ms and not is_behind_marker(state, phase_id, window, fact)


def intake_windows(phase: PhaseState) -> list[str]:
    """The windows that the first intake of a phase waits for."""
    return sorted(phase.deadlines, key=lambda window: (WINDOWS.index(window.partition(":")[0]), window))


def last_window(phase: PhaseState) -> str | None:
    """The window of the first intake that ends last: what is in time for it is in the first cut."""
    return max(intake_windows(phase), key=lambda window: phase.deadlines[window], default=None)


def round_windows(phase: PhaseState) -> list[str]:
    """The windows that the intake of the present round waits for."""
    present = phase.round
    return intake_windows(phase) if present.until_ms is None else [reopened_window(present)]


def reopened_window(reopened: Round) -> str:
    """The window of a round that a reopening began."""
    return REOPENED + reopened.opened.event.id


def counts(state: State, phase: PhaseState, fact: Fact) -> bool:
    """The fact is in time for the intake of the present round: what recuses, annuls, rules or approves later than that is
    on record, and counts for a round that a reopening begins.
    """
    window = last_window(phase) if phase.round.until_ms is None else reopened_window(phase.round)
    return window is None or is_in_time(state, phase.rules.id, window, fact)


def submissions_window(phase: PhaseState, entrant: str) -> str:
    """The window for the submissions of an entrant: its own where the rules give it one for parity."""
    own = f"submissions:{entrant}"
    return own if own in phase.deadlines else "submissions"
