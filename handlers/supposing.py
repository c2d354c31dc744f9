"""Supposing that events were accepted: a copy of what is known is taken further, and nothing of it is ever recorded.

Supposed is too what stands in the way: that a phase is reopened where its intake is closed, that a second person approves
where the rules ask for one, that the events are in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from events.envelope import Envelope
from events.errors import Refused
from events.names import TYPES
from events.values import format_instant
from handlers.concerns import concern_of
from handlers.course import advanced
from handlers.evolve import evolve
from handlers.judge import judge_content
from handlers.seats import members
from handlers.state import Fact, PhaseState, Round, State
from handlers.verdicts import Accepted, Pending, Refusal
from handlers.windows import last_window

_ANEW = frozenset({
    "score.recorded", "score.corrected", "score.voided", "marks.annulled", "evaluator.recused", "conflict.declared",
    "ruling.issued", "mark.waived", "tie.resolved", "act.approved", "entrant.withdrawn",
})  # fmt: skip
"""Acts that change a closed phase only when it is reopened."""

_RESOLVES = frozenset({"ruling.issued", "mark.waived", "tie.resolved", "act.approved"})
"""Among them those that a held phase waits for: it needs no reopening."""

_WINDOWS = {"score.recorded": "scores", "score.corrected": "scores"} | dict.fromkeys(
    ("finding.recorded", "count.ticked", "recognition.voted"), "audits"
)


@dataclass(slots=True)
class World:
    """A copy of what is known, and what was supposed in it, by phase."""

    state: State
    now_ms: int
    assumed: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    unaccepted: list[dict[str, Any]] = field(default_factory=list)

    def assume(self, phase: PhaseState, code: str, what: str) -> None:
        rows = self.assumed.setdefault(phase.rules.id, [])
        if (row := {"code": code, "what": what}) not in rows:
            rows.append(row)

    def fact(self, event: Envelope, received_ms: int) -> Fact:
        """A fact in front of every marker."""
        fact = Fact(self.state.size, TYPES[event.type].topics[0], -1, received_ms, received_ms, event)
        self.state.size += 1
        return fact


def suppose(world: World, event: Envelope) -> list[str]:
    """Takes the world as if the event were accepted; the phases it concerns."""
    name, state = TYPES[event.type].short, world.state
    phases = list(_concerned(state, name, event.data))
    for phase in phases:
        if _needs_reopening(phase, name, event.data):
            _reopen(world, phase, event)
    received_ms = world.now_ms
    for phase in phases[:1]:
        received_ms = _in_time(world, phase, name)
        event = _within(phase, name, event)
    fact = world.fact(event, received_ms)
    verdict = judge_content(state, fact)
    if not isinstance(verdict, Accepted):
        world.unaccepted.append(_row(event, verdict))
        return [phase.rules.id for phase in phases]
    evolve(state, fact)
    for phase in phases:
        _approve(world, phase, name, fact)
        if name == "objection.ruled" and event.data["outcome"] == "upheld":
            _reopen(world, phase, event)
    return [phase.rules.id for phase in phases]


def _row(event: Envelope, verdict: Any) -> dict[str, Any]:
    row = {"id": event.id, "type": event.type, "verdict": "refused", "reason": None, "detail": None}
    match verdict:
        case Refusal(reason, detail):
            return row | {"reason": reason, "detail": detail}
        case Pending(keys):
            return row | {"verdict": "pending", "detail": "waits for " + ", ".join(" ".join(key) for key in keys)}
        case _:
            return row


def _concerned(state: State, name: str, data: dict[str, Any]) -> Iterator[PhaseState]:
    """The phase that an event names; of one about a person or a team, every phase where that still makes a difference."""
    named = concern_of(state, name, data).phase
    if named is not None:
        if named.status == "final":
            raise Refused(f"{named.rules.id} is final; a final decision does not change", hint="nothing was sent")
        yield named
        return
    for phase in state.phases.values():
        if phase.status != "final" and _is_about(state, phase, name, data):
            yield phase


def _is_about(state: State, phase: PhaseState, name: str, data: dict[str, Any]) -> bool:
    if name in ("evaluator.recused", "conflict.declared"):
        seated = {who for panel in phase.rules.panels for who in members(state, phase, panel)}
        return data["evaluator"] in seated
    if name == "evaluator.appointed":
        return data["panel"] in phase.rules.panels
    return name == "entrant.withdrawn" and data["entrant"] in phase.entrants


def _needs_reopening(phase: PhaseState, name: str, data: dict[str, Any]) -> bool:
    if phase.closed is None or name not in _ANEW:
        return False
    if name == "entrant.withdrawn":  # Of one that did not advance there is no new decision.
        return data["entrant"] in advanced(phase)
    if name == "conflict.declared" and phase.rules.conflicts != "recuse":
        return False
    return phase.cut is not None or name not in _RESOLVES


def _reopen(world: World, phase: PhaseState, event: Envelope) -> None:
    """A round that takes in everything up to now."""
    ends = [*phase.deadlines.values(), *(row.until_ms or 0 for row in phase.rounds)]
    until_ms = max([world.now_ms, *ends])
    data = {"phase": phase.rules.id, "until": format_instant(until_ms), "reason": "office", "causes": [event.id]}
    reopened = replace(event, id=f"supposed-{world.state.size}", type="phasegate.phase.reopened.v1", data=data)
    phase.rounds.append(Round(phase.round.number + 1, world.fact(reopened, world.now_ms), until_ms))
    world.assume(phase, "reopened", f"until {format_instant(until_ms)}")


def _in_time(world: World, phase: PhaseState, name: str) -> int:
    """When the event would be received: now, or the last instant that is in time for what is open."""
    if phase.closed is not None:
        return world.now_ms
    window = _WINDOWS.get(name)
    last_ms = phase.round.until_ms
    if last_ms is None:
        last_ms = phase.deadlines.get(window or "", phase.deadlines.get(last_window(phase) or ""))
    if last_ms is None or world.now_ms <= last_ms or name == "window.extended":
        return world.now_ms
    world.assume(phase, "in-time", f"received by {format_instant(last_ms)}")
    return last_ms


def _within(phase: PhaseState, name: str, event: Envelope) -> Envelope:
    """Marks name the reopening that they are given in."""
    if phase.round.until_ms is None or name not in ("score.recorded", "score.corrected"):
        return event
    return replace(event, data={"reopening": phase.round.opened.event.id, **event.data})


def _approve(world: World, phase: PhaseState, name: str, fact: Fact) -> None:
    role = {str(act): role for act, role in phase.rules.approvals.items()}.get(name)
    if role is None:
        return
    data = {"act": fact.event.id, "role": role, "meaning": "approves"}
    said = replace(fact.event, id=f"supposed-{world.state.size}", type="phasegate.act.approved.v1", data=data)
    evolve(world.state, world.fact(said, fact.received_ms))
    world.assume(phase, "approved", f"{fact.event.id} by {role}")
