"""Judging what is said of evaluators and by panels: conflicts, recusals, ticks at a gate, votes, random re-runs."""

from __future__ import annotations

from events.rulebook import Phase, Source
from events.values import parse_number
from handlers.judge_scores import not_appointed
from handlers.seats import is_evaluator
from handlers.state import Fact, PhaseState, State
from handlers.verdicts import ACCEPTED, Refusal, Verdict, outside_phase, outside_window, pend


def of_evaluator(state: State, fact: Fact, source: Source | None) -> Verdict:
    """conflict.declared and evaluator.recused: of somebody who is, or will be, appointed; whenever it is said."""
    evaluator = fact.data["evaluator"]
    if is_evaluator(state, evaluator):
        return ACCEPTED
    unknown = Refusal("unknown-evaluator", f"{evaluator} was appointed to no panel")
    return pend(state, (("evaluator", evaluator),), unknown, phase=None)


def count_ticked(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By a member of the panel that ticks at the gate, within the audits window."""
    data = fact.data
    found = _open_phase(state, data["phase"])
    if not isinstance(found, tuple):
        return found
    rules, phase = found
    gate = next((gate for gate in rules.gates if gate.id == data["gate"] and data["count"] in gate.counts), None)
    if gate is None or gate.tick is None:
        return Refusal("unknown-criterion", f"{rules.id} has no tick at {data['gate']!r} for {data['count']!r}")
    return _by_member(state, fact, source, phase, gate.tick.by)


def recognition_voted(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By a member of the panel that recognises applicants, within the call's last window."""
    found = _open_phase(state, fact.data["call"])
    if not isinstance(found, tuple):
        return found
    rules, phase = found
    if rules.call is None or rules.call.recognition is None:
        return Refusal("illegal-transition", f"{rules.id} is no call that asks for recognition")
    return _by_member(state, fact, source, phase, rules.call.recognition.by)


def _open_phase(state: State, phase_id: str) -> tuple[Phase, PhaseState | None] | Refusal:
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    rules = state.rulebook.find_phase(phase_id)
    if rules is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {phase_id!r}")
    return rules, state.phases.get(phase_id)


def _by_member(state: State, fact: Fact, source: Source | None, phase: PhaseState | None, panel: str) -> Verdict:
    if source is not None and source.panel not in (None, panel):
        return Refusal("source-not-authorised", f"{source.source} speaks for {source.panel}, not for {panel}")
    if phase is None:
        phase_id = fact.data.get("phase") or fact.data["call"]
        not_open = Refusal("unknown-phase", f"{phase_id} was never opened")
        return pend(state, (("phase", phase_id),), not_open, phase=phase_id)
    return (
        outside_phase(state, phase, fact)
        or outside_window(state, phase, "audits", fact)
        or not_appointed(state, phase, panel, fact.data["evaluator"])
        or ACCEPTED
    )


def reproduction_reported(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of an item that the phase has, for one of its entrants, within its range; whenever it is said."""
    data = fact.data
    found = _open_phase(state, data["phase"])
    if not isinstance(found, tuple):
        return found
    rules, phase = found
    leaf = rules.leaves.get(data["criterion"])
    if leaf is None or data["item"] not in leaf.items:
        return Refusal("unknown-criterion", f"{rules.id} has no item {data['item']!r} under {data['criterion']!r}")
    low, high = leaf.items[data["item"]]
    if not low <= parse_number(data["value"]) <= high:
        return Refusal("out-of-range", f"value {data['value']}; the rulebook allows {low} to {high}")
    if phase is None:
        not_open = Refusal("unknown-phase", f"{rules.id} was never opened")
        return pend(state, (("phase", rules.id),), not_open, phase=rules.id)
    return outside_phase(state, phase, fact) or ACCEPTED
