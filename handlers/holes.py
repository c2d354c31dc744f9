"""Records whose content is not there, because it was erased or is withheld: what can still be followed without it.

A hole counts by its type, which the entry says, and by its scope: the phase that can have read it, or PENDING while its
verdict is open. What rests on it cannot be made again; everything else can (`handlers.rests`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from handlers.places import PENDING, Scope
from handlers.scopes import scope_of_hidden, short_of
from handlers.state import Fact, State


@dataclass(frozen=True, slots=True)
class Hidden:
    """A record without its content. `identity` is that of an accepted one (`events.derived.identity_hash`), where known."""

    identity: bytes | None = None


Look = Callable[[int], Hidden | None]
"""Asked of the index of a first entry whose record is not there: None when nothing explains that."""


def nothing_hidden(_index: int) -> None:
    """Where every record must be there."""


def hide(state: State, topic: str, stored_name: str, verdict: str) -> Scope:
    """Notes a hole that is accepted or pending, and gives its scope."""
    scope = PENDING if verdict == "pending" else scope_of_hidden(state, topic, stored_name)
    state.holes.setdefault(short_of(stored_name), Counter())[scope] += 1
    return scope


def reveal(state: State, stored_name: str) -> None:
    """A hole that pended is settled: it counts otherwise from now on, or not at all."""
    name = short_of(stored_name)
    state.holes[name][PENDING] -= 1
    state.holes[name] += Counter()  # Drops what is at zero.
    if not state.holes[name]:
        del state.holes[name]


def can_follow(state: State, fact: Fact) -> bool:
    """False for an accepted event that refers to one that is not there: it changes nothing that is known."""
    data = fact.data
    if "score" in data:
        return any(data["score"] in phase.slot_of for phase in state.phases.values())
    if "submission" in data:
        return any(data["submission"] in phase.submission_of for phase in state.phases.values())
    if "finding" in data:
        return state.find_finding(data["finding"]) is not None
    if "objection" in data:
        return state.find_objection(data["objection"]) is not None
    return True


def is_touched(state: State, phase_id: str) -> bool:
    """Some hole may be of this phase."""
    return any(scope.startswith("*") or scope == phase_id for scopes in state.holes.values() for scope in scopes)
