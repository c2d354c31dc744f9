"""What can be due: one thing at a time, in its own words. `handlers.due` says when, `handlers.decide` what it publishes."""

from __future__ import annotations

from dataclasses import dataclass

from events.values import format_instant
from handlers.reasons import Unresolved


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
    """Every window of the round is complete: close its intake."""

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
class ReopenPhase:
    """The decision cannot become final: compute the phase anew."""

    phase: str
    reason: str
    causes: tuple[str, ...]
    until_ms: int


@dataclass(frozen=True, slots=True)
class FinaliseDecision:
    """Signed, the time for objections is complete, and none was upheld."""

    phase: str
    decision: str


@dataclass(frozen=True, slots=True)
class PublishFigures:
    """Publish what the phase's profile shows of its decision."""

    phase: str
    decision: str
    profile: str


@dataclass(frozen=True, slots=True)
class GrantAwards:
    """Grant what the rules give to everybody that advanced and has not got it."""

    phase: str
    entrants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenCall:
    """Open a call for the places that a phase left vacant."""

    phase: str
    places: int


@dataclass(frozen=True, slots=True)
class DecideCall:
    """The phase of a call is final, or nobody applied: say whom it selected."""

    phase: str


@dataclass(frozen=True, slots=True)
class ConcludeProgramme:
    """No phase is to come."""

    phase: str


Transition = (
    MarkWindow
    | OpenPhase
    | ScreenSubmissions
    | CloseIntake
    | HoldPhase
    | DecidePhase
    | ReopenPhase
    | FinaliseDecision
    | PublishFigures
    | GrantAwards
    | OpenCall
    | DecideCall
    | ConcludeProgramme
)


_DOES: dict[type[Transition], str] = {
    OpenPhase: "open",
    ScreenSubmissions: "screen",
    CloseIntake: "close intake",
    HoldPhase: "hold",
    DecidePhase: "decide",
    ReopenPhase: "reopen",
    FinaliseDecision: "finalise",
    PublishFigures: "publish",
    GrantAwards: "award",
    OpenCall: "open call",
    DecideCall: "decide call",
    ConcludeProgramme: "conclude",
}


def describe(transition: Transition) -> str:
    """What a transition does, in a few words: the name of a task, a line of a status."""
    if isinstance(transition, MarkWindow):
        return f"{transition.phase} / mark {transition.window} ({format_instant(transition.deadline_ms)})"
    return f"{transition.phase} / {_DOES[type(transition)]}"
