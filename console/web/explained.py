"""Explanations that pages show again and again: each is made once for a size of the log, and kept as plain data."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.figures.figure import Figure
from console.figures.of_phase import standings_of, timeline_of
from console.telling.sentences import Names, names_of
from events.errors import NotFound
from events.rulebook import Phase
from events.values import format_instant
from flows.explained import known_of
from flows.reading import Reading
from handlers.explaining import decision_to_explain, explain
from handlers.explaining_fragility import fragility_of
from handlers.explanation import Explanation, Point
from handlers.other_history import size_decided_from
from handlers.state import Decision, PhaseState, State
from handlers.views import attestations_view, decision_view, objections_view

KEPT = 64
"""Explanations that are kept, the latest asked for."""

Key = tuple[str, int, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation, and what stands around it on a page. `view` is that of the decision (`handlers.views`); `decisions`
    are the ids of all that the phase has had.
    """

    told: Explanation
    names: Names
    rules: Phase
    view: Mapping[str, Any]
    decisions: tuple[str, ...]
    signatures: tuple[Mapping[str, Any], ...] = ()
    objections: tuple[Mapping[str, Any], ...] = ()
    attestations: tuple[Mapping[str, Any], ...] = ()
    figures: tuple[Figure, ...] = ()


def phase_of(state: State, phase_id: str) -> PhaseState:
    """Raises NotFound for one that is not open at this moment."""
    phase = state.phases.get(phase_id)
    if phase is None:
        raise NotFound(f"{phase_id!r} is not open, so nothing of it can be explained")
    return phase


def state_of(reading: Reading, programme: str, size: int) -> State:
    """What was known at a size of the log."""
    return reading.reader.prefix(programme, size).state


@dataclass(slots=True)
class Explanations:
    """Who asks has the turn of the programme. What was erased since is not told from what was kept before."""

    reading: Reading
    _kept: OrderedDict[Key, Any] = field(default_factory=OrderedDict)
    _erased: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, programme: str, size: int, phase: str, entrant: str | None, decision: str | None) -> Explained:
        """Raises NotFound for a phase, an entrant or a decision that is not there."""

        def make() -> Explained:
            return _explained(self.reading, state_of(self.reading, programme, size), phase, entrant, decision)

        found = self._once((programme, size, phase, entrant or "", decision or "", "whole"), make)
        assert isinstance(found, Explained)
        return found

    def fragility(
        self, programme: str, size: int, phase: str, entrant: str, decision: str | None
    ) -> tuple[Names, tuple[Point, ...]]:
        """How close it was, with the names that stand in it; nothing before a decision."""

        def make() -> tuple[Names, tuple[Point, ...]]:
            state = state_of(self.reading, programme, size)
            return names_of(state), _fragility(self.reading, state, phase, entrant, decision)

        names, points = self._once((programme, size, phase, entrant, decision or "", "fragility"), make)
        return names, points

    def _once(self, key: Key, make: Callable[[], Any]) -> Any:
        erased = len(self.reading.state(key[0]).erased)
        with self._lock:
            if self._erased.get(key[0], erased) != erased:
                self._kept.clear()
            self._erased[key[0]] = erased
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def _explained(reading: Reading, state: State, phase_id: str, entrant: str | None, wanted: str | None) -> Explained:
    phase = phase_of(state, phase_id)
    if entrant is not None and entrant not in phase.entrants:
        raise NotFound(f"{entrant!r} does not take part in {phase_id}")
    decision = decision_to_explain(phase, wanted)
    names = names_of(state)
    around = _around(phase, decision)
    told = explain(known_of(reading, state.programme, state, decision), phase_id, entrant, decision)
    return Explained(told, names, phase.rules, decisions=tuple(phase.decisions), **around)


def _around(phase: PhaseState, decision: Decision | None) -> dict[str, Any]:
    """What stands around the explanation of a phase."""
    if decision is None:
        return {"view": {}, "figures": (timeline_of(phase),)}
    own = decision.fact.event.id
    return {
        "view": decision_view(phase, decision),
        "signatures": tuple(signatures(phase, decision)),
        "objections": tuple(row for row in objections_view(phase) if row["decision"] == own),
        "attestations": tuple(attestations_view(decision)),
        "figures": (standings_of(phase, decision), timeline_of(phase)),
    }


def signatures(phase: PhaseState, decision: Decision) -> list[dict[str, Any]]:
    """Every signature that the rules ask for: who, with which meaning, when, and its entry; None where it is outstanding."""
    rows = []
    for duty in phase.rules.sign_off:
        fact = decision.signatures.get(duty.role)
        received = None if fact is None else format_instant(fact.received_ms)
        index = None if fact is None else fact.index
        rows.append({"role": duty.role, "meaning": duty.meaning, "received": received, "index": index})
    return rows


def _fragility(reading: Reading, state: State, phase_id: str, entrant: str, wanted: str | None) -> tuple[Point, ...]:
    decision = decision_to_explain(phase_of(state, phase_id), wanted)
    if decision is None:
        return ()
    size = size_decided_from(state, decision, reading.head(state.programme).origin)
    if size is None:
        return ()
    return fragility_of(reading.reader.prefix(state.programme, size).state, phase_id, entrant)
