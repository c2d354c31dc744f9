"""Judging erasures: of records that no phase on its way has read, and that the pipeline does not need for ever.

A verdict rests on what stands before it on its own topic (which phases are final) and on the records that it names; one of
those that is not read yet, or still pends, is waited for. So no order among topics can change it (docs/decisions/0023).
"""

from __future__ import annotations

from events.rulebook import Source
from handlers.places import KEPT, NOBODY, PENDING, PROGRAMME, REFUSED, SEVERAL, Scope, place_of
from handlers.state import Fact, State
from handlers.verdicts import ACCEPTED, Accepted, Pending, Refusal, Verdict, behind


def record_erased(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Each of them once, when every phase that has read it is final."""
    named = [place_of(row) for row in fact.data["records"]]
    if len(set(named)) != len(named):
        return Refusal("schema-invalid", "records names a position twice")
    for place in named:
        if not isinstance(verdict := _erasable(state, fact, place), Accepted):
            return verdict
    return ACCEPTED


def _erasable(state: State, fact: Fact, place: tuple[str, int, int]) -> Verdict:
    topic, partition, offset = place
    where = f"{topic}/{partition}/{offset}"
    if (waits := behind(state, fact, "erasure", where)) is not None:
        return waits
    if place in state.erased:
        return Refusal("illegal-transition", f"{where} was erased already (entry {state.erased[place]})")
    found = settled_scope(state, fact, place)
    return _before_end(state, fact, where, found) if isinstance(found, str) else found


def settled_scope(state: State, fact: Fact, place: tuple[str, int, int]) -> Scope | Pending | Refusal:
    """What became in the end of the record that a fact names, or why that cannot be said: it is not this programme's, or not
    known yet.
    """
    topic, partition, offset = place
    places = state.places.get((topic, partition))
    scope = None if places is None else places.scope_at(offset)
    if scope is None:
        is_past = places is not None and places.last > offset
        where = f"{topic}/{partition}/{offset}"
        unknown = Refusal("unknown-reference", f"the log of {state.programme} has no record {where}")
        return unknown if is_past or topic == fact.topic else _until_read(topic, partition)
    return _until_read(topic, partition) if scope == PENDING else scope


def _until_read(topic: str, partition: int) -> Pending:
    """Judged again with each further record of that partition: the one that is named, or one behind it, says what holds.
    The end of the programme does not end this wait, since most erasures are said after it.
    """
    return Pending((("record", topic, str(partition)),))


def _before_end(state: State, fact: Fact, where: str, scope: Scope) -> Verdict:
    if scope in (NOBODY, REFUSED, SEVERAL):
        return ACCEPTED
    if scope == KEPT:
        return Refusal("not-eligible", f"{where} is never erased: what follows in the log rests on it for ever")
    if scope == PROGRAMME:
        is_over = state.concluded is not None and state.concluded.offset < fact.offset
        too_soon = Refusal("illegal-transition", f"{where} is read by every phase, and the programme is not concluded")
        return ACCEPTED if is_over else behind(state, fact, "conclusion") or too_soon
    phase = state.phases[scope]
    decision = phase.decision
    finalised = None if decision is None else decision.finalised
    if finalised is not None and finalised.offset < fact.offset:
        return ACCEPTED
    waits = behind(state, fact, "phase", scope)
    if waits is None and decision is not None:
        waits = behind(state, fact, "finality", decision.fact.event.id)
    return waits or Refusal("illegal-transition", f"{where} was read by {scope}, which was not final then")
