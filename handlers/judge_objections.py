"""Judging objections: filed in time by an entrant, taken back in time, and ruled on by people who did not score."""

from __future__ import annotations

from events.rulebook import Source
from events.values import format_instant
from handlers.state import Decision, Fact, Objection, PhaseState, State
from handlers.verdicts import (
    ACCEPTED,
    Refusal,
    Verdict,
    behind,
    behind_deadline,
    named_already,
    outside_phase,
    pend,
)
from handlers.windows import objections_deadline, objections_window


def objection_filed(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By an entrant of the phase, on grounds that the rules allow, while objections to that decision may come."""
    decision_id = fact.data["decision"]
    found = state.find_decision(decision_id)
    if found is None:
        unknown = Refusal("unknown-reference", f"there is no decision {decision_id}")
        return pend(state, (("event", decision_id),), unknown, phase=None)
    phase, decision = found
    rules = phase.rules.objections
    if rules is None:
        return Refusal("illegal-transition", f"the rules of {phase.rules.id} give no time for objections")
    if rules.grounds and fact.data["grounds"] not in rules.grounds:
        return Refusal("out-of-range", f"grounds {fact.data['grounds']!r}; the rules allow {', '.join(rules.grounds)}")
    is_taken = state.find_objection(fact.event.id) is not None
    return (
        named_already(state, fact, "objection.filed", is_taken)
        or outside_phase(state, phase, fact)
        or _outside_time(state, phase, decision, fact)
        or ACCEPTED
    )


def _outside_time(state: State, phase: PhaseState, decision: Decision, fact: Fact) -> Verdict | None:
    """Not in the time for objections to this decision. That time is known once everybody has signed."""
    phase_id, decision_id = phase.rules.id, decision.fact.event.id
    if fact.received_ms < decision.fact.received_ms:
        return Refusal("too-early", f"stamped {format_instant(fact.received_ms)}, before the decision {decision_id}")
    last_ms = objections_deadline(phase, decision)
    if last_ms is not None:
        return behind_deadline(state, phase_id, objections_window(decision), fact, last_ms)
    never = Refusal("illegal-transition", f"{decision_id} was superseded before it was signed")
    return pend(state, (("signed", phase_id),), never, phase=phase_id)


def objection_withdrawn(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By whoever filed it, once, while objections may come: later it is for the panel."""
    objection_id = fact.data["objection"]
    if (waits := behind(state, fact, "objection.filed", objection_id)) is not None:
        return waits
    found = state.find_objection(objection_id)
    if found is None:
        return Refusal("unknown-reference", f"there is no objection {objection_id}")
    phase, decision, objection = found
    if source is not None and source.entrant not in (None, objection.fact.data["entrant"]):
        return Refusal("source-not-authorised", f"{objection_id} is not an objection of {source.entrant}")
    if objection.withdrawn is not None:
        return Refusal("illegal-transition", f"withdrawn already (entry {objection.withdrawn.index})")
    last_ms = objections_deadline(phase, decision)
    assert last_ms is not None  # The objection was accepted in that time.
    return behind_deadline(state, phase.rules.id, objections_window(decision), fact, last_ms) or ACCEPTED


def objection_ruled(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once, by the role that hears objections, and by nobody who scored in the phase or objected."""
    objection_id = fact.data["objection"]
    if (waits := behind(state, fact, "objection.ruled", objection_id)) is not None:
        return waits
    found = state.find_objection(objection_id)
    if found is None:
        unknown = Refusal("unknown-reference", f"there is no objection {objection_id}")
        return pend(state, (("event", objection_id),), unknown, phase=None)
    phase, _, objection = found
    rules = phase.rules.objections
    heard_by = rules.heard_by if rules is not None else None
    if source is None or (heard_by is not None and source.role != heard_by):
        return Refusal("source-not-authorised", f"{fact.event.source}: objections are heard by {heard_by}")
    if (own := _own_cause(phase, objection, source)) is not None:
        return own
    if objection.ruling is not None:
        return Refusal("illegal-transition", f"ruled on already (entry {objection.ruling.index})")
    if not fact.data["admissible"] and fact.data["outcome"] == "upheld":
        return Refusal("schema-invalid", "outcome is upheld, but the objection is not admissible")
    return ACCEPTED


def _own_cause(phase: PhaseState, objection: Objection, source: Source) -> Refusal | None:
    if source.source in phase.marked_by or any(source.evaluator in who for who in phase.marked_by.values()):
        return Refusal("self-approval", f"{source.source} gave marks in {phase.rules.id}")
    if source.entrant is not None and source.entrant == objection.fact.data["entrant"]:
        return Refusal("self-approval", f"{source.source} speaks for {source.entrant}, who objects")
    return None
