"""due: what a programme's record asks for next. Pure, and asked again after everything that was done.

Nothing here waits: a flow performs what is due, sees it recorded, and asks again (ARCHITECTURE, "Flows are level-triggered").
"""

from __future__ import annotations

from dataclasses import dataclass

from events.record import TOPICS
from events.rulebook import Phase
from events.values import format_instant, parse_instant
from handlers.readiness import all_owed
from handlers.reasons import Unresolved
from handlers.screen import outstanding_screens
from handlers.state import Fact, PhaseState, State
from handlers.windows import (
    OBJECTIONS,
    REBUTTAL,
    REGISTRATION,
    deadline,
    intake_windows,
    is_complete,
    is_in_time,
    is_signed,
    markers,
)


@dataclass(frozen=True, slots=True)
class MarkWindow:
    """Publish a marker of a window to each topic that lacks a valid one; `attempts` says the how-manieth for each."""

    phase: str
    window: str
    deadline_ms: int
    attempts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class OpenPhase:
    """Open a phase for these entrants."""

    phase: str
    entrants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScreenSubmissions:
    """Record the findings of the pipeline's own screen that are not recorded yet."""

    phase: str


@dataclass(frozen=True, slots=True)
class CloseIntake:
    """Every window is complete: close the intake."""

    phase: str


@dataclass(frozen=True, slots=True)
class HoldPhase:
    """Something is missing, and the last word on record says otherwise."""

    phase: str
    missing: tuple[Unresolved, ...]
    ordinal: int


@dataclass(frozen=True, slots=True)
class DecidePhase:
    """Nothing is missing since the log had `cut` entries: decide from exactly those."""

    phase: str
    cut: int


@dataclass(frozen=True, slots=True)
class FinaliseDecision:
    """Signed, and the time for objections is complete."""

    phase: str
    decision: str


Transition = MarkWindow | OpenPhase | ScreenSubmissions | CloseIntake | HoldPhase | DecidePhase | FinaliseDecision


def due(state: State, now_ms: int) -> Transition | None:
    """The first thing that is due at `now_ms` (Unix milliseconds), or None when the programme waits for people or time."""
    if state.rulebook is None:
        return None
    for rules in state.rulebook.phases:
        phase = state.phases.get(rules.id)
        if phase is None:
            return _opening(state, rules, now_ms)
        transition = _in_phase(state, phase, now_ms)
        if transition is not None or phase.status != "final":
            return transition
    return None


def _opening(state: State, rules: Phase, now_ms: int) -> Transition | None:
    if rules.opens is None or now_ms <= parse_instant(rules.opens):
        return None
    if not is_complete(state, rules.id, REGISTRATION):
        return _mark(state, rules.id, REGISTRATION, now_ms)
    entrants = eligible(state, rules)
    return OpenPhase(rules.id, entrants) if entrants else None


def eligible(state: State, rules: Phase) -> tuple[str, ...]:
    """Who takes part in a phase, sorted: those registered in time for the first; those who advanced for each later one.
    Whoever withdrew in time is out.
    """

    def in_time(fact: Fact) -> bool:
        return is_in_time(state, rules.id, REGISTRATION, fact)

    assert state.rulebook is not None  # There are no phases without one.
    before = [phase.id for phase in state.rulebook.phases]
    position = before.index(rules.id)
    if position == 0:
        candidates = {entrant for entrant, fact in state.entrants.items() if in_time(fact)}
    else:
        decision = state.phases[before[position - 1]].decision
        outcomes = decision.fact.data["outcomes"] if decision is not None else []
        candidates = {row["entrant"] for row in outcomes if row["outcome"] == "advanced"}
    gone = {entrant for entrant, fact in state.withdrawn.items() if in_time(fact)}
    return tuple(sorted(candidates - gone))


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
        return _after_decision(state, phase, now_ms)
    if phase.closed is None:
        return _before_closing(state, phase, now_ms)
    return _mark_rebuttals(state, phase, now_ms) or _decision(state, phase)


def _before_closing(state: State, phase: PhaseState, now_ms: int) -> Transition | None:
    phase_id = phase.rules.id
    incomplete = [window for window in intake_windows(phase) if not is_complete(state, phase_id, window)]
    if "submissions" not in incomplete and outstanding_screens(state, phase):
        return ScreenSubmissions(phase_id)
    for window in sorted(incomplete, key=lambda window: phase.deadlines[window]):
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


def _decision(state: State, phase: PhaseState) -> Transition | None:
    if phase.cut is not None:
        return DecidePhase(phase.rules.id, phase.cut)
    missing = tuple(all_owed(state, phase))
    said = [Unresolved(**row) for row in phase.held[-1].data["missing"]] if phase.held else None
    return None if said == list(missing) else HoldPhase(phase.rules.id, missing, len(phase.held) + 1)


def _after_decision(state: State, phase: PhaseState, now_ms: int) -> Transition | None:
    decision = phase.decision
    assert decision is not None  # The caller looked.
    if decision.finalised is not None or not is_signed(phase, decision):
        return None
    if phase.rules.objections is not None and not is_complete(state, phase.rules.id, OBJECTIONS):
        return _mark(state, phase.rules.id, OBJECTIONS, now_ms)
    return FinaliseDecision(phase.rules.id, decision.fact.event.id)


def next_instant(state: State, now_ms: int) -> int | None:
    """The earliest instant after `now_ms` at which something falls due by time alone; None when only people are awaited."""
    instants: list[int] = []
    for rules in state.rulebook.phases if state.rulebook else ():
        phase = state.phases.get(rules.id)
        if phase is None:
            instants += [parse_instant(rules.opens)] if rules.opens is not None else []
            break
        windows = [*intake_windows(phase), OBJECTIONS, *(REBUTTAL + finding_id for finding_id in phase.findings)]
        open_windows = [window for window in windows if not is_complete(state, rules.id, window)]
        instants += [last for window in open_windows if (last := deadline(state, rules.id, window)) is not None]
    return min((instant + 1 for instant in instants if instant >= now_ms), default=None)


def describe(transition: Transition) -> str:
    """What a transition does, in a few words: the name of a task, a line of a status."""
    match transition:
        case MarkWindow(phase, window, deadline_ms):
            return f"{phase} / mark {window} ({format_instant(deadline_ms)})"
        case OpenPhase(phase):
            return f"{phase} / open"
        case ScreenSubmissions(phase):
            return f"{phase} / screen"
        case CloseIntake(phase):
            return f"{phase} / close intake"
        case HoldPhase(phase):
            return f"{phase} / hold"
        case DecidePhase(phase):
            return f"{phase} / decide"
        case FinaliseDecision(phase):
            return f"{phase} / finalise"
