"""What several rules of judging ask of a phase or a decision that another event names, on the topic of both."""

from __future__ import annotations

from handlers.state import Decision, Fact, PhaseState, State
from handlers.verdicts import Pending, Refusal, Verdict, behind
from handlers.windows import REBUTTAL, deadline, is_complete, rebuttal_deadline, round_windows


def in_course(state: State, fact: Fact) -> Pending | None:
    """Pending behind what was said earlier of the course of the phase and is not settled: its opening, the closing of an
    intake, a reopening, a decision, its finality. All of it is of one topic, so that its order is certain.
    """
    phase_id = fact.data["phase"]
    phase = state.phases.get(phase_id)
    decision = None if phase is None else phase.decision
    waits = behind(state, fact, "phase", phase_id)
    if waits is not None or decision is None:
        return waits
    return behind(state, fact, "finality", decision.fact.event.id)


def closed_phase(state: State, fact: Fact) -> PhaseState | Verdict:
    """The phase, once the intake of its present round is closed."""
    phase = state.phases.get(fact.data["phase"])
    if (waits := in_course(state, fact)) is not None:
        return waits
    if phase is None:
        return Refusal("illegal-transition", f"{fact.data['phase']} is not open")
    if phase.closed is None:
        return Refusal("illegal-transition", f"the intake of {phase.rules.id} is not closed")
    return phase


def decision_of(state: State, fact: Fact) -> tuple[PhaseState, Decision] | Verdict:
    """The decision that an event of its own topic names."""
    decision_id = fact.data["decision"]
    absent = Refusal("unknown-reference", f"there is no decision {decision_id}")
    return behind(state, fact, "phase.decided", decision_id) or state.find_decision(decision_id) or absent


def before_answers(state: State, phase: PhaseState) -> Pending | None:
    """Pending while a time to answer that ended within the round may still be open in a topic that is read late: rulings
    wait for it, and those in time are settled before the cut.
    """
    end_ms = max((deadline(state, phase.rules.id, window) or 0 for window in round_windows(phase)), default=0)
    for finding_id, finding in phase.findings.items():
        last_ms, window = rebuttal_deadline(phase, finding), REBUTTAL + finding_id
        is_open = finding.needs_ruling and finding.rebuttal is None and not finding.rulings
        if is_open and last_ms is not None and last_ms <= end_ms and not is_complete(state, phase.rules.id, window):
            return Pending((("window", phase.rules.id, window), ("rebuttal", finding_id), ("ruling", finding_id)))
    return None
