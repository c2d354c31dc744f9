"""evolve: how each accepted event changes what is known. Total over the table of names; an unknown one stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from events.errors import Tampered
from events.rulebook import parse_rulebook
from events.values import parse_instant
from handlers import evolve_acts
from handlers.engines import find_engine, named_in
from handlers.state import Decision, Fact, Finding, Mark, PhaseState, Round, State
from handlers.windows import deadline, grace_ms


def evolve(state: State, fact: Fact) -> None:
    """Applies one accepted event to the state, which the caller owns. Raises Tampered for an event no judge would accept."""
    step = _STEPS.get(fact.event.type)
    if step is None:
        raise Tampered(f"entry {fact.index} was accepted with the type {fact.event.type!r}, unknown to this version")
    step(state, fact)


def _score_recorded(state: State, fact: Fact) -> None:
    data = fact.event.data
    phase = state.phases[data["phase"]]
    slot = (data["entrant"], data["criterion"], data["item"], data["evaluator"])
    event_id = fact.event.id
    if slot in phase.marks:  # It was voided; whether with effect is for the decision to say.
        phase.replaced.setdefault(slot, []).append(phase.marks[slot])
    phase.marks[slot] = Mark(data["value"], data.get("reference"), (event_id,))
    phase.slot_of[event_id] = slot
    phase.marked_by.setdefault(fact.event.source, set()).add(data["evaluator"])


def _score_corrected(state: State, fact: Fact) -> None:
    data = fact.event.data
    phase = next(p for p in state.phases.values() if data["score"] in p.slot_of)
    slot = phase.slot_of[data["score"]]
    before = phase.marks[slot]
    after = Mark(data["value"], data.get("reference", before.reference), (*before.ids, fact.event.id))
    if "score.corrected" in phase.rules.approvals:
        evolve_acts.note_act(state, phase.rules.id, fact)
        phase.proposed.setdefault(before.ids[0], []).append((fact.event.id, after))
    else:
        phase.marks[slot] = after


def _programme_announced(state: State, fact: Fact) -> None:
    state.rulebook = parse_rulebook(fact.data["rulebook"])
    state.announced = fact
    state.engine = find_engine(state.engines, named_in(fact.data))
    state.digest = fact.data["digest"]
    state.clock = fact.data["clock"]
    state.sources = {source.source: source for source in state.rulebook.sources}


def _entrant_registered(state: State, fact: Fact) -> None:
    state.entrants[fact.data["entrant"]] = fact


def _entrant_withdrawn(state: State, fact: Fact) -> None:
    state.withdrawn[fact.data["entrant"]] = fact


def _invitation_declined(state: State, fact: Fact) -> None:
    state.declined.append(fact)


def _evaluator_appointed(state: State, fact: Fact) -> None:
    state.appointed.setdefault(fact.data["panel"], {}).setdefault(fact.data["evaluator"], fact)


def _phase_opened(state: State, fact: Fact) -> None:
    assert state.rulebook is not None  # The judge accepts no phase before the programme.
    rules = state.rulebook.phase(fact.data["phase"])
    deadlines = {window: parse_instant(until) + grace_ms(rules) for window, until in fact.data["windows"].items()}
    opens_ms = parse_instant(fact.data["opens"])
    assert state.engine is not None  # Nor one before its rules.
    if (call := state.calls.get(rules.id)) is not None and rules.advance is not None:
        places = rules.advance.model_copy(update={"places": call.opened.data["places"]})
        rules = rules.model_copy(update={"advance": places})
    rounds = [Round(1, fact)]
    entrants = tuple(fact.data["entrants"])
    state.phases[rules.id] = PhaseState(rules, fact, entrants, opens_ms, deadlines, state.engine, state.digest, rounds)


def _intake_marked(state: State, fact: Fact) -> None:
    """One with a deadline that was moved since, or stamped too soon, counts for nothing."""
    window = (fact.data["phase"], fact.data["window"])
    tried = state.attempts.setdefault(window, {})
    tried[fact.topic] = max(fact.data["attempt"], tried.get(fact.topic, 0))
    last_ms = parse_instant(fact.data["deadline"])
    if fact.received_ms > last_ms and last_ms == deadline(state, *window):
        state.markers.setdefault(window, {}).setdefault(fact.topic, fact)


def _submission_received(state: State, fact: Fact) -> None:
    phase = state.phases[fact.data["phase"]]
    phase.submissions[fact.data["entrant"]] = fact
    phase.submission_of[fact.event.id] = fact.data["entrant"]


def _finding_recorded(state: State, fact: Fact) -> None:
    state.phases[fact.data["phase"]].findings[fact.event.id] = Finding(fact)


def _rebuttal_filed(state: State, fact: Fact) -> None:
    found = state.find_finding(fact.data["finding"])
    assert found is not None  # A rebuttal pends until its finding is there.
    found[1].rebuttal = fact


def _ruling_issued(state: State, fact: Fact) -> None:
    found = state.find_finding(fact.data["finding"])
    assert found is not None  # A ruling pends until its finding is there.
    found[1].rulings.append(fact)


def _intake_closed(state: State, fact: Fact) -> None:
    state.phases[fact.data["phase"]].round.closed = fact


def _phase_held(state: State, fact: Fact) -> None:
    phase = state.phases[fact.data["phase"]]
    phase.held.append(fact)
    phase.round.held.append(fact)
    phase.round.is_holding = phase.cut is None or phase.decision is not None  # `note_cut` asks whether that is so.


def _entrant_assessed(state: State, fact: Fact) -> None:
    state.phases[fact.data["phase"]].assessed[fact.event.id] = fact


def _phase_decided(state: State, fact: Fact) -> None:
    phase = state.phases[fact.data["phase"]]
    phase.round.decision = phase.decisions[fact.event.id] = Decision(fact, phase.round.number)
    phase.round.is_holding = False


def _decision_signed(state: State, fact: Fact) -> None:
    found = state.find_decision(fact.data["decision"])
    assert found is not None  # The judge refuses a signature under an unknown decision.
    found[1].signatures[fact.data["role"]] = fact


def _decision_finalised(state: State, fact: Fact) -> None:
    found = state.find_decision(fact.data["decision"])
    assert found is not None  # The judge refuses to finalise an unknown decision.
    found[1].finalised = fact
    found[0].round.is_holding = False  # It would be, where the ruling that ended it was erased.


_STEPS: Mapping[str, Callable[[State, Fact], None]] = {
    "phasegate.score.recorded.v1": _score_recorded,
    "phasegate.score.corrected.v1": _score_corrected,
    "phasegate.programme.announced.v1": _programme_announced,
    "phasegate.entrant.registered.v1": _entrant_registered,
    "phasegate.entrant.withdrawn.v1": _entrant_withdrawn,
    "phasegate.invitation.declined.v1": _invitation_declined,
    "phasegate.evaluator.appointed.v1": _evaluator_appointed,
    "phasegate.phase.opened.v1": _phase_opened,
    "phasegate.intake.marked.v1": _intake_marked,
    "phasegate.submission.received.v1": _submission_received,
    "phasegate.finding.recorded.v1": _finding_recorded,
    "phasegate.rebuttal.filed.v1": _rebuttal_filed,
    "phasegate.ruling.issued.v1": _ruling_issued,
    "phasegate.intake.closed.v1": _intake_closed,
    "phasegate.phase.held.v1": _phase_held,
    "phasegate.entrant.assessed.v1": _entrant_assessed,
    "phasegate.phase.decided.v1": _phase_decided,
    "phasegate.decision.signed.v1": _decision_signed,
    "phasegate.decision.finalised.v1": _decision_finalised,
    **evolve_acts.STEPS,
}
