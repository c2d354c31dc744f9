"""Which acts a visitor may do, under which sources of the rulebook, and who did an act that waits for a second person.

An entrant speaks under its own source and nobody else does; so does an evaluator. Under the other sources speak those who
have the right to act, or to approve where somebody takes responsibility.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.acts import ACTS, Act
from console.web.access import ANY, Right, Role, Visitor
from console.web.problems import Problem
from console.web.sending import sender_of, sent_by
from console.web.site import Site
from events.entry import decode_entry
from events.errors import Refused
from events.record import Position
from events.rulebook import Source
from handlers.concerns import concern_of, speakers
from handlers.state import Fact, State

ENTRANTS = frozenset({
    "submit", "withdraw entrant", "withdraw submission", "withdraw objection", "apply", "rebut", "object",
})  # fmt: skip
"""Acts of an entrant, which nobody else does for it."""

APPROVERS = frozenset({"sign", "return", "approve", "rule", "hear"})
"""Acts by which somebody takes responsibility for what others did."""


RIGHTS: tuple[Right, ...] = ("act", "approve", "own", "mark")
"""With any of these there is some act to do."""


def right_of(name: str) -> Right:
    """The right that an act asks for where its source is nobody's own."""
    if name in ENTRANTS:
        return "own"
    return "approve" if name in APPROVERS else "act"


def is_anybody(visitor: Visitor, programme: str) -> bool:
    """Whether the visitor has an account that may do anything here at all."""
    return visitor.name is not None and any(visitor.may(right, programme) for right in RIGHTS)


def who_is(visitor: Visitor, programme: str, role: Role) -> str | None:
    """Which entrant, or which evaluator, the visitor is here."""
    return visitor.who.get((programme, role)) or visitor.who.get((ANY, role))


def own_entrant(visitor: Visitor, programme: str) -> str | None:
    return who_is(visitor, programme, "entrant") if visitor.may("own", programme) else None


def own_evaluator(visitor: Visitor, programme: str) -> str | None:
    return who_is(visitor, programme, "evaluator") if visitor.may("mark", programme) else None


def sources_for(visitor: Visitor, state: State, name: str) -> list[Source]:
    """The sources under which the visitor may do this act, those that name its type before those that may say everything."""
    if visitor.name is None:
        return []
    kind = ACTS[name].type if name in ACTS else name
    able = [source for source in state.sources.values() if kind in source.types or "*" in source.types]
    mine = [source for source in able if _speaks_under(visitor, state, source, name)]
    return sorted(mine, key=lambda source: kind not in source.types)


def _speaks_under(visitor: Visitor, state: State, source: Source, name: str) -> bool:
    programme = state.programme
    if source.entrant is not None:
        return source.entrant == own_entrant(visitor, programme)
    evaluator = own_evaluator(visitor, programme)
    if source.evaluator is not None:
        return source.evaluator == evaluator
    if name in ENTRANTS:
        return False
    if source.panel is not None and evaluator in state.appointed.get(source.panel, {}):
        return True
    return visitor.may(right_of(name), programme)


def acts_of(visitor: Visitor, state: State) -> Mapping[str, Act]:
    """The acts that the visitor may do, in the order of the table."""
    return {name: act for name, act in ACTS.items() if sources_for(visitor, state, name)}


def speaker(visitor: Visitor, state: State, name: str, data: Mapping[str, Any], wanted: str | None) -> list[str]:
    """The source that was chosen, if it is the visitor's; else those of the visitor's that fit best, as the command line
    finds them among all.
    """
    mine = {source.source: source for source in sources_for(visitor, state, name)}
    if wanted:
        return [wanted] if wanted in mine else []
    kind = ACTS[name].type if name in ACTS else name
    return [source.source for source in speakers(replace(state, sources=mine), kind, data)]


def require_permitted(visitor: Visitor, state: State, name: str, source: str, data: Mapping[str, Any]) -> None:
    """Raises Problem where the visitor may not say this under this source: an entrant for another, an evaluator for another."""
    programme = state.programme
    if source not in [one.source for one in sources_for(visitor, state, name)]:
        raise Problem("forbidden", f"{visitor.name} may not do that here as {source}")
    kind = ACTS[name].type if name in ACTS else name
    concern = concern_of(state, kind, data)
    entrant, evaluator = own_entrant(visitor, programme), own_evaluator(visitor, programme)
    if name in ENTRANTS and entrant not in (concern.entrant, data.get("entrant")):
        raise Problem("forbidden", f"{visitor.name} speaks for {entrant}, and not for another entrant")
    if name in ENTRANTS and data.get("entrant") not in (None, entrant):
        raise Problem("forbidden", f"{visitor.name} speaks for {entrant}, and not for another entrant")
    if state.sources[source].panel is not None and not visitor.may("act", programme) and concern.evaluator != evaluator:
        raise Problem("forbidden", f"{visitor.name} speaks for {evaluator}, and not for another evaluator")


def doer_of(site: Site, programme: str, fact: Fact) -> str | None:
    """The account that sent an act, as far as it was sent from a console."""
    stored = next(iter(site.reading.ledger.read(programme, fact.index, fact.index + 1, with_openings=False)))
    entry = decode_entry(stored.entry)
    return sent_by(site, Position(entry.topic, entry.partition, entry.offset))


def awaiting_approval(state: State) -> list[tuple[str, str, Fact]]:
    """Acts that a second person has to approve and has not: event id, phase, and the act; the latest first."""
    found = []
    for event_id, (phase_id, fact) in state.acts.items():
        asked = {f"phasegate.{kind}.v1" for kind in state.phases[phase_id].rules.approvals}
        if fact.event.type in asked and event_id not in state.approved:
            found.append((event_id, phase_id, fact))
    return found[::-1]


def require_another_person(site: Site, visitor: Visitor, state: State, act_id: str) -> None:
    """Raises Refused where the visitor did the act that is to be approved."""
    found = state.acts.get(act_id)
    if found is not None and doer_of(site, state.programme, found[1]) == sender_of(visitor):
        raise Refused(f"{visitor.name} did that; another person has to approve it", hint="an account of another person")
