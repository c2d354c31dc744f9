"""Judging what people decide on the course of a phase: longer deadlines, waivers, ties, reopenings, returns, approvals."""

from __future__ import annotations

from events.names import TYPES
from events.rulebook import Source
from events.values import format_instant, parse_instant
from handlers.decided import closed_phase, decision_of, in_course
from handlers.state import Fact, PhaseState, State
from handlers.verdicts import ACCEPTED, Refusal, Verdict, behind, named_act, pend
from handlers.windows import grace_ms, is_behind_marker


def window_extended(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of a window of an open phase, to a later instant, on record before the old deadline has passed."""
    phase_id, window = fact.data["phase"], fact.data["window"]
    phase = state.phases.get(phase_id)
    if phase is None:
        not_open = Refusal("illegal-transition", f"{phase_id} is not open")
        return behind(state, fact, "phase", phase_id) or not_open
    last_ms = phase.deadlines.get(window)
    if last_ms is None:
        known = ", ".join(sorted(phase.deadlines)) or "none"
        return Refusal("unknown-reference", f"{phase_id} has no window {window!r}; it has: {known}")
    until_ms = parse_instant(fact.data["until"]) + grace_ms(phase.rules)
    if until_ms <= last_ms:
        return Refusal(
            "illegal-transition", f"until is {fact.data['until']}; the window ends {format_instant(last_ms)}"
        )
    if fact.received_ms > last_ms or is_behind_marker(state, phase_id, window, fact):
        return Refusal("late", f"stamped {format_instant(fact.received_ms)}; {window} ended {format_instant(last_ms)}")
    return ACCEPTED


def mark_waived(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of a phase that is open and not final, naming what it has."""
    phase = _not_final(state, fact)
    if not isinstance(phase, PhaseState):
        return phase
    data = fact.data
    entrant, criterion, item = data.get("entrant"), data.get("criterion"), data.get("item")
    if entrant is not None and entrant not in phase.entrants:
        return Refusal("not-eligible", f"{entrant} does not take part in {phase.rules.id}")
    leaves = [leaf for path, leaf in phase.rules.leaves.items() if criterion in (None, path)]
    if not any(item is None or item in leaf.items for leaf in leaves):
        return Refusal("unknown-criterion", f"{phase.rules.id} has no item {item!r} under {criterion!r}")
    return named_act(state, fact) or ACCEPTED


def tie_resolved(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of entrants of the phase, each named once; none that an earlier choice of the round covers, since that one counts."""
    phase = _not_final(state, fact)
    if not isinstance(phase, PhaseState):
        return phase
    order = fact.data["order"]
    absent = sorted(set(order) - set(phase.entrants))
    if absent:
        return Refusal("not-eligible", f"{absent[0]} does not take part in {phase.rules.id}")
    if len(set(order)) != len(order):
        return Refusal("schema-invalid", f"order names somebody twice: {', '.join(order)}")
    began = phase.round.opened.index
    for before in phase.ties:
        if before.index > began and set(order) <= set(before.data["order"]):
            return Refusal("illegal-transition", f"{before.event.id} has put those in an order already")
    return named_act(state, fact) or ACCEPTED


def _not_final(state: State, fact: Fact) -> PhaseState | Verdict:
    """The phase that a decision of the office concerns, which travels on the same topic as its opening and its end."""
    phase_id = fact.data["phase"]
    phase = state.phases.get(phase_id)
    if (waits := in_course(state, fact)) is not None:
        return waits
    if phase is None:
        return Refusal("illegal-transition", f"{phase_id} is not open")
    if phase.status == "final":
        return Refusal("phase-closed", f"{phase_id} is final; a final decision does not change")
    return phase


def phase_reopened(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once the intake is closed, until the decision is final; to an instant not before the end of what counted so far."""
    phase = closed_phase(state, fact)
    if not isinstance(phase, PhaseState):
        return phase
    if phase.status == "final":
        return Refusal("phase-closed", f"{phase.rules.id} is final; a final decision does not change")
    until_ms = parse_instant(fact.data["until"])
    ends = [*phase.deadlines.values(), *(row.until_ms or 0 for row in phase.rounds)]
    if ends and until_ms < max(ends):
        ended = format_instant(max(ends))
        return Refusal("illegal-transition", f"until is {fact.data['until']}; what counted so far ended {ended}")
    return ACCEPTED


def decision_returned(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By a role that is to sign and has not, of a decision that nobody has returned and no other supersedes."""
    found = decision_of(state, fact)
    if not isinstance(found, tuple):
        return found
    phase, decision = found
    role = fact.data["role"]
    if role not in [duty.role for duty in phase.rules.sign_off] or source is None or source.role != role:
        return Refusal("source-not-authorised", f"{fact.event.source} may not return a decision as {role!r}")
    if decision is not phase.decision or decision.finalised is not None or decision.returned is not None:
        return Refusal("illegal-transition", f"{fact.data['decision']} is final, returned, or superseded")
    if role in decision.signatures:
        return Refusal("illegal-transition", f"{role} signed already (entry {decision.signatures[role].index})")
    return ACCEPTED


def act_approved(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By the role that the rules name for such an act, and by another source than the act's own."""
    act_id, role = fact.data["act"], fact.data["role"]
    found = state.acts.get(act_id)
    if found is None:
        unknown = Refusal("unknown-reference", f"there is no act {act_id} that could be approved")
        return pend(state, (("event", act_id),), unknown, phase=None)
    phase_id, act = found
    kind = TYPES[act.event.type].short
    wanted = {str(name): who for name, who in state.phases[phase_id].rules.approvals.items()}.get(kind)
    if wanted is None:
        return Refusal("illegal-transition", f"{phase_id} asks nobody to approve {kind}")
    if role != wanted or source is None or source.role != role:
        return Refusal("source-not-authorised", f"{kind} is approved by {wanted}; {fact.event.source} says {role}")
    if fact.event.source == act.event.source:
        return Refusal("self-approval", f"{act_id} is an act of {act.event.source} itself")
    return ACCEPTED
