"""What an event would do, before it is sent: the verdict that it would get now, and whose rank, total or outcome changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from events.envelope import Envelope
from events.errors import Refused
from events.names import TYPES
from handlers.judge import judge_content
from handlers.preview import preview
from handlers.recording import WRITTEN
from handlers.state import Fact, State
from handlers.verdicts import Pending, Refusal, Verdict

_BEHIND_ALL = 2**53


@dataclass(frozen=True, slots=True)
class Effect:
    """`verdict` is that of the recorder if it came now. `phases` are previews as `preview --json` has them; None where what
    others stand to gain or lose is not for this visitor, or nothing can change.
    """

    verdict: str
    reason: str | None = None
    detail: str | None = None
    waits_for: tuple[str, ...] = ()
    phases: list[dict[str, Any]] | None = None
    approved_by: str | None = None
    problems: list[str] = field(default_factory=list)


def effect_of(state: State, event: Envelope, at_ms: int, *, with_changes: bool) -> Effect:
    """Reads the state and changes nothing in it. Who asks has the turn of the programme."""
    verdict = verdict_now(state, event, at_ms)
    refusal = verdict if isinstance(verdict, Refusal) else None
    phases, problems = _changes(state, event, at_ms) if with_changes else (None, [])
    return Effect(
        WRITTEN[type(verdict)],
        None if refusal is None else refusal.reason,
        None if refusal is None else refusal.detail,
        tuple(" ".join(key) for key in verdict.keys) if isinstance(verdict, Pending) else (),
        phases,
        _approver(state, event),
        problems,
    )


def verdict_now(state: State, event: Envelope, at_ms: int) -> Verdict:
    """Of a record received now behind everything that is there. Whether its signature holds, and whether the same is on its
    way already, only the recorder sees.
    """
    return judge_content(state, Fact(state.size, TYPES[event.type].topics[0], _BEHIND_ALL, at_ms, at_ms, event))


def _changes(state: State, event: Envelope, at_ms: int) -> tuple[list[dict[str, Any]], list[str]]:
    try:
        phases, _ = preview(state, [event], at_ms)
    except Refused as error:
        return [], [error.message]
    return [phase.data() for phase in phases], []


def _approver(state: State, event: Envelope) -> str | None:
    """The role that a second person has to have, where the rules ask for one."""
    kind = TYPES[event.type].short
    for phase in state.phases.values():
        is_about = event.data.get("phase") == phase.rules.id or event.data.get("score") in phase.slot_of
        role = {str(name): role for name, role in phase.rules.approvals.items()}.get(kind)
        if is_about and role is not None:
            return role
    return None
