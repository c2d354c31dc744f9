"""Which phases read what a record says: when it may be erased follows from that."""

from __future__ import annotations

from events.derived import pipeline_source
from events.names import PREFIX, TYPES
from handlers.concerns import phase_of
from handlers.places import KEPT, PROGRAMME, SEVERAL, Places, Scope
from handlers.state import Fact, State

_OF_THE_PROGRAMME = frozenset({
    "entrant.registered", "entrant.withdrawn", "invitation.declined", "application.received", "conflict.declared",
    "evaluator.recused",
})  # fmt: skip
_WHENEVER = frozenset({
    "objection.filed", "objection.withdrawn", "objection.ruled", "ruling.issued", "rebuttal.filed", "act.approved",
    "score.voided", "marks.annulled", "reproduction.reported",
})  # fmt: skip
"""Of a phase, but perhaps said when it was final already."""


At = tuple[str, int]
"""Topic and partition."""


def places_at(state: State, at: At) -> Places:
    """What is known of the records of a partition, to be added to."""
    places = state.places.get(at)
    if places is None:
        places = state.places[at] = Places()
    return places


def scope_of(state: State, fact: Fact) -> Scope:
    """The scope of an accepted event that the state has taken in."""
    name = TYPES[fact.event.type].short
    if (kept := _kept(name, fact.topic)) is not None:
        return kept
    if fact.event.source == pipeline_source(state.programme):
        return KEPT
    phase = None if name in _OF_THE_PROGRAMME else phase_of(state, fact.data)
    return PROGRAMME if phase is None else phase.rules.id


def scope_of_hidden(state: State, topic: str, stored_name: str) -> Scope:
    """The scope of an accepted record whose content is not there, by what phases there are when it is accepted."""
    name = short_of(stored_name)
    if (kept := _kept(name, topic)) is not None:
        return kept
    if name in _OF_THE_PROGRAMME:
        return PROGRAMME
    able = [phase_id for phase_id, phase in state.phases.items() if name in _WHENEVER or phase.status != "final"]
    return able[0] if len(able) == 1 else SEVERAL


def _kept(name: str, topic: str) -> Scope | None:
    is_kept = topic == "decisions" or name in ("intake.marked", "key.rotated", "key.revoked")
    return KEPT if is_kept else None


def short_of(stored_name: str) -> str:
    """The short name of a stored one, of whichever version."""
    return stored_name.removeprefix(PREFIX).rpartition(".")[0]
