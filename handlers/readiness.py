"""What a phase still waits for after its intake is closed, and since which size of the log it waits for nothing: the cut.

The cut is the smallest log size at which the intake is closed and nothing that the rules ask for is missing. It is noted
while the log is folded, so that no flow chooses it; once noted it does not move (ARCHITECTURE, principle 4).
"""

from __future__ import annotations

from collections.abc import Iterator

from events.values import parse_number
from handlers.entrant_cases import Circumstances, enter
from handlers.exclusions import exclusions, is_effective, is_waiver, marks_in_force, waived_slots
from handlers.gates import gate_results, outstanding, recognised
from handlers.hearings import OFFICE, owed_after_decision
from handlers.marks import Exclusions, Mark, Marks, Seats, missing_marks, quorum_shortfalls
from handlers.outcomes import PhaseOutcome, outcome_in
from handlers.ranking import TieChoice
from handlers.reasons import Unresolved
from handlers.scoring import ScoreTable, score_phase
from handlers.seats import phase_seats
from handlers.state import Fact, PhaseState, State
from handlers.windows import counts, is_in_time, last_window

NEVER_LAST = frozenset({"phasegate.score.recorded.v1", "phasegate.score.corrected.v1"})
"""Types that cannot arrive after the intake is closed, so that folding a million marks asks nothing of each."""


def note_cut(state: State) -> None:
    """Notes the cut of each phase that waits for nothing any more. To be called after each accepted event, marks excepted."""
    for phase in state.phases.values():
        present = phase.round
        if present.closed is None:
            continue
        if present.cut is None and next(all_owed(state, phase), None) is None:
            present.cut, present.is_holding = state.size, False
        elif present.is_holding and present.decision is not None:
            present.is_holding = next(owed_after_decision(state, phase), None) is not None


def owed_now(state: State, phase: PhaseState) -> tuple[Unresolved, ...]:
    """What a phase waits for at this moment: before its decision, or on the way from there to finality."""
    if phase.closed is None:
        return ()
    if phase.decision is not None:
        return tuple(owed_after_decision(state, phase))
    return () if phase.cut is not None else tuple(all_owed(state, phase))


def all_owed(state: State, phase: PhaseState) -> Iterator[Unresolved]:
    """Everything that a closed phase waits for, in a stable order."""
    owed_marks = list(_owed_marks(state, phase))
    yield from owed_marks
    for finding_id, finding in outstanding(state, phase):
        entrant, gate, count = finding.key
        who = ", ".join(phase.rules.gate(gate).ruling_by)
        yield Unresolved("ruling-outstanding", who, f"{entrant}/{gate}/{count} ({finding_id})")
    for row in outcome_of(state, phase).unresolved:
        if row.code != "not-scored" or not owed_marks:  # Who lacks a score for want of marks is named by those already.
            yield row


def _owed_marks(state: State, phase: PhaseState) -> Iterator[Unresolved]:
    rules, seats = phase.rules, phase_seats(state, phase)
    excluded = exclusions(state, phase, seats)
    empty = {leaf.panel for path, leaf in rules.leaves.items() if not seats[path]}
    for panel in sorted(empty):
        yield Unresolved("panel-empty", OFFICE, panel)
    present, marks = competing(state, phase), phase_marks(state, phase)
    if rules.missing in ("hold", "waive"):
        for entrant, criterion, item, evaluator in missing_marks(rules, present, marks, seats, excluded):
            yield Unresolved("mark-missing", evaluator, f"{entrant}/{criterion}/{item}")
    for gap in quorum_shortfalls(rules, present, marks, seats, excluded):
        yield Unresolved("quorum-missing", gap.panel, f"{gap.entrant}: {gap.have} of {gap.need}")


def awaited(state: State, phase: PhaseState) -> list[Fact]:
    """The acts after the intake that a decision rests on, each with the approval that gave it effect: waivers of marks
    that were missing, the first of each, and the person's choices that broke a tie. What was said beside them, and may
    stand before or after the cut, is not among them.
    """
    late = [fact for fact in (*phase.waived, *phase.ties) if not counts(state, phase, fact)]
    if not late and not state.approved:
        return []
    found = [*_needed_waivers(state, phase), *_needed_ties(state, phase)]
    return found + [state.approved[act.event.id][0] for act in found if act.event.id in state.approved]


def _needed_waivers(state: State, phase: PhaseState) -> Iterator[Fact]:
    seats = phase_seats(state, phase)
    excluded = exclusions(state, phase, seats)
    present, marks = competing(state, phase), phase_marks(state, phase)
    missing = set(missing_marks(phase.rules, present, marks, seats, Exclusions(excluded.pairs)))
    for fact in phase.waived:
        if not is_waiver(state, phase, fact):
            continue
        helped = missing.intersection(waived_slots(phase, seats, fact))
        if helped:
            missing -= helped
            yield fact


def _needed_ties(state: State, phase: PhaseState) -> Iterator[Fact]:
    cited = {
        event_id
        for row in outcome_of(state, phase).assessments
        for reason in row.reasons
        if reason.code == "tie-broken-by"
        for event_id in reason.cites
    }
    yield from (fact for fact in phase.ties if fact.event.id in cited)


def withdrawn_in_time(state: State, phase: PhaseState) -> dict[str, tuple[str, ...]]:
    """The entrants of the phase that withdrew before its first intake was complete, with the events that say so: the
    others move up.
    """
    window = last_window(phase)
    return {
        entrant: (fact.event.id,)
        for entrant, fact in state.withdrawn.items()
        if entrant in phase.entrants and (window is None or is_in_time(state, phase.rules.id, window, fact))
    }


def withdrawn_later(state: State, phase: PhaseState) -> dict[str, tuple[str, ...]]:
    """The entrants that withdrew after the first intake and in time for the present round: their places stay empty, or
    go to the next, as the rules say.
    """
    early = withdrawn_in_time(state, phase)
    return {
        entrant: (fact.event.id,)
        for entrant, fact in state.withdrawn.items()
        if entrant in phase.entrants and entrant not in early and counts(state, phase, fact)
    }


def without_submission(phase: PhaseState) -> frozenset[str]:
    """The entrants that handed nothing in, where the phase asks for it."""
    if "submissions" not in phase.deadlines:
        return frozenset()
    return frozenset(phase.entrants) - phase.submissions.keys()


def competing(state: State, phase: PhaseState) -> list[str]:
    """The entrants that are to be scored, sorted."""
    return sorted(set(phase.entrants) - withdrawn_in_time(state, phase).keys() - without_submission(phase))


def phase_marks(state: State, phase: PhaseState) -> Marks:
    """The marks in force, as exact numbers."""
    return {
        slot: Mark(parse_number(mark.value), None if mark.reference is None else parse_number(mark.reference), mark.ids)
        for slot, mark in marks_in_force(state, phase).items()
    }


def score_table(state: State, phase: PhaseState) -> ScoreTable:
    """Every value that the marks in force give, for the entrants that compete, by the phase's engine."""
    return phase.engine.scores(state, phase)


def outcome_of(state: State, phase: PhaseState) -> PhaseOutcome:
    """What the rules make of everything that is known of the phase, by its engine. A function of the set of accepted events."""
    return phase.engine.outcome(state, phase)


def scores_of_marks(state: State, phase: PhaseState) -> ScoreTable:
    """`score_table` of engine 1."""
    seats = phase_seats(state, phase)
    return _table(state, phase, seats, exclusions(state, phase, seats))


def _table(state: State, phase: PhaseState, seats: Seats, excluded: Exclusions) -> ScoreTable:
    return score_phase(phase.rules, competing(state, phase), phase_marks(state, phase), seats, excluded=excluded)


def outcome_of_facts(state: State, phase: PhaseState) -> PhaseOutcome:
    """`outcome_of` of engine 1. A function of the set of accepted events."""
    table = score_table(state, phase)
    return outcome_in(table, enter(phase.rules, table, circumstances(state, phase)))


def circumstances(state: State, phase: PhaseState, without: frozenset[tuple[str, str]] = frozenset()) -> Circumstances:
    """What bears on the outcome beside the scores; of `without` (evaluator, entrant) ticks and votes do not count."""
    return Circumstances(
        gate_results(state, phase, without),
        withdrawn_in_time(state, phase),
        withdrawn_later(state, phase),
        without_submission(phase),
        recognised(state, phase, without),
        tuple(_tie_choices(state, phase)),
    )


def _tie_choices(state: State, phase: PhaseState) -> Iterator[TieChoice]:
    """The persons' choices that have effect; a later round's goes before."""
    for fact in sorted(phase.ties, key=lambda fact: -_round_of(phase, fact)):
        if is_effective(state, phase, "tie.resolved", fact.event.id, whenever=True):
            yield TieChoice(tuple(fact.data["order"]), (fact.event.id,), not counts(state, phase, fact))


def _round_of(phase: PhaseState, fact: Fact) -> int:
    """The round that ran when an act of the topic `decisions` was said."""
    return max(row.number for row in phase.rounds if row.opened.index < fact.index)
