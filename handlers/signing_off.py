"""Supposed signatures: whoever must sign a decision, and is nowhere on record to sign it, does so when nothing else is due."""

from __future__ import annotations

from collections.abc import Collection

from events.derived import derived_id
from events.envelope import Envelope
from events.values import format_instant
from handlers.decide import Outgoing
from handlers.state import PhaseState, State
from handlers.told import Told

SIGNED = "phasegate.decision.signed.v1"


class Signatures:
    """Who signs what on record, by the place in the course."""

    def __init__(self, course: Collection[Told]) -> None:
        self._places: dict[tuple[str, str], int] = {}
        for place, told in enumerate(course):
            if told.event is not None and told.event.type == SIGNED:
                data = told.event.data
                self._places[str(data.get("decision")), str(data.get("role"))] = place

    def wanting(self, state: State, place: int, now_ms: int) -> Outgoing | None:
        """A signature that a decision waits for and that nobody gives behind `place`; None where there is none."""
        for phase in state.phases.values():
            decision = phase.decision
            if decision is None or decision.finalised is not None or decision.returned is not None:
                continue
            decision_id = decision.fact.event.id
            for duty in phase.rules.sign_off:
                if duty.role in decision.signatures or self._places.get((decision_id, duty.role), -1) > place:
                    continue
                if (source := _signer(state, duty.role)) is not None:
                    return "decisions", _signature(state, phase, (decision_id, duty.role, duty.meaning), source, now_ms)
        return None


def _signer(state: State, role: str) -> str | None:
    able = (row for row in state.sources.values() if row.role == role)
    return next((row.source for row in able if "*" in row.types or "decision.signed" in row.types), None)


def _signature(state: State, phase: PhaseState, said: tuple[str, str, str], source: str, now_ms: int) -> Envelope:
    decision_id, role, meaning = said
    event_id = derived_id(state.programme, SIGNED, phase.rules.id, f"{decision_id}/{role}", 1)
    data = {"decision": decision_id, "role": role, "meaning": meaning}
    return Envelope(event_id, source, SIGNED, state.programme, format_instant(now_ms), data)
