"""What several rules of judging ask of a phase or a decision that another event names, on the topic of both."""

from __future__ import annotations

from handlers.state import Decision, Fact, PhaseState, State
from handlers.verdicts import Refusal, Verdict, behind, pend


def closed_phase(state: State, fact: Fact) -> PhaseState | Verdict:
    """The phase, once the intake of its present round is closed."""
    phase = state.phases.get(fact.data["phase"])
    if phase is None:
        not_open = Refusal("illegal-transition", f"{fact.data['phase']} is not open")
        return behind(state, fact, "phase", fact.data["phase"]) or not_open
    if phase.closed is None:
        open_still = Refusal("illegal-transition", f"the intake of {phase.rules.id} is not closed")
        return pend(state, (("closed", phase.rules.id),), open_still, phase=phase.rules.id)
    return phase


def decision_of(state: State, fact: Fact) -> tuple[PhaseState, Decision] | Verdict:
    """The decision that an event of its own topic names."""
    decision_id = fact.data["decision"]
    absent = Refusal("unknown-reference", f"there is no decision {decision_id}")
    return behind(state, fact, "phase.decided", decision_id) or state.find_decision(decision_id) or absent
