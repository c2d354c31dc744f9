"""due: what a programme's record asks for next. Pure, and asked again after everything that was done.

Nothing here waits: a flow performs what is due, sees it recorded, and asks again (ARCHITECTURE, "Flows are level-triggered").
"""

from __future__ import annotations

from collections.abc import Iterator

from events.record import TOPICS
from events.rulebook import Phase
from events.values import parse_instant
from handlers.course import advanced, entrants_of, is_empty, is_skipped, vacant_places
from handlers.hearings import is_heard, reopening
from handlers.readiness import owed_now
from handlers.reasons import Unresolved
from handlers.screen import outstanding_screens
from handlers.state import Decision, PhaseState, State
from handlers.transition import (
    CloseIntake,
    ConcludeProgramme,
    DecideCall,
    DecidePhase,
    FinaliseDecision,
    GrantAwards,
    HoldPhase,
    MarkWindow,
    OpenCall,
    OpenPhase,
    PublishFigures,
    ReopenPhase,
    ScreenSubmissions,
    Transition,
)
from handlers.windows import (
    CALL,
    REBUTTAL,
    REGISTRATION,
    deadline,
    intake_windows,
    is_complete,
    is_signed,
    markers,
    objections_window,
    round_windows,
)


def due(state: State, now_ms: int) -> Transition | None:
    """The first thing that is due at `now_ms` (Unix milliseconds), or None when the programme waits for people or time."""
    if state.rulebook is None or state.concluded is not None:
        return None
    for rules in state.rulebook.phases:
        transition, is_over = _in_course(state, rules, now_ms)
        if transition is not None or not is_over:
            return transition
    return ConcludeProgramme(state.rulebook.phases[-1].id)


def _in_course(state: State, rules: Phase, now_ms: int) -> tuple[Transition | None, bool]:
    """What is due in a phase, and whether nothing of it is to come any more."""
    if rules.call is not None and rules.id not in state.calls:
        return _calling(state, rules, now_ms)
    call = state.calls.get(rules.id)
    phase = state.phases.get(rules.id)
    if phase is None:
        if call is not None and call.decided is not None:
            return None, True
        return _opening(state, rules, now_ms), is_empty(state, rules)
    if phase.status != "final":
        return _in_phase(state, phase, now_ms), False
    if call is not None and call.decided is None:
        return DecideCall(rules.id), False
    return _after_finality(state, phase), True


def _calling(state: State, rules: Phase, now_ms: int) -> tuple[Transition | None, bool]:
    """A call opens at its instant where there is a place to fill, and is passed over where there is none."""
    if not is_complete(state, rules.id, CALL):
        return _mark(state, rules.id, CALL, now_ms), False
    if is_skipped(state, rules):
        return None, True
    return OpenCall(rules.id, vacant_places(state, rules)), False


def _opening(state: State, rules: Phase, now_ms: int) -> Transition | None:
    if rules.opens is None or now_ms <= parse_instant(rules.opens):
        return None
    if not is_complete(state, rules.id, REGISTRATION):
        return _mark(state, rules.id, REGISTRATION, now_ms)
    entrants = entrants_of(state, rules)
    if entrants:
        return OpenPhase(rules.id, entrants)
    return DecideCall(rules.id) if rules.call is not None else None


def _mark(state: State, phase_id: str, window: str, now_ms: int) -> MarkWindow | None:
    """The marker that a window lacks, once its deadline has passed."""
    last_ms = deadline(state, phase_id, window)
    if last_ms is None or now_ms <= last_ms:
        return None
    marked, tried = markers(state, phase_id, window), state.attempts.get((phase_id, window), {})
    attempts = tuple((topic, tried.get(topic, 0) + 1) for topic in TOPICS if topic not in marked)
    return MarkWindow(phase_id, window, last_ms, attempts)


def _in_phase(state: State, phase: PhaseState, now_ms: int) -> Transition | None:
    if phase.decision is not None:
        return _after_decision(state, phase, phase.decision, now_ms)
    if phase.closed is None:
        return _before_closing(state, phase, now_ms)
    if phase.cut is not None:
        return DecidePhase(phase.rules.id, phase.cut)
    return _mark_rebuttals(state, phase, now_ms) or _holding(state, phase)


def _before_closing(state: State, phase: PhaseState, now_ms: int) -> Transition | None:
    phase_id = phase.rules.id
    incomplete = [window for window in round_windows(phase) if not is_complete(state, phase_id, window)]
    if not any(window.startswith("submissions") for window in incomplete) and outstanding_screens(state, phase):
        return ScreenSubmissions(phase_id)
    for window in sorted(incomplete, key=lambda window: deadline(state, phase_id, window) or 0):
        if (mark := _mark(state, phase_id, window, now_ms)) is not None:
            return mark
    return _mark_rebuttals(state, phase, now_ms) or (None if incomplete else CloseIntake(phase_id))


def _mark_rebuttals(state: State, phase: PhaseState, now_ms: int) -> MarkWindow | None:
    """The marker behind the time to answer of a finding that nobody has answered or ruled on."""
    unanswered = [
        REBUTTAL + finding_id
        for finding_id, finding in phase.findings.items()
        if finding.needs_ruling and finding.rebuttal is None and not finding.rulings
    ]
    windows = [window for window in unanswered if not is_complete(state, phase.rules.id, window)]
    marks = (_mark(state, phase.rules.id, window, now_ms) for window in windows)
    return next((mark for mark in marks if mark is not None), None)


def _holding(state: State, phase: PhaseState) -> HoldPhase | None:
    """Says what is owed, unless the last word of this round says the same."""
    owed, held = owed_now(state, phase), phase.round.held
    said = tuple(Unresolved(**row) for row in held[-1].data["missing"]) if held else ()
    return None if said == owed else HoldPhase(phase.rules.id, owed, len(phase.held) + 1)


def _after_decision(state: State, phase: PhaseState, decision: Decision, now_ms: int) -> Transition | None:
    """Signatures are waited for; then figures, objections, what they make necessary, and finality."""
    phase_id = phase.rules.id
    if decision.returned is not None:
        return _holding(state, phase)
    if not is_signed(phase, decision):
        return None
    if (figures := _figures(state, phase, decision)) is not None:
        return figures
    if not is_heard(state, phase, decision):
        return _mark(state, phase_id, objections_window(decision), now_ms)
    if owed_now(state, phase):
        return _holding(state, phase)
    if (again := reopening(state, phase)) is not None:
        return ReopenPhase(phase_id, again.reason, again.causes, again.until_ms)
    return FinaliseDecision(phase_id, decision.fact.event.id)


def _figures(state: State, phase: PhaseState, decision: Decision) -> PublishFigures | None:
    """What the phase's profile shows, when its time has come."""
    assert state.rulebook is not None  # due() asks nothing without one.
    profile = next((row for row in state.rulebook.profiles if row.id == phase.rules.publish), None)
    if profile is None or profile.id in decision.published:
        return None
    if profile.when == "final" and decision.finalised is None:
        return None
    return PublishFigures(phase.rules.id, decision.fact.event.id, profile.id)


def _after_finality(state: State, phase: PhaseState) -> Transition | None:
    assert phase.decision is not None  # The phase is final.
    if (figures := _figures(state, phase, phase.decision)) is not None:
        return figures
    owed = tuple(name for name in advanced(phase) if name not in phase.awards)
    return GrantAwards(phase.rules.id, owed) if owed and phase.rules.awards is not None else None


def next_instant(state: State, now_ms: int) -> int | None:
    """The earliest instant after `now_ms` at which something falls due by time alone; None when only people are awaited."""
    instants = _instants(state) if state.concluded is None else iter(())
    return min((instant + 1 for instant in instants if instant >= now_ms), default=None)


def _instants(state: State) -> Iterator[int]:
    for rules in state.rulebook.phases if state.rulebook else ():
        phase = state.phases.get(rules.id)
        if phase is None:
            call, windows = state.calls.get(rules.id), [REGISTRATION]
            if is_skipped(state, rules) or is_empty(state, rules) or (call is not None and call.decided is not None):
                continue
            windows += [CALL] if rules.call is not None and call is None else []
        else:
            windows = [*_open_windows(phase), *(REBUTTAL + finding_id for finding_id in phase.findings)]
        pending = [window for window in windows if not is_complete(state, rules.id, window)]
        yield from (last for window in pending if (last := deadline(state, rules.id, window)) is not None)
        if phase is None:
            return


def _open_windows(phase: PhaseState) -> list[str]:
    """The windows that may still close: of the intake, of the round, of objections to the present decision."""
    decision = phase.decision
    return [*intake_windows(phase), *round_windows(phase), *([objections_window(decision)] if decision else [])]
