"""What an event that is not recorded yet would be about: its phase, for whom it speaks, and in which role that is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from events.names import TYPES
from events.rulebook import Phase, Source
from handlers.state import PhaseState, State

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Concern:
    """`roles` may say it, where the rules name any; `panel` is the one that marks, ticks or votes there."""

    rules: Phase | None = None
    phase: PhaseState | None = None
    entrant: str | None = None
    evaluator: str | None = None
    panel: str | None = None
    roles: tuple[str, ...] = ()


def concern_of(state: State, name: str, data: Data) -> Concern:
    """Of an event with this short name. What it refers to and is not there leaves its part open."""
    phase = phase_of(state, data)
    rules = phase.rules if phase is not None else _rules(state, data)
    entrant, evaluator, criterion = data.get("entrant"), data.get("evaluator"), data.get("criterion")
    if phase is not None and data.get("score") in phase.slot_of:
        entrant, criterion, _, evaluator = phase.slot_of[data["score"]]
    if phase is not None and "submission" in data:
        entrant = phase.submission_of.get(data["submission"])
    found = state.find_objection(data["objection"]) if "objection" in data else None
    if found is not None and name == "objection.withdrawn":
        entrant = found[2].fact.data["entrant"]
    if rules is None:
        return Concern(None, None, entrant, evaluator)
    return Concern(
        rules, phase, entrant, evaluator, _panel(rules, name, data, criterion), _roles(state, rules, name, data)
    )


def phase_of(state: State, data: Data) -> PhaseState | None:
    """The phase that an event names, itself or by what it refers to."""
    if "score" in data:
        return next((phase for phase in state.phases.values() if data["score"] in phase.slot_of), None)
    if "submission" in data:
        return next((phase for phase in state.phases.values() if data["submission"] in phase.submission_of), None)
    if "act" in data:
        act = state.acts.get(data["act"])
        return None if act is None else state.phases[act[0]]
    found: Any = None
    if "finding" in data:
        found = state.find_finding(data["finding"])
    elif "objection" in data:
        found = state.find_objection(data["objection"])
    elif "decision" in data:
        found = state.find_decision(data["decision"])
    named = data.get("phase") or data.get("call")
    return found[0] if found is not None else state.phases.get(named or "")


def _rules(state: State, data: Data) -> Phase | None:
    named = data.get("phase") or data.get("call")
    return state.rulebook.find_phase(named) if state.rulebook is not None and named is not None else None


def _panel(rules: Phase, name: str, data: Data, criterion: str | None) -> str | None:
    """Whose members say it."""
    if name in ("score.recorded", "score.corrected"):
        leaf = rules.leaves.get(criterion or "")
        return None if leaf is None else leaf.panel
    if name == "count.ticked":
        gate = next((gate for gate in rules.gates if gate.id == data["gate"]), None)
        return gate.tick.by if gate is not None and gate.tick is not None else None
    if name == "recognition.voted" and rules.call is not None and rules.call.recognition is not None:
        return rules.call.recognition.by
    return None


def _roles(state: State, rules: Phase, name: str, data: Data) -> tuple[str, ...]:
    gates = {gate.id: gate for gate in rules.gates}
    if name in ("decision.signed", "decision.returned", "act.approved"):
        return (data["role"],) if "role" in data else ()
    if name == "finding.recorded" and data["gate"] in gates:
        return gates[data["gate"]].findings_by
    if name == "ruling.issued" and (found := state.find_finding(data["finding"])) is not None:
        return gates[found[1].fact.data["gate"]].ruling_by
    if name == "objection.ruled" and rules.objections is not None and rules.objections.heard_by is not None:
        return (rules.objections.heard_by,)
    return ()


def speakers(state: State, name: str, data: Data) -> list[Source]:
    """The sources of the rulebook that may say it, those that fit best: for that very entrant, evaluator or panel; else
    those whose rights name the type; else those that may say everything.
    """
    concern = concern_of(state, name, data)
    able = [source for source in state.sources.values() if _may(source, name, concern)]
    fits = {source.source: _fit(source, name, concern) for source in able}
    return [source for source in able if fits[source.source] == min(fits.values())]


def _may(source: Source, name: str, concern: Concern) -> bool:
    if name not in source.types and "*" not in source.types:
        return False
    if concern.roles and source.role not in concern.roles:
        return False
    owns = ((source.entrant, concern.entrant), (source.evaluator, concern.evaluator), (source.panel, concern.panel))
    return all(own is None or said is None or own == said for own, said in owns)


def _fit(source: Source, name: str, concern: Concern) -> int:
    owns = ((source.entrant, concern.entrant), (source.evaluator, concern.evaluator), (source.panel, concern.panel))
    if any(own is not None and own == said for own, said in owns):
        return 0
    return 1 if name in source.types else 2


def signs_with_office(source: Source | None, stored_name: str) -> bool:
    """The office's key signs it: what only the office may say, and sources that sign and have no key of their own."""
    return TYPES[stored_name].office or (source is not None and source.signs and not source.keys)
