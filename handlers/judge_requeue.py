"""Judging that a refused record is sent again. It changes nothing for the record that comes: that is judged as every record
is, by its own stamp and its own identity, for a refused one reserves nothing (docs/decisions/0034).

A verdict rests on what became of the record that is named, which no order of topics changes, and on what stands before it
on its own topic.
"""

from __future__ import annotations

from events.rulebook import Source
from handlers.judge_erasure import settled_scope
from handlers.places import REFUSED, place_of, written_place
from handlers.state import Fact, State
from handlers.verdicts import ACCEPTED, Refusal, Verdict, behind


def record_requeued(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of a record that was refused, once: what it was sent as can be refused too, and sent again in its turn."""
    place, where = place_of(fact.data["record"]), written_place(fact.data["record"])
    if (waits := behind(state, fact, "requeue", where)) is not None:
        return waits
    if (before := state.requeued.get(place)) is not None:
        said = f"{where} is sent again as {before.as_id} already (entry {before.index})"
        return Refusal("illegal-transition", said)
    scope = settled_scope(state, fact, place)
    if not isinstance(scope, str):
        return scope
    if scope != REFUSED:
        return Refusal("illegal-transition", f"{where} was not refused; only a refused record is sent again")
    return ACCEPTED
