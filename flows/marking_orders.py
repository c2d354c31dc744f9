"""The orders drawn for the evaluators of a phase, from a ledger: with the root that they are drawn from, and what was done."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from events.errors import NotFound
from flows.reading import Reading
from handlers.marking_order import DOMAIN, Seed, lot, seed_of, seed_size
from handlers.seats import phase_seats
from handlers.sheets import Sheet, sheets_of
from handlers.state import PhaseState, State


@dataclass(slots=True)
class Seeds:
    """Computed once for each opening: the root of a prefix never changes."""

    reading: Reading
    _roots: dict[tuple[str, int], bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, programme: str, phase: PhaseState) -> Seed:
        """What the lots of a phase are drawn from."""
        key = (programme, seed_size(phase))
        with self._lock:
            if key not in self._roots:
                self._roots[key] = self.reading.reader.root(*key)
            return seed_of(phase, self._roots[key])


def orders(seeds: Seeds, state: State, phase_id: str, evaluator: str | None) -> dict[str, Any]:
    """The orders of everybody who marks in a phase, or of one. Raises NotFound where there is no such order."""
    phase = state.phases.get(phase_id)
    if phase is None:
        raise NotFound(
            f"{phase_id!r} is not open, so no order is drawn yet",
            hint=f"phasegate status {state.programme} shows the phases",
        )
    seated = sorted({who for members in phase_seats(state, phase).values() for who in members})
    if evaluator is not None and evaluator not in seated:
        known = ", ".join(seated) or "nobody"
        raise NotFound(f"{evaluator!r} marks nothing in {phase_id}; these do: {known}")
    seed = seeds.of(state.programme, phase)
    return {
        "programme": state.programme,
        "phase": phase_id,
        "domain": DOMAIN,
        "size": seed_size(phase),
        "root": seed.root.hex(),
        "rulebook": seed.rulebook,
        "orders": [_order(state, phase, seed, who) for who in seated if evaluator in (None, who)],
    }


def _order(state: State, phase: PhaseState, seed: Seed, evaluator: str) -> dict[str, Any]:
    """`turn` says as which an entrant was in fact marked first, of those that were: whether the order was kept."""
    turns = _turns(phase, evaluator)
    rows = [_row(sheet, seed, evaluator, turns) for sheet in sheets_of(state, phase, evaluator, seed)]
    return {"evaluator": evaluator, "entrants": rows}


def _row(sheet: Sheet, seed: Seed, evaluator: str, turns: dict[str, int]) -> dict[str, Any]:
    return {
        "entrant": sheet.entrant,
        "lot": lot(seed, evaluator, sheet.entrant),
        "out": sheet.out,
        "items": len(sheet.lines),
        "given": sheet.given,
        "turn": turns.get(sheet.entrant),
    }


def _turns(phase: PhaseState, evaluator: str) -> dict[str, int]:
    """Marks stand in the order in which they came to count."""
    found: dict[str, int] = {}
    for entrant, _, _, who in phase.marks:
        if who == evaluator:
            found.setdefault(entrant, len(found) + 1)
    return found
