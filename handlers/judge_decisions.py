"""Judging what the programme office and the pipeline say. A basis is never judged here: replay and verify check it."""

from __future__ import annotations

from events.derived import derived_id, pipeline_source
from events.rulebook import Source, digest
from events.values import format_instant, parse_instant
from handlers.check import faults
from handlers.course import is_done, over_keys
from handlers.decided import before_answers, closed_phase, decision_of
from handlers.hearings import heard, reopening
from handlers.state import WINDOWS, Fact, PhaseState, State
from handlers.verdicts import ACCEPTED, Pending, Refusal, Verdict, behind, pend
from handlers.windows import (
    CALL,
    OBJECTIONS,
    REBUTTAL,
    REGISTRATION,
    REOPENED,
    deadline,
    earlier_deadlines,
    is_complete,
    is_in_time,
    is_signed,
    objections_window,
    round_windows,
)


def programme_announced(state: State, fact: Fact, source: Source | None = None) -> Verdict:
    """Once, with a rulebook that has no fault, under its own digest."""
    if state.announced is not None:
        return Refusal("illegal-transition", f"the programme was announced already, at entry {state.announced.index}")
    document = fact.data["rulebook"]
    if found := faults(document):
        return Refusal(
            "schema-invalid", f"the rulebook has {len(found)} faults, first {found[0].path}: {found[0].message}"
        )
    if (computed := digest(document)) != fact.data["digest"]:
        return Refusal("schema-invalid", f"digest is {fact.data['digest']}, but the rulebook's is {computed}")
    if (named := document.get("programme")) != state.programme:
        return Refusal("schema-invalid", f"the rulebook is of {named!r}, not of {state.programme!r}")
    return ACCEPTED


def evaluator_appointed(state: State, fact: Fact, source: Source | None) -> Verdict:
    """To a panel that the rulebook has."""
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    if fact.data["panel"] not in state.rulebook.panels:
        return Refusal("unknown-reference", f"the rulebook has no panel {fact.data['panel']!r}")
    return ACCEPTED


def phase_opened(state: State, fact: Fact, source: Source | None) -> Verdict:
    """The next phase of the rulebook, once the one before is final, with registered entrants."""
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    phase_id = fact.data["phase"]
    if state.rulebook.find_phase(phase_id) is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {phase_id!r}")
    if (waits := behind(state, fact, "phase", phase_id)) is not None:
        return waits
    if phase_id in state.phases:
        return Refusal(
            "illegal-transition", f"{phase_id} is open already (entry {state.phases[phase_id].opened.index})"
        )
    if state.rulebook.phase(phase_id).call is not None and phase_id not in state.calls:  # Which says for how many.
        return behind(state, fact, "call", phase_id) or Refusal(
            "illegal-transition", f"nobody was called to {phase_id}"
        )
    for rules in state.rulebook.phases:
        if rules.id == phase_id:
            break
        if not is_done(state, rules):
            return Pending(over_keys(rules))
    for entrant in fact.data["entrants"]:
        if (unfit := _not_registered(state, phase_id, entrant)) is not None:
            return unfit
    return ACCEPTED


def _not_registered(state: State, phase_id: str, entrant: str) -> Verdict | None:
    registered = state.entrants.get(entrant)
    if registered is None:
        unknown = Refusal("unknown-entrant", f"no entrant {entrant!r} is registered")
        return pend(state, (("entrant", entrant),), unknown, phase=phase_id, window=REGISTRATION)
    if is_in_time(state, phase_id, REGISTRATION, registered):
        return None
    return Refusal("not-eligible", f"{entrant} registered after {phase_id} opened (entry {registered.index})")


def intake_marked(state: State, fact: Fact, source: Source | None) -> Verdict:
    """For a window that exists, naming its deadline. One stamped too soon is accepted and counts for nothing."""
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    phase_id, window = fact.data["phase"], fact.data["window"]
    if state.rulebook.find_phase(phase_id) is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {phase_id!r}")
    last_ms = deadline(state, phase_id, window)
    if last_ms is None:
        absent = Refusal("illegal-transition", f"{phase_id} has no window {window!r}")
        return absent if window in (REGISTRATION, CALL) else _until_window(state, phase_id, window, absent)
    said_ms = parse_instant(fact.data["deadline"])
    if said_ms == last_ms or said_ms in earlier_deadlines(state, phase_id, window):
        return ACCEPTED
    other = Refusal(
        "illegal-transition", f"deadline is {fact.data['deadline']}, the window's {format_instant(last_ms)}"
    )
    if window in WINDOWS or ":" in window:  # The deadline may have been moved by what has not arrived yet.
        return pend(state, (), other, phase=phase_id, window=window)
    return other


def _until_window(state: State, phase_id: str, window: str, absent: Refusal) -> Verdict:
    """What a marker waits for when its window's deadline is not known yet."""
    if phase_id not in state.phases:
        return pend(state, (("phase", phase_id),), absent, phase=phase_id)
    if window.partition(":")[0] == OBJECTIONS and state.phases[phase_id].rules.objections is not None:
        return pend(state, (("signed", phase_id),), absent, phase=phase_id)
    if window.startswith((REBUTTAL, REOPENED)):
        return pend(state, (("event", window.partition(":")[2]),), absent, phase=phase_id)
    return absent


def intake_closed(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once, when every window is complete."""
    if (waits := behind(state, fact, "phase", fact.data["phase"])) is not None:
        return waits
    phase = state.phases.get(fact.data["phase"])
    if phase is None or phase.closed is not None:
        return Refusal("illegal-transition", f"{fact.data['phase']} is not open")
    for window in round_windows(phase):
        if not is_complete(state, phase.rules.id, window):
            return Pending((("window", phase.rules.id, window),))
    return before_answers(state, phase) or ACCEPTED


def phase_held(state: State, fact: Fact, source: Source | None) -> Verdict:
    """After the intake is closed and before the decision is final."""
    phase = closed_phase(state, fact)
    if not isinstance(phase, PhaseState):
        return phase
    if phase.decision is not None and phase.decision.finalised is not None:
        return Refusal("illegal-transition", f"{phase.rules.id} is final ({phase.decision.fact.event.id})")
    return ACCEPTED


def entrant_assessed(state: State, fact: Fact, source: Source | None) -> Verdict:
    """After the intake is closed; it has effect only when a decision lists it."""
    phase = closed_phase(state, fact)
    if not isinstance(phase, PhaseState):
        return phase
    if fact.data["entrant"] not in phase.entrants:
        return Refusal("unknown-entrant", f"{fact.data['entrant']} is not an entrant of {phase.rules.id}")
    if (stale := _of_another_round(state, phase, fact, fact.data["entrant"])) is not None:
        return stale
    return _before_cut(state, phase) if phase.cut is None else ACCEPTED


def _before_cut(state: State, phase: PhaseState) -> Verdict:
    """What is computed from the cut stands behind it, also where the topic that completes it is read late."""
    phase_id = phase.rules.id
    owed = Refusal("illegal-transition", f"{phase_id} still waited for something when it became final")
    return pend(state, (("cut", phase_id),), owed, phase=phase_id)


def phase_decided(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once in a round, after its intake is closed, for exactly the phase's entrants, listing recorded assessments and
    naming the decision that it supersedes.
    """
    phase = closed_phase(state, fact)
    if not isinstance(phase, PhaseState):
        return phase
    if (stale := _of_another_round(state, phase, fact, phase.rules.id)) is not None:
        return stale
    if phase.decision is not None:
        return Refusal("illegal-transition", f"{phase.rules.id} is decided ({phase.decision.fact.event.id})")
    if phase.cut is None:
        return _before_cut(state, phase)
    absent = [event_id for event_id in fact.data["assessments"] if event_id not in phase.assessed]
    if absent:
        return Refusal("unknown-reference", f"there is no assessment {absent[0]}")
    named = [outcome["entrant"] for outcome in fact.data["outcomes"]]
    if sorted(named) != sorted(phase.entrants):
        return Refusal("unknown-entrant", f"outcomes are of {sorted(named)}, the entrants are {sorted(phase.entrants)}")
    before = None if phase.superseded is None else phase.superseded.fact.event.id
    if fact.data.get("supersedes") != before:
        return Refusal("illegal-transition", f"supersedes is {fact.data.get('supersedes')}; in force is {before}")
    return ACCEPTED


def _of_another_round(state: State, phase: PhaseState, fact: Fact, subject: str) -> Refusal | None:
    """The pipeline computed an earlier round, and the phase was reopened meanwhile."""
    if fact.event.source != pipeline_source(state.programme):
        return None
    number = phase.round.number
    expected = derived_id(state.programme, fact.event.type, phase.rules.id, subject, number)
    if fact.event.id == expected:
        return None
    return Refusal("illegal-transition", f"{phase.rules.id} is in round {number}, where this would be {expected}")


def decision_signed(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By a role that the rules ask to sign, once each, and each by somebody else."""
    found = decision_of(state, fact)
    if not isinstance(found, tuple):
        return found
    phase, decision = found
    role = fact.data["role"]
    if role not in [duty.role for duty in phase.rules.sign_off]:
        return Refusal("source-not-authorised", f"{phase.rules.id} does not ask for a signature of {role!r}")
    if source is None or source.role != role:
        return Refusal("source-not-authorised", f"{fact.event.source} does not have the role {role!r}")
    if decision is not phase.decision or decision.returned is not None:
        return Refusal("illegal-transition", f"{fact.data['decision']} was returned, or is superseded")
    if role in decision.signatures:
        return Refusal("illegal-transition", f"{role} signed already (entry {decision.signatures[role].index})")
    return ACCEPTED


def decision_finalised(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once, when everybody has signed, the time for objections is complete, and every objection has ended without another
    decision being due.
    """
    found = decision_of(state, fact)
    if not isinstance(found, tuple):
        return found
    phase, decision = found
    phase_id = phase.rules.id
    if decision.finalised is not None:
        return Refusal("illegal-transition", f"final already (entry {decision.finalised.index})")
    if decision is not phase.decision or decision.returned is not None:
        return Refusal("illegal-transition", f"{fact.data['decision']} was returned, or is superseded")
    if not is_signed(phase, decision):
        return Pending((("signed", phase_id),))
    if phase.rules.objections is not None and not is_complete(state, phase_id, objections_window(decision)):
        return Pending((("window", phase_id, objections_window(decision)),))
    waiting = [row.fact.event.id for row in heard(state, phase, decision) if row.outcome is None]
    if waiting:
        return Pending(tuple(("ruled", objection) for objection in waiting))
    if (again := reopening(state, phase)) is not None:
        return Refusal("illegal-transition", f"{phase_id} has to be computed anew: {again.reason}")
    return ACCEPTED
