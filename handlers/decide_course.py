"""decide, continued: what reopens a phase, shows a decision, grants awards, opens and ends a call, ends a programme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from events.decisions import Basis
from events.derived import derive
from events.envelope import Envelope
from events.rulebook import AwardRule
from events.values import format_instant, format_number, parse_instant
from handlers import decide
from handlers.course import advanced, finalists, is_empty
from handlers.decide import Outgoing, facts
from handlers.figures import figures_of
from handlers.screen import outstanding_screens
from handlers.state import Fact, PhaseState, State
from handlers.transition import (
    CloseIntake,
    ConcludeProgramme,
    DecideCall,
    DecidePhase,
    FinaliseDecision,
    GrantAwards,
    HoldPhase,
    MarkWindow,
    OpenCall,
    OpenPhase,
    PublishFigures,
    ReopenPhase,
    ScreenSubmissions,
    Transition,
)
from handlers.windows import CALL, REGISTRATION, objections_window


def events_of(state: State, transition: Transition) -> list[Outgoing]:
    """What a transition publishes that needs nothing beside the state. The others name a root of the log's tree."""
    match transition:
        case MarkWindow():
            return decide.markers_of(state, transition)
        case OpenPhase():
            return [decide.phase_opened(state, transition)]
        case ScreenSubmissions(phase):
            return [("audits", event) for event in outstanding_screens(state, state.phases[phase])]
        case HoldPhase():
            since_ms = decide.held_since_ms(state, state.phases[transition.phase])
            return [decide.phase_held(state, transition, since_ms)]
        case ReopenPhase():
            return [phase_reopened(state, transition)]
        case FinaliseDecision():
            return [decide.decision_finalised(state, transition)]
        case PublishFigures():
            return [figures_published(state, transition)]
        case GrantAwards():
            return [award_granted(state, transition.phase, entrant) for entrant in transition.entrants]
        case OpenCall():
            return [call_opened(state, transition)]
        case ConcludeProgramme():
            return [programme_concluded(state, transition)]
        case CloseIntake() | DecidePhase() | DecideCall():
            raise AssertionError(f"{transition} names a root; its events are made where the log can be read")


def _one(
    state: State, name: str, data: dict[str, Any], where: tuple[str, str, int], causes: Sequence[Fact]
) -> Outgoing:
    """One derived event of the topic `decisions`; `where` is its phase, subject and ordinal."""
    phase, subject, ordinal = where
    caused_ms = max(fact.received_ms for fact in causes)
    event: Envelope = derive(
        state.programme, name, data, phase=phase, subject=subject, ordinal=ordinal, caused_ms=caused_ms
    )
    return "decisions", event


def phase_reopened(state: State, command: ReopenPhase) -> Outgoing:
    """The phase is computed anew; what is received up to `until_ms` counts."""
    phase = state.phases[command.phase]
    decision = phase.decision
    assert decision is not None  # due() reopens what was decided.
    data = {
        "phase": command.phase,
        "until": format_instant(command.until_ms),
        "reason": command.reason,
        "causes": list(command.causes),
    }
    rulings = [row.ruling for row in decision.objections.values() if row.ruling is not None]
    causes = [fact for fact in rulings if fact.event.id in command.causes]
    causes += [decision.fact, *facts(state, phase, objections_window(decision))]
    where = (command.phase, command.phase, phase.round.number + 1)
    return _one(state, "phasegate.phase.reopened.v1", data, where, causes)


def figures_published(state: State, command: PublishFigures) -> Outgoing:
    """What the profile shows of the decision."""
    assert state.rulebook is not None  # due() asks nothing without one.
    phase = state.phases[command.phase]
    decision = phase.decisions[command.decision]
    profile = next(row for row in state.rulebook.profiles if row.id == command.profile)
    data = {
        "decision": command.decision,
        "profile": command.profile,
        "figures": figures_of(profile, phase, decision),
    }
    causes = [decision.fact, *decision.signatures.values(), *([decision.finalised] if profile.when == "final" else [])]
    where = (command.phase, f"{command.decision}/{command.profile}", 1)
    return _one(state, "phasegate.figures.published.v1", data, where, [fact for fact in causes if fact is not None])


def award(rule: AwardRule) -> dict[str, Any]:
    """What an award of the rules is, as events write it."""
    resources = [
        {"kind": row.kind, "quantity": format_number(row.quantity), "unit": row.unit} for row in rule.resources
    ]
    return {"resources": resources} | ({} if rule.title is None else {"title": rule.title})


def award_granted(state: State, phase_id: str, entrant: str) -> Outgoing:
    """What the rules of the phase give to everybody that advances."""
    phase = state.phases[phase_id]
    rule = phase.rules.awards
    assert rule is not None  # due() grants what there is.
    data = {"entrant": entrant, "phase": phase_id, **award(rule)}
    return _one(state, "phasegate.award.granted.v1", data, (phase_id, entrant, 1), [_finality(phase)])


def _finality(phase: PhaseState) -> Fact:
    decision = phase.decision
    assert decision is not None  # The phase is final.
    assert decision.finalised is not None
    return decision.finalised


def call_opened(state: State, command: OpenCall) -> Outgoing:
    """The call for the places that are vacant, as the rulebook describes it."""
    assert state.rulebook is not None  # due() asks nothing without one.
    rules = state.rulebook.phase(command.phase)
    assert rules.call is not None  # due() opens calls.
    data = {
        "call": rules.id,
        "phase": rules.call.fills,
        "places": command.places,
        "eligible": rules.call.eligible.model_dump(),
        "windows": {"applications": format_instant(parse_instant(rules.opens or ""))},
    }
    causes = [_finality(state.phases[rules.call.fills]), *state.markers[rules.id, CALL].values()]
    return _one(state, "phasegate.call.opened.v1", data, (rules.id, rules.id, 1), causes)


def call_decided(state: State, call_id: str, basis: Basis | None) -> Outgoing:
    """Whom the call selected. Where nobody applied there is no decision whose basis could be taken: `basis` is given."""
    phase = state.phases.get(call_id)
    decision = None if phase is None else phase.decision
    outcomes = [] if decision is None else decision.fact.data["outcomes"]
    if basis is not None:
        written = basis.model_dump()
    else:
        assert decision is not None  # Without a basis the call's phase is final.
        written = decision.fact.data["basis"]
    data = {
        "call": call_id,
        "selected": [] if phase is None else sorted(advanced(phase)),
        "reasons": {row["entrant"]: [reason["code"] for reason in row["reasons"]] for row in outcomes},
        "basis": written,
    }
    causes = list(state.markers[call_id, REGISTRATION].values()) if phase is None else [_finality(phase)]
    return _one(state, "phasegate.call.decided.v1", data, (call_id, call_id, 1), causes)


def applications_size(state: State, call_id: str) -> int:
    """The smallest log size that holds every marker of the call's applications."""
    return 1 + max(fact.index for fact in state.markers[call_id, REGISTRATION].values())


def programme_concluded(state: State, command: ConcludeProgramme) -> Outgoing:
    """Who is left when no phase is to come."""
    assert state.rulebook is not None  # due() asks nothing without one.
    phases = state.phases.values()
    causes = [_finality(phase) for phase in phases] + [fact for phase in phases for fact in phase.awards.values()]
    causes += [call.decided for call in state.calls.values() if call.decided is not None]
    empty = [rules.id for rules in state.rulebook.phases if is_empty(state, rules)]
    causes += [fact for phase_id in empty for fact in state.markers[phase_id, REGISTRATION].values()]
    data = {"finalists": finalists(state)}
    return _one(state, "phasegate.programme.concluded.v1", data, (command.phase, "", 1), causes)
