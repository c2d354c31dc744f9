"""evolve, continued: people's acts, objections, reopenings, calls, and how a programme ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from events.names import TYPES
from events.rulebook import parse_rulebook
from events.values import parse_instant
from handlers.engines import find_engine, named_in
from handlers.places import place_of
from handlers.signers import key_change
from handlers.state import Call, Decision, Fact, Objection, PhaseState, Requeue, Round, State
from handlers.windows import deadline, grace_ms


def note_act(state: State, phase_id: str, fact: Fact) -> None:
    """Notes an act that a second person may have to approve."""
    state.acts[fact.event.id] = (phase_id, fact)


def _phase_of_score(state: State, event_id: str) -> PhaseState:
    return next(phase for phase in state.phases.values() if event_id in phase.slot_of)


def _score_voided(state: State, fact: Fact) -> None:
    phase = _phase_of_score(state, fact.data["score"])
    phase.voided.setdefault(fact.data["score"], []).append(fact)
    note_act(state, phase.rules.id, fact)


def _marks_annulled(state: State, fact: Fact) -> None:
    phase = state.phases[fact.data["phase"]]
    phase.annulled.append(fact)
    note_act(state, phase.rules.id, fact)


def _mark_waived(state: State, fact: Fact) -> None:
    phase = state.phases[fact.data["phase"]]
    phase.waived.append(fact)
    note_act(state, phase.rules.id, fact)


def _tie_resolved(state: State, fact: Fact) -> None:
    phase = state.phases[fact.data["phase"]]
    phase.ties.append(fact)
    note_act(state, phase.rules.id, fact)


def _act_approved(state: State, fact: Fact) -> None:
    state.approved.setdefault(fact.data["act"], []).append(fact)


def _conflict_declared(state: State, fact: Fact) -> None:
    state.conflicts.append(fact)


def _evaluator_recused(state: State, fact: Fact) -> None:
    state.recused.append(fact)


def _count_ticked(state: State, fact: Fact) -> None:
    data = fact.data
    state.phases[data["phase"]].ticks[data["entrant"], data["gate"], data["count"], data["evaluator"]] = fact


def _recognition_voted(state: State, fact: Fact) -> None:
    state.phases[fact.data["call"]].votes[fact.data["entrant"], fact.data["evaluator"]] = fact


def _reproduction_reported(state: State, fact: Fact) -> None:
    state.phases[fact.data["phase"]].reproduced.append(fact)


def _submission_withdrawn(state: State, fact: Fact) -> None:
    phase = next(p for p in state.phases.values() if fact.data["submission"] in p.submission_of)
    del phase.submissions[phase.submission_of[fact.data["submission"]]]


def _application_received(state: State, fact: Fact) -> None:
    """Whoever withdrew before, and may apply, is back."""
    left = state.withdrawn.get(fact.data["entrant"])
    if left is not None and left.offset < fact.offset:
        del state.withdrawn[fact.data["entrant"]]
    state.calls[fact.data["call"]].applications[fact.data["entrant"]] = fact


def _objection_filed(state: State, fact: Fact) -> None:
    _decision(state, fact).objections[fact.event.id] = Objection(fact)


def _objection_withdrawn(state: State, fact: Fact) -> None:
    _objection(state, fact).withdrawn = fact


def _objection_ruled(state: State, fact: Fact) -> None:
    _objection(state, fact).ruling = fact


def _objection(state: State, fact: Fact) -> Objection:
    found = state.find_objection(fact.data["objection"])
    assert found is not None  # What is said of an objection pends until that is there.
    return found[2]


def _decision(state: State, fact: Fact) -> Decision:
    found = state.find_decision(fact.data["decision"])
    assert found is not None  # The judge accepts nothing about an unknown decision.
    return found[1]


def _decision_returned(state: State, fact: Fact) -> None:
    _decision(state, fact).returned = fact


def _replay_attested(state: State, fact: Fact) -> None:
    """Of each source the last word on a decision, in the order of its topic."""
    attested = _decision(state, fact).attested
    before = attested.get(fact.event.source)
    if before is None or before.order <= fact.order:
        attested[fact.event.source] = fact


def _figures_published(state: State, fact: Fact) -> None:
    _decision(state, fact).published[fact.data["profile"]] = fact


def _rulebook_amended(state: State, fact: Fact) -> None:
    """Markers of an opening that moved mark nothing any more."""
    state.rulebook = parse_rulebook(fact.data["rulebook"])
    state.digest = fact.data["digest"]
    state.sources = {source.source: source for source in state.rulebook.sources}
    if fact.data.get("engine") is not None:
        state.engine = find_engine(state.engines, named_in(fact.data))
    state.amended.append(fact)
    for (phase_id, window), marked in list(state.markers.items()):
        if phase_id not in state.phases and not _is_of(marked, deadline(state, phase_id, window)):
            del state.markers[phase_id, window]


def _is_of(marked: dict[str, Fact], last_ms: int | None) -> bool:
    """The markers mark this deadline."""
    return all(parse_instant(fact.data["deadline"]) == last_ms for fact in marked.values())


def _window_extended(state: State, fact: Fact) -> None:
    """The markers of the old deadline mark nothing any more."""
    phase, window = state.phases[fact.data["phase"]], fact.data["window"]
    phase.deadlines[window] = parse_instant(fact.data["until"]) + grace_ms(phase.rules)
    phase.extended.append(fact)
    state.markers.pop((phase.rules.id, window), None)


def _phase_reopened(state: State, fact: Fact) -> None:
    phase = state.phases[fact.data["phase"]]
    phase.rounds.append(Round(phase.round.number + 1, fact, parse_instant(fact.data["until"])))


def _call_opened(state: State, fact: Fact) -> None:
    state.calls[fact.data["call"]] = Call(fact)


def _call_decided(state: State, fact: Fact) -> None:
    state.calls[fact.data["call"]].decided = fact


def _award_granted(state: State, fact: Fact) -> None:
    state.phases[fact.data["phase"]].awards[fact.data["entrant"]] = fact


def _key_changed(state: State, fact: Fact) -> None:
    state.key_changes.setdefault((fact.topic, fact.data["source"]), []).append(key_change(fact.event, fact.offset))


def _programme_concluded(state: State, fact: Fact) -> None:
    state.concluded = fact


def _record_erased(state: State, fact: Fact) -> None:
    for row in fact.data["records"]:
        state.erased[place_of(row)] = fact.index


def _record_requeued(state: State, fact: Fact) -> None:
    state.requeued[place_of(fact.data["record"])] = Requeue(fact.index, fact.data["as"])


_BY_SHORT_NAME: Mapping[str, Callable[[State, Fact], None]] = {
    "score.voided": _score_voided,
    "marks.annulled": _marks_annulled,
    "mark.waived": _mark_waived,
    "tie.resolved": _tie_resolved,
    "act.approved": _act_approved,
    "conflict.declared": _conflict_declared,
    "evaluator.recused": _evaluator_recused,
    "count.ticked": _count_ticked,
    "recognition.voted": _recognition_voted,
    "reproduction.reported": _reproduction_reported,
    "submission.withdrawn": _submission_withdrawn,
    "application.received": _application_received,
    "objection.filed": _objection_filed,
    "objection.withdrawn": _objection_withdrawn,
    "objection.ruled": _objection_ruled,
    "decision.returned": _decision_returned,
    "figures.published": _figures_published,
    "replay.attested": _replay_attested,
    "rulebook.amended": _rulebook_amended,
    "window.extended": _window_extended,
    "phase.reopened": _phase_reopened,
    "call.opened": _call_opened,
    "call.decided": _call_decided,
    "award.granted": _award_granted,
    "key.rotated": _key_changed,
    "key.revoked": _key_changed,
    "programme.concluded": _programme_concluded,
    "record.erased": _record_erased,
    "record.requeued": _record_requeued,
}

STEPS: Mapping[str, Callable[[State, Fact], None]] = {
    name: _BY_SHORT_NAME[row.short] for name, row in TYPES.items() if row.short in _BY_SHORT_NAME
}
"""By stored name."""
