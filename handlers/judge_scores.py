"""Judging what evaluators and benchmark runners say."""

from __future__ import annotations

from events.rulebook import Leaf, Phase, Source
from events.values import is_between, parse_number
from handlers.state import Fact, PhaseState, State
from handlers.verdicts import (
    ACCEPTED,
    Refusal,
    Verdict,
    behind,
    named_already,
    outside_phase,
    outside_window,
    pend,
    slot_claim,
)
from handlers.windows import is_in_time


def score_recorded(state: State, fact: Fact, source: Source | None) -> Verdict:
    """A first mark for its slot, in range, in time, by somebody appointed in time."""
    data = fact.event.data
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    rules = state.rulebook.find_phase(data["phase"])
    if rules is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {data['phase']!r}")
    leaf = rules.leaves.get(data["criterion"])
    if leaf is None or data["item"] not in leaf.items:
        return Refusal("unknown-criterion", f"{rules.id} has no item {data['item']!r} under {data['criterion']!r}")
    if source is not None and source.panel is not None and source.panel != leaf.panel:
        return Refusal("source-not-authorised", f"{source.source} speaks for {source.panel}, not for {leaf.panel}")
    wrong = _out_of_range(leaf, data["item"], data["value"], data.get("reference"))
    return wrong or _in_slot(state, fact, rules, leaf)


def _in_slot(state: State, fact: Fact, rules: Phase, leaf: Leaf) -> Verdict:
    data = fact.event.data
    slot = (data["entrant"], data["criterion"], data["item"], data["evaluator"])
    if (waits := behind(state, fact, *slot_claim(rules.id, *slot))) is not None:
        return waits
    phase = state.phases.get(rules.id)
    if phase is None:
        not_open = Refusal("unknown-phase", f"{rules.id} was never opened")
        return pend(state, (("phase", rules.id),), not_open, phase=rules.id)
    if slot in phase.marks:
        first = phase.marks[slot].ids[0]
        return Refusal("already-scored", f"the mark {'/'.join(slot)} stands already ({first}); send score.corrected")
    return (
        named_already(state, fact, "score.recorded", _is_marked(state, fact.event.id))
        or outside_phase(state, phase, fact)
        or outside_window(state, phase, "scores", fact)
        or _not_appointed(state, phase, leaf.panel, data["evaluator"])
        or ACCEPTED
    )


def _is_marked(state: State, event_id: str) -> bool:
    for phase in state.phases.values():  # noqa: SIM110 - asked for every mark; a generator costs as much again
        if event_id in phase.slot_of:
            return True
    return False


def _out_of_range(leaf: Leaf, item: str, value: str, reference: str | None) -> Refusal | None:
    low, high = leaf.items[item]
    for name, text in (("value", value), ("reference", reference)):
        if text is not None and not is_between(low, parse_number(text), high):
            return Refusal("out-of-range", f"{name} {text} for {leaf.id}/{item}; the rulebook allows {low} to {high}")
    if leaf.takes_reference and (reference is None or parse_number(reference) <= 0):
        return Refusal("out-of-range", f"{leaf.id} divides by a reference; got {reference!r}, send one above 0")
    return None


def _not_appointed(state: State, phase: PhaseState, panel: str, evaluator: str) -> Verdict | None:
    appointment = state.appointed.get(panel, {}).get(evaluator)
    if appointment is not None and is_in_time(state, phase.rules.id, "scores", appointment):
        return None
    unknown = Refusal("unknown-evaluator", f"{evaluator} was not appointed to the panel {panel} in time")
    return pend(state, (("evaluator", evaluator),), unknown, phase=phase.rules.id, window="scores")


def score_corrected(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Another value for a mark, by the source's own evaluator, while marks can still come in."""
    target = fact.data["score"]
    waits = behind(state, fact, "score.recorded", target) or behind(state, fact, "correction", target)
    if waits is not None:
        return waits
    phase = next((p for p in state.phases.values() if target in p.slot_of), None)
    if phase is None:
        return Refusal("unknown-reference", f"there is no mark {target}")
    entrant, criterion, item, evaluator = phase.slot_of[target]
    leaf = phase.rules.leaves[criterion]
    if source is not None and (source.evaluator or evaluator) != evaluator:
        return Refusal("source-not-authorised", f"{source.source} may not correct a mark of {evaluator}")
    if source is not None and (source.panel or leaf.panel) != leaf.panel:
        return Refusal("source-not-authorised", f"{source.source} speaks for {source.panel}, not for {leaf.panel}")
    before = phase.marks[(entrant, criterion, item, evaluator)]
    wrong = _out_of_range(leaf, item, fact.data["value"], fact.data.get("reference", before.reference))
    return wrong or outside_window(state, phase, "scores", fact) or ACCEPTED
