"""What pending records wait for, and what they hold up: identities, and claims in the order of their topic."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from typing import get_args

from events.names import TYPES
from events.rulebook_course import Approvable
from handlers.judge import identity_digest
from handlers.places import written_place
from handlers.state import Fact, Key, State, Waiting


def remember(state: State, fact: Fact, value: bytes | None, *, accepted: bool) -> None:
    """Reserves the identity of an accepted record within its topic, or of a pending one, unless another holds it."""
    known = state.seen.setdefault(fact.topic, {})
    identity, held = (fact.event.source, fact.event.id), (identity_digest(value), fact.index)
    if accepted:
        known[identity] = held
    else:
        known.setdefault(identity, held)


def forget(state: State, fact: Fact) -> None:
    """Gives up the identity that a pending record reserved: a refused record reserves nothing."""
    known, identity = state.seen.get(fact.topic, {}), (fact.event.source, fact.event.id)
    if known.get(identity, (b"", -1))[1] == fact.index:
        del known[identity]
        if not known:
            del state.seen[fact.topic]


def wait(state: State, waiting: Waiting) -> None:
    """Notes a pending record under each key that could settle it, and under what it would take hold of."""
    fact = waiting.fact
    state.waiting[fact.index] = waiting
    for claim in claimed(waiting):
        insort(state.claims.setdefault(claim, []), fact.index)
    for key in waiting.keys:
        state.waits.setdefault(key, set()).add(fact.index)


def unwait(state: State, index: int) -> Waiting:
    """Takes a pending record out of everything that `wait` noted."""
    waiting = state.waiting.pop(index)
    for key in waiting.keys:
        others = state.waits[key]
        others.discard(index)
        if not others:
            del state.waits[key]
    for claim in claimed(waiting):
        queue = state.claims[claim]
        queue.remove(index)
        if not queue:
            del state.claims[claim]
    return waiting


def claimed(waiting: Waiting) -> tuple[Key, ...]:
    """The claims of a pending record. One whose id is in doubt holds up its own source only, never anybody else."""
    claims = claims_of(waiting.fact)
    if waiting.keys[0][0] != "identity":
        return claims
    return tuple((*claim, "of", waiting.fact.event.source) for claim in claims)


def claims_of(fact: Fact) -> tuple[Key, ...]:
    """What only one of several records of a topic can have, or where the order among them counts: while an earlier one
    pends, later ones wait behind it (`verdicts.behind`), so that other topics cannot change which was the first.
    """
    data, name = fact.data, TYPES[fact.event.type].short
    claims = [(kind, *(data[member] for member in members)) for kind, *members in _CLAIMS.get(name, ())]
    claims += [("act", fact.event.id)] if name in _ACTS else []
    if name == "record.erased":
        claims += [("erasure", written_place(row)) for row in data["records"]]
    if name == "record.requeued":
        claims += [("requeue", written_place(data["record"]))]
    return (*claims, (name, fact.event.id)) if name in _NAMED else tuple(claims)


_CLAIMS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "score.recorded": (("slot", "phase", "entrant", "criterion", "item", "evaluator"),),
    "score.corrected": (("correction", "score"),),
    "ruling.issued": (("ruling", "finding"),),
    "submission.received": (("submission", "phase", "entrant"),),
    "submission.withdrawn": (("submission.received", "submission"),),
    "rebuttal.filed": (("rebuttal", "finding", "entrant"),),
    "entrant.registered": (("entrant", "entrant"),),
    "entrant.withdrawn": (("entrant", "entrant"),),
    "application.received": (("application", "call", "entrant"), ("return", "entrant")),
    "phase.opened": (("phase", "phase"),),
    "intake.closed": (("phase", "phase"),),
    "phase.reopened": (("phase", "phase"),),
    "phase.decided": (("phase", "phase"),),
    "decision.finalised": (("finality", "decision"),),
    "call.opened": (("call", "call"),),
    "objection.withdrawn": (("objection.filed", "objection"),),
    "objection.ruled": (("objection.ruled", "objection"),),
    "programme.concluded": (("conclusion",),),
}
"""By short name: what a pending record would take hold of, as the kind of a claim and the members that make it up."""

_NAMED = frozenset({"score.recorded", "finding.recorded", "phase.decided", "submission.received", "objection.filed"})
"""Events that others refer to by id: the first of its type with an id is the one that is meant."""

_ACTS = frozenset(get_args(Approvable))
"""Acts that an approval refers to by id, of whichever type."""
