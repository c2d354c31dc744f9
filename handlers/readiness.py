"""What a phase still waits for after its intake is closed, and since which size of the log it waits for nothing: the cut.

The cut is the smallest log size at which the intake is closed and nothing that the rules ask for is missing. It is noted
while the log is folded, so that no flow chooses it; once noted it does not move (ARCHITECTURE, principle 4).
"""

from __future__ import annotations

from collections.abc import Iterator

from events.values import parse_number
from handlers.gates import gate_results, outstanding
from handlers.marks import Mark, Marks, Seats, missing_marks, quorum_shortfalls, seats_of
from handlers.outcomes import PhaseOutcome, decide_outcomes
from handlers.reasons import Unresolved
from handlers.scoring import ScoreTable, score_phase
from handlers.state import Fact, PhaseState, State
from handlers.windows import is_in_time, last_window

_NEVER_LAST = frozenset({"phasegate.score.recorded.v1", "phasegate.score.corrected.v1"})
"""Types that cannot arrive after the intake is closed, so that folding a million marks asks nothing of each."""


def note_cut(state: State, fact: Fact) -> None:
    """Notes the cut of each phase that waits for nothing since `fact`. To be called after each accepted event."""
    if fact.event.type in _NEVER_LAST:
        return
    for phase in state.phases.values():
        if phase.closed is not None and phase.cut is None and next(all_owed(state, phase), None) is None:
            phase.cut = state.size


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
    empty = {leaf.panel for path, leaf in rules.leaves.items() if not seats[path]}
    for panel in sorted(empty):
        yield Unresolved("panel-empty", "programme office", panel)
    present, marks = competing(state, phase), phase_marks(phase)
    if rules.missing == "hold":
        for entrant, criterion, item, evaluator in missing_marks(rules, present, marks, seats):
            yield Unresolved("mark-missing", evaluator, f"{entrant}/{criterion}/{item}")
    for gap in quorum_shortfalls(rules, present, marks, seats):
        yield Unresolved("quorum-missing", gap.panel, f"{gap.entrant}: {gap.have} of {gap.need}")


def withdrawn_in_time(state: State, phase: PhaseState) -> dict[str, tuple[str, ...]]:
    """The entrants of the phase that withdrew before its intake was complete, with the events that say so. A later
    withdrawal takes effect after the decision.
    """
    window = last_window(phase)
    return {
        entrant: (fact.event.id,)
        for entrant, fact in state.withdrawn.items()
        if entrant in phase.entrants and (window is None or is_in_time(state, phase.rules.id, window, fact))
    }


def without_submission(phase: PhaseState) -> frozenset[str]:
    """The entrants that handed nothing in, where the phase asks for it."""
    if "submissions" not in phase.deadlines:
        return frozenset()
    return frozenset(phase.entrants) - phase.submissions.keys()


def competing(state: State, phase: PhaseState) -> list[str]:
    """The entrants that are to be scored, sorted."""
    return sorted(set(phase.entrants) - withdrawn_in_time(state, phase).keys() - without_submission(phase))


def phase_marks(phase: PhaseState) -> Marks:
    """The marks in force, as exact numbers."""
    return {
        slot: Mark(parse_number(mark.value), None if mark.reference is None else parse_number(mark.reference), mark.ids)
        for slot, mark in phase.marks.items()
    }


def phase_seats(state: State, phase: PhaseState) -> Seats:
    """The evaluators of each leaf: those appointed to its panel in time for the scores."""
    panels = {
        panel: [e for e, fact in members.items() if is_in_time(state, phase.rules.id, "scores", fact)]
        for panel, members in state.appointed.items()
    }
    return seats_of(phase.rules, panels)


def score_table(state: State, phase: PhaseState) -> ScoreTable:
    """Every value that the marks in force give, for the entrants that compete."""
    return score_phase(phase.rules, competing(state, phase), phase_marks(phase), phase_seats(state, phase))


def outcome_of(state: State, phase: PhaseState) -> PhaseOutcome:
    """What the rules make of everything that is known of the phase. A function of the set of accepted events."""
    return decide_outcomes(
        phase.rules,
        score_table(state, phase),
        gates=gate_results(state, phase),
        withdrawn=withdrawn_in_time(state, phase),
        no_submission=without_submission(phase),
    )
