"""What does not count in the present round of a phase: recused and annulled marks, voided ones, and what is waived.

All of it acts here and not on verdicts, so that the order among topics does not matter: an act counts when it is in time
for the round (`windows.counts`) and approved where the rules ask for a second person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handlers.marks import Exclusions, Seats, Slot
from handlers.state import Fact, Mark, PhaseState, State
from handlers.windows import counts


def is_effective(state: State, phase: PhaseState, act: str, event_id: str, *, whenever: bool = False) -> bool:
    """No second person is asked for, or one has approved in time for the round. `whenever`: an approval after the intake
    counts too, because the phase waits for it.
    """
    if act not in phase.rules.approvals:
        return True
    return any(whenever or counts(state, phase, approval) for approval in state.approved.get(event_id, ()))


def excluded_pairs(state: State, phase: PhaseState) -> frozenset[tuple[str, str]]:
    """(evaluator, entrant) whose marks, ticks and votes do not count and are not waited for."""
    return frozenset(_pairs(state, phase))


def _pairs(state: State, phase: PhaseState) -> Iterator[tuple[str, str]]:
    declared = state.conflicts if phase.rules.conflicts == "recuse" else []
    for fact in (*state.recused, *declared):
        if counts(state, phase, fact):
            yield from ((fact.data["evaluator"], entrant) for entrant in fact.data["entrants"])
    for fact in phase.annulled:
        if counts(state, phase, fact) and is_effective(state, phase, "marks.annulled", fact.event.id):
            entrants = fact.data.get("entrants") or phase.entrants
            yield from ((fact.data["evaluator"], entrant) for entrant in entrants)


def exclusions(state: State, phase: PhaseState, seats: Seats) -> Exclusions:
    """Everything that is out of the count, and the marks that are not waited for."""
    return Exclusions(excluded_pairs(state, phase), frozenset(_waived(state, phase, seats)))


def _waived(state: State, phase: PhaseState, seats: Seats) -> Iterator[Slot]:
    """The slots that waivers name. Where the phase is held for a missing mark a waiver counts whenever it comes: nothing
    is decided before. Elsewhere it must be in time, since nothing waits for it.
    """
    for fact in phase.waived:
        if is_waiver(state, phase, fact):
            yield from waived_slots(phase, seats, fact)


def is_waiver(state: State, phase: PhaseState, fact: Fact) -> bool:
    """A waiver that has effect, as far as is known."""
    waits = phase.rules.missing in ("hold", "waive")
    if not waits and not counts(state, phase, fact):
        return False
    return is_effective(state, phase, "mark.waived", fact.event.id, whenever=waits)


def waived_slots(phase: PhaseState, seats: Seats, fact: Fact) -> Iterator[Slot]:
    """What a waiver names: everything in what it leaves out."""
    data = fact.data
    entrant, criterion, item, evaluator = (data.get(name) for name in ("entrant", "criterion", "item", "evaluator"))
    for path, leaf in phase.rules.leaves.items():
        if criterion not in (None, path):
            continue
        yield from (
            (who, path, what, judge)
            for who in phase.entrants
            for what in leaf.items
            for judge in seats.get(path, ())
            if entrant in (None, who) and item in (None, what) and evaluator in (None, judge)
        )


def marks_in_force(state: State, phase: PhaseState) -> Mapping[Slot, Mark]:
    """The marks that count as they stand now: without voided ones, with the corrections that a second person approved.
    Of several in one slot the first that is not void stands: one given again counts only if the void before it does.
    """
    if not phase.voided and not phase.proposed:
        return phase.marks
    found = dict(phase.marks)
    for slot in {phase.slot_of[first_id] for first_id in (*phase.voided, *phase.proposed)}:
        given = [*phase.replaced.get(slot, ()), phase.marks[slot]]
        standing = next((mark for mark in given if not _is_void(state, phase, mark)), None)
        if standing is None:
            del found[slot]
        else:
            found[slot] = _as_approved(state, phase, standing)
    return found


def _as_approved(state: State, phase: PhaseState, mark: Mark) -> Mark:
    proposals = phase.proposed.get(mark.ids[0], ())
    effective = [after for event_id, after in proposals if is_effective(state, phase, "score.corrected", event_id)]
    return effective[-1] if effective else mark


def _is_void(state: State, phase: PhaseState, mark: Mark) -> bool:
    voids = phase.voided.get(mark.ids[0], ())
    return any(
        counts(state, phase, fact) and is_effective(state, phase, "score.voided", fact.event.id) for fact in voids
    )
