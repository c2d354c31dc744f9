"""Judging what evaluators and benchmark runners say."""

from __future__ import annotations

from events.rulebook import Leaf, Phase, Source
from events.values import is_between, parse_number
from handlers.seats import is_appointed, is_evaluator
from handlers.state import Fact, PhaseState, State
from handlers.verdicts import (
    ACCEPTED,
    Refusal,
    Verdict,
    behind,
    named_act,
    named_already,
    outside_phase,
    outside_time,
    pend,
    slot_claim,
)
from handlers.windows import reopened_window


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
    if slot in phase.marks and phase.marks[slot].ids[0] not in phase.voided:
        first = phase.marks[slot].ids[0]
        return Refusal("already-scored", f"the mark {'/'.join(slot)} stands already ({first}); send score.corrected")
    return (
        named_already(state, fact, "score.recorded", _is_marked(state, fact.event.id))
        or outside_phase(state, phase, fact)
        or outside_time(state, phase, "scores", fact)
        or not_appointed(state, phase, leaf.panel, data["evaluator"])
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


def not_appointed(state: State, phase: PhaseState, panel: str, evaluator: str) -> Verdict | None:
    """Not a member of a panel, appointed in time for the scores or for a reopening."""
    appointment = state.appointed.get(panel, {}).get(evaluator)
    if appointment is not None and is_appointed(state, phase, appointment):
        return None
    unknown = Refusal("unknown-evaluator", f"{evaluator} was not appointed to the panel {panel} in time")
    window = "scores" if phase.round.until_ms is None else reopened_window(phase.round)
    return pend(state, (("evaluator", evaluator),), unknown, phase=phase.rules.id, window=window)


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
    if before.ids[0] != target:
        return Refusal(
            "illegal-transition", f"{target} was voided, and {before.ids[0]} given in its place; correct that"
        )
    wrong = _out_of_range(leaf, item, fact.data["value"], fact.data.get("reference", before.reference))
    return wrong or named_act(state, fact) or outside_time(state, phase, "scores", fact) or ACCEPTED


def score_voided(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of a mark that is there, by its own evaluator where the source speaks for one. It acts when the phase is decided."""
    target = fact.data["score"]
    if (waits := behind(state, fact, "score.recorded", target)) is not None:
        return waits
    phase = next((p for p in state.phases.values() if target in p.slot_of), None)
    if phase is None:
        return Refusal("unknown-reference", f"there is no mark {target}")
    evaluator = phase.slot_of[target][3]
    if source is not None and (source.evaluator or evaluator) != evaluator:
        return Refusal("source-not-authorised", f"{source.source} may not void a mark of {evaluator}")
    return named_act(state, fact) or ACCEPTED


def marks_annulled(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of an evaluator in an open phase. It acts when the phase is decided."""
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    phase_id, evaluator = fact.data["phase"], fact.data["evaluator"]
    if state.rulebook.find_phase(phase_id) is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {phase_id!r}")
    phase = state.phases.get(phase_id)
    if phase is None:
        not_open = Refusal("unknown-phase", f"{phase_id} was never opened")
        return pend(state, (("phase", phase_id),), not_open, phase=phase_id)
    absent = sorted(set(fact.data.get("entrants") or ()) - set(phase.entrants))
    if absent:
        return Refusal("not-eligible", f"{absent[0]} does not take part in {phase_id}")
    if (taken := named_act(state, fact)) is not None:
        return taken
    if is_evaluator(state, evaluator):
        return ACCEPTED
    unknown = Refusal("unknown-evaluator", f"{evaluator} was appointed to no panel")
    return pend(state, (("evaluator", evaluator),), unknown, phase=None)
