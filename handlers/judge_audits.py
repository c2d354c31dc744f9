"""Judging what auditors, panels and the pipeline's screens say."""

from __future__ import annotations

from events.derived import pipeline_source
from events.rulebook import Phase, Source
from events.values import format_instant
from handlers.state import Fact, Finding, PhaseState, State
from handlers.verdicts import ACCEPTED, Pending, Refusal, Verdict, outside_phase, outside_window, pend
from handlers.windows import REBUTTAL, rebuttal_deadline


def finding_recorded(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By whom the gate names, within the audits window. The pipeline's own screen is a function of the submissions and
    has no deadline: the intake is not closed before it is recorded.
    """
    data = fact.data
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    rules = state.rulebook.find_phase(data["phase"])
    if rules is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {data['phase']!r}")
    unknown = _unknown_count(rules, data["gate"], data["count"])
    if unknown is not None:
        return unknown
    is_screen = fact.event.source == pipeline_source(state.programme)
    finders = rules.gate(data["gate"]).findings_by
    if not is_screen and (source is None or source.role not in finders):
        return Refusal("source-not-authorised", f"{fact.event.source}: findings are made by {', '.join(finders)}")
    phase = state.phases.get(rules.id)
    if phase is None:
        not_open = Refusal("unknown-phase", f"{rules.id} was never opened")
        return pend(state, (("phase", rules.id),), not_open, phase=rules.id)
    outside = outside_phase(state, phase, data["entrant"])
    return outside or (None if is_screen else outside_window(state, phase, "audits", fact)) or ACCEPTED


def _unknown_count(rules: Phase, gate_id: str, count: str) -> Refusal | None:
    gate = next((gate for gate in rules.gates if gate.id == gate_id), None)
    if gate is None or count not in gate.counts:
        return Refusal("unknown-criterion", f"{rules.id} has no gate {gate_id!r} with a count {count!r}")
    return None


def ruling_issued(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By whom the gate names, on a finding that needs one, after the entrant answered or its time to answer ran out."""
    finding_id = fact.data["finding"]
    if ("audits", finding_id) in state.pending_ids:
        return Pending((("event", finding_id),))
    found = state.find_finding(finding_id)
    if found is None:
        return Refusal("unknown-reference", f"there is no finding {finding_id}")
    phase, finding = found
    judges = phase.rules.gate(finding.fact.data["gate"]).ruling_by
    if source is None or source.role not in judges:
        return Refusal("source-not-authorised", f"{fact.event.source}: rulings are issued by {', '.join(judges)}")
    if not finding.needs_ruling:
        return Refusal("illegal-transition", f"{finding_id} says met: there is nothing to rule on")
    if phase.status == "final":
        return Refusal("phase-closed", f"{phase.rules.id} is final")
    return _before_answer(state, phase, finding, fact) or ACCEPTED


def _before_answer(state: State, phase: PhaseState, finding: Finding, fact: Fact) -> Verdict | None:
    last_ms = rebuttal_deadline(phase, finding)
    answered = finding.rebuttal is not None and finding.rebuttal.received_ms <= fact.received_ms
    if last_ms is None or answered or fact.received_ms > last_ms:
        return None
    finding_id = finding.fact.event.id
    early = Refusal(
        "too-early",
        f"stamped {format_instant(fact.received_ms)}; the entrant may answer until {format_instant(last_ms)} and has not",
    )
    return pend(state, (("rebuttal", finding_id),), early, phase=phase.rules.id, window=REBUTTAL + finding_id)
