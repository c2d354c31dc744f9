"""What a verdict, or an event that the pipeline makes, can rest on: with the content of such a record gone, it cannot be made
again. Wide rather than narrow: what is not named here for a type rests on everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from events.names import TYPES
from handlers.concerns import phase_of
from handlers.places import SEVERAL, Scope, place_of
from handlers.scopes import short_of
from handlers.state import Fact, State

SPINE = frozenset({
    "programme.announced", "rulebook.amended", "phase.opened", "window.extended", "phase.reopened", "intake.closed",
    "phase.decided", "decision.signed", "decision.finalised", "call.opened", "call.decided", "award.granted",
    "programme.concluded", "intake.marked", "key.rotated", "key.revoked", "record.erased",
})  # fmt: skip
"""Rules, keys, deadlines and the course: none of them is ever erased or withheld, and without one nothing can be followed."""

_COMING = frozenset({"entrant.registered", "entrant.withdrawn", "application.received"})
_MARKS = frozenset({"score.recorded", "score.corrected", "score.voided", "marks.annulled"})
_ACTS = frozenset({*_MARKS - {"score.recorded"}, "mark.waived", "tie.resolved"})
_WORK = frozenset({"submission.received", "submission.withdrawn"})
_FINDING = frozenset({"finding.recorded", "rebuttal.filed", "ruling.issued"})
_OBJECTION = frozenset({"objection.filed", "objection.withdrawn", "objection.ruled"})
_MEMBERS = frozenset({"evaluator.appointed", "entrant.registered"})
_PANELS = frozenset({
    "count.ticked", "recognition.voted", "act.approved", "conflict.declared", "evaluator.recused", "evaluator.appointed",
})  # fmt: skip
_CUT = _COMING | _MARKS | _ACTS | _WORK | _FINDING | _OBJECTION | _PANELS | {"decision.returned"}
"""What can have been waited for before a decision, or can count in it."""

_VERDICTS: Mapping[str, AbstractSet[str]] = {
    "intake.marked": {"finding.recorded"},
    "key.rotated": set(),
    "key.revoked": set(),
    "programme.announced": set(),
    "entrant.registered": {"entrant.registered", "entrant.withdrawn"},
    "entrant.withdrawn": _COMING,
    "invitation.declined": set(),
    "application.received": _COMING | {"invitation.declined"},
    "submission.received": _WORK | _COMING,
    "submission.withdrawn": _WORK | _COMING,
    "rebuttal.filed": _FINDING,
    "ruling.issued": _FINDING,
    "finding.recorded": {"finding.recorded", "entrant.registered"},
    "objection.filed": _OBJECTION | {"entrant.registered", "decision.returned"},
    "objection.withdrawn": _OBJECTION | {"decision.returned"},
    "objection.ruled": _OBJECTION | {"score.recorded"},
    "score.recorded": _MARKS | _MEMBERS,
    "score.corrected": _MARKS,
    "score.voided": _MARKS,
    "marks.annulled": _MARKS | _MEMBERS,
    "conflict.declared": {"evaluator.appointed"},
    "evaluator.recused": {"evaluator.appointed"},
    "count.ticked": _MEMBERS,
    "recognition.voted": _MEMBERS,
    "reproduction.reported": {"entrant.registered"},
    "act.approved": _ACTS | {"act.approved", "score.recorded"},
    "evaluator.appointed": set(),
    "phase.opened": _COMING,
    "window.extended": set(),
    "mark.waived": {"mark.waived", "tie.resolved"},
    "tie.resolved": {"mark.waived", "tie.resolved"},
    "phase.reopened": set(),
    "intake.closed": _FINDING,
    "phase.held": set(),
    "entrant.assessed": _CUT,
    "phase.decided": _CUT | {"entrant.assessed"},
    "decision.signed": {"decision.returned"},
    "decision.returned": {"decision.returned"},
    "decision.finalised": _OBJECTION | _COMING | {"decision.returned"},
    "figures.published": {"figures.published", "entrant.assessed"},
    "call.opened": _COMING,
    "award.granted": _COMING,
    "programme.concluded": _COMING,
    "record.requeued": {"record.requeued"},
}
"""By short name: the types whose records can change the verdict on such an event."""

_MADE: Mapping[str, AbstractSet[str]] = {
    "intake.marked": {"finding.recorded"},
    "phase.opened": _COMING,
    "finding.recorded": _WORK | _COMING,
    "intake.closed": set(),
    "entrant.assessed": _CUT,
    "phase.decided": _CUT,
    "decision.finalised": _OBJECTION,
    "figures.published": {"entrant.assessed"},
    "call.opened": _COMING,
    "award.granted": _COMING,
    "programme.concluded": _COMING,
}
"""By short name: the types whose records can change what the pipeline says in such an event."""


def is_verdict_doubtful(state: State, fact: Fact) -> bool:
    """The verdict on an event can rest on a record that is not there. That on an erasure does where it cannot be known which
    phase had read what it names.
    """
    if fact.event.type == "phasegate.record.erased.v1":
        return any(_scope(state, *place_of(row)) == SEVERAL for row in fact.data["records"])
    return _is_doubtful(state, fact, _VERDICTS)


def is_making_doubtful(state: State, fact: Fact) -> bool:
    """What the pipeline says can rest on a record that is not there."""
    return _is_doubtful(state, fact, _MADE)


def is_decision_doubtful(state: State, phase_id: str) -> bool:
    """The decision of a phase, or what it waits for, can rest on a record that is not there."""
    return _rests(state, _CUT, phase_id)


def _scope(state: State, topic: str, partition: int, offset: int) -> Scope | None:
    places = state.places.get((topic, partition))
    return None if places is None else places.scope_at(offset)


def _is_doubtful(state: State, fact: Fact, table: Mapping[str, AbstractSet[str]]) -> bool:
    if not state.holes:
        return False
    name = TYPES[fact.event.type].short if fact.event.type in TYPES else short_of(fact.event.type)
    phase = phase_of(state, fact.data)
    named = None if phase is None else phase.rules.id
    return _rests(state, table.get(name), named or fact.data.get("phase"))


def _rests(state: State, names: AbstractSet[str] | None, phase_id: str | None) -> bool:
    """Of a phase that is not known any hole may be."""
    return any(
        phase_id is None or scope.startswith("*") or scope == phase_id
        for name, scopes in state.holes.items()
        if names is None or name in names
        for scope in scopes
    )
