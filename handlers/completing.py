"""What an act need not say, because the record says it already: the role that has to sign, who answers a finding, which
reopening runs, what the rulebook grants or shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from events.errors import NotFound
from events.names import TYPES
from handlers.concerns import concern_of
from handlers.decide_course import award
from handlers.figures import figures_of
from handlers.state import PhaseState, State

Data = Mapping[str, Any]

OFFICE = "office"
"""The code under which a person has a phase computed anew (`reasons.REOPENINGS`)."""


def completed(state: State, name: str, data: Data) -> dict[str, Any]:
    """The data of an event with this short name, with what follows from the record. What is said already stays."""
    phase = concern_of(state, name, data).phase
    match name:
        case "finding.recorded":
            following: Data = {"evidence": [], **({} if phase is None else _reopening(phase))}
        case "phase.reopened":
            following = {"reason": OFFICE}
        case "award.granted":
            following = {"resources": [], **_award(phase)}
        case _:
            following = {} if phase is None else _following(state, phase, name, data)
    return {**following, **data}


def _following(state: State, phase: PhaseState, name: str, data: Data) -> Data:
    match name:
        case "decision.signed":
            return _signature(phase, data)
        case "decision.returned":
            return {name: text for name, text in _signature(phase, data).items() if name == "role"}
        case "act.approved":
            return _approval(state, phase, data)
        case "rebuttal.filed":
            return {"entrant": phase.findings[data["finding"]].fact.data["entrant"]}
        case "score.recorded" | "score.corrected":
            return _reopening(phase)
        case "figures.published":
            return _figures(state, phase, data)
        case _:
            return {}


def _signature(phase: PhaseState, data: Data) -> Data:
    """The only role that has to sign still, and what its signature means."""
    signatures = phase.decisions[data["decision"]].signatures
    open_duties = [duty for duty in phase.rules.sign_off if duty.role not in signatures]
    role = data.get("role") or (open_duties[0].role if len(open_duties) == 1 else None)
    duty = next((duty for duty in phase.rules.sign_off if duty.role == role), None)
    return ({} if role is None else {"role": role}) | ({} if duty is None else {"meaning": duty.meaning})


def _approval(state: State, phase: PhaseState, data: Data) -> Data:
    kind = TYPES[state.acts[data["act"]][1].event.type].short
    role = {str(name): role for name, role in phase.rules.approvals.items()}.get(kind)
    return {"meaning": "approves"} | ({} if role is None else {"role": role})


def _reopening(phase: PhaseState) -> Data:
    """Named when a reopening of the phase takes marks and findings in."""
    if phase.closed is not None or phase.round.until_ms is None:
        return {}
    return {"reopening": phase.round.opened.event.id}


def _award(phase: PhaseState | None) -> Data:
    """What the rules of the phase give to everybody that advances."""
    rule = phase.rules.awards if phase is not None else None
    return {} if rule is None else award(rule)


def _figures(state: State, phase: PhaseState, data: Data) -> Data:
    """Computed from the decision. Raises NotFound for a profile that the rulebook does not have."""
    profiles = {profile.id: profile for profile in state.rulebook.profiles} if state.rulebook is not None else {}
    if data["profile"] not in profiles:
        known = ", ".join(profiles) or "none"
        raise NotFound(f"{state.programme} has no publication profile {data['profile']!r}; it has: {known}")
    return {"figures": figures_of(profiles[data["profile"]], phase, phase.decisions[data["decision"]])}
