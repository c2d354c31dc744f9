"""What one evaluator has to mark in a phase, and what of it is done: one sheet for each entrant, one line for each item.

Nothing of other evaluators is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from events.rulebook import Leaf, Phase
from handlers.exclusions import is_effective, is_waiver, waived_slots
from handlers.marking_order import Seed, drawn
from handlers.marks import Seats
from handlers.readiness import withdrawn_in_time, without_submission
from handlers.seats import phase_seats
from handlers.state import Mark, PhaseState, Slot, State
from handlers.windows import counts, deadline, is_complete, reopened_window, submissions_window


@dataclass(frozen=True, slots=True)
class Line:
    """One item. `mark` counts as far as is known; `proposed` is a correction of it that waits for a second person; `waived`:
    nobody waits for this mark.
    """

    leaf: Leaf
    item: str
    mark: Mark | None
    proposed: Mark | None
    waived: bool

    @property
    def is_missing(self) -> bool:
        return self.mark is None and not self.waived


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that one evaluator gives one entrant; `out` says why nothing is theirs to mark here: `recused`, `conflict`
    or `annulled`, and of an entrant that is out for everybody `withdrew` or `no-submission`.
    """

    entrant: str
    lines: tuple[Line, ...]
    out: str | None

    @property
    def given(self) -> int:
        return sum(line.mark is not None for line in self.lines)

    @property
    def missing(self) -> tuple[Line, ...]:
        return () if self.out else tuple(line for line in self.lines if line.is_missing)


def panels_of(state: State, evaluator: str) -> frozenset[str]:
    """The panels that this evaluator was ever appointed to."""
    return frozenset(panel for panel, rows in state.appointed.items() if evaluator in rows)


def may_come(state: State, rules: Phase, evaluator: str) -> bool:
    """Whether a phase that is not open yet has something to mark for this evaluator."""
    panels = panels_of(state, evaluator)
    return any(leaf.panel in panels for leaf in rules.leaves.values())


def is_seated(state: State, phase: PhaseState, evaluator: str) -> bool:
    """Whether this evaluator is to mark anything here."""
    return any(evaluator in seated for seated in phase_seats(state, phase).values())


def sheets_of(state: State, phase: PhaseState, evaluator: str, seed: Seed) -> list[Sheet]:
    """One for each entrant, in the order drawn; empty for who is not seated here."""
    seats = phase_seats(state, phase)
    leaves = [leaf for path, leaf in phase.rules.leaves.items() if evaluator in seats[path]]
    if not leaves:
        return []
    out, waived = _out(state, phase, evaluator), _waived(state, phase, seats, evaluator)
    return [
        Sheet(entrant, _lines(state, phase, leaves, (entrant, evaluator), waived), out.get(entrant))
        for entrant in drawn(seed, evaluator, phase.entrants)
    ]


def _lines(
    state: State, phase: PhaseState, leaves: list[Leaf], whose: tuple[str, str], waived: frozenset[Slot]
) -> tuple[Line, ...]:
    entrant, evaluator = whose
    found = []
    for leaf in leaves:
        for item in leaf.items:
            slot = (entrant, leaf.id, item, evaluator)
            mark, proposed = _standing(state, phase, slot)
            found.append(Line(leaf, item, mark, proposed, slot in waived))
    return tuple(found)


def _standing(state: State, phase: PhaseState, slot: Slot) -> tuple[Mark | None, Mark | None]:
    """The mark in force, and the correction that waits. One that was voided can be given again, so it is missing."""
    mark = phase.marks.get(slot)
    if mark is None or mark.ids[0] in phase.voided:
        return None, None
    waiting: Mark | None = None
    for event_id, after in phase.proposed.get(mark.ids[0], ()):
        if is_effective(state, phase, "score.corrected", event_id):
            mark, waiting = after, None
        else:
            waiting = after
    return mark, waiting


def _out(state: State, phase: PhaseState, evaluator: str) -> Mapping[str, str]:
    """Of which entrants this evaluator is out of the count, and by what; and who does not compete."""
    found = dict.fromkeys(withdrawn_in_time(state, phase), "withdrew")
    for entrant in without_submission(phase):
        if is_complete(state, phase.rules.id, submissions_window(phase, entrant)):
            found.setdefault(entrant, "no-submission")
    declared = state.conflicts if phase.rules.conflicts == "recuse" else []
    for code, facts in (("recused", state.recused), ("conflict", declared), ("annulled", phase.annulled)):
        for fact in facts:
            is_own = fact.data["evaluator"] == evaluator and counts(state, phase, fact)
            if is_own and (code != "annulled" or is_effective(state, phase, "marks.annulled", fact.event.id)):
                for entrant in fact.data.get("entrants") or phase.entrants:
                    found.setdefault(entrant, code)
    return found


def _waived(state: State, phase: PhaseState, seats: Seats, evaluator: str) -> frozenset[Slot]:
    own = {path: [evaluator] for path, seated in seats.items() if evaluator in seated}
    return frozenset(
        slot for fact in phase.waived if is_waiver(state, phase, fact) for slot in waived_slots(phase, own, fact)
    )


def closes_ms(state: State, phase: PhaseState) -> int | None:
    """Until when marks are taken, as far as is known (Unix milliseconds); None where nothing closes but the intake."""
    window = "scores" if phase.round.until_ms is None else reopened_window(phase.round)
    found = deadline(state, phase.rules.id, window)
    return max(phase.deadlines.values(), default=None) if found is None and window == "scores" else found
