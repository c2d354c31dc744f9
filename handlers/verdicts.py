"""The four verdicts on a record, and the few sentences that several rules of judging share."""

from __future__ import annotations

from dataclasses import dataclass

from events.reasons import REFUSALS
from events.values import format_instant
from handlers.state import Fact, Key, PhaseState, State
from handlers.windows import deadline, is_behind_marker, is_complete, last_window, reopened_window


@dataclass(frozen=True, slots=True)
class Accepted:
    """The record counts."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The record does not count. `reason` is public; `detail` names the field, the value and the rule, and is private."""

    reason: str
    detail: str

    def __post_init__(self) -> None:
        if self.reason not in REFUSALS:
            raise ValueError(f"{self.reason!r} is not in the table of refusal reasons")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same source, id and bytes are in the log already, at index `first`."""

    first: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Nothing can be said before one of `keys` is provided."""

    keys: tuple[Key, ...]


Verdict = Accepted | Refusal | Duplicate | Pending

ACCEPTED = Accepted()


def pend(
    state: State, keys: tuple[Key, ...], otherwise: Refusal, *, phase: str | None, window: str | None = None
) -> Pending | Refusal:
    """Pending, or the refusal that it ends in when its window is complete, its phase or the programme is over: nothing pends
    for ever, not even what names a phase that never opens.
    """
    if phase is not None and window is not None:
        if is_complete(state, phase, window):
            return otherwise
        keys = (*keys, ("window", phase, window))
    if phase is not None and state.status(phase) == "final":
        return otherwise
    if state.concluded is not None:
        return otherwise
    return Pending((*keys, *(() if phase is None else (("final", phase),)), ("concluded",)))


def behind(state: State, fact: Fact, *claim: str) -> Pending | None:
    """Pending when an earlier record of the same topic pends that may take what this one would take, or refers to."""
    if not state.claims:
        return None
    for queue in (claim, (*claim, "of", fact.event.source)):
        ahead = state.claims.get(queue)
        if ahead and ahead[0] < fact.index:
            return Pending((("behind", *queue),))
    return None


def slot_claim(phase: str, entrant: str, criterion: str, item: str, evaluator: str) -> Key:
    """The claim of a first mark."""
    return ("slot", phase, entrant, criterion, item, evaluator)


def named_already(state: State, fact: Fact, name: str, is_taken: bool) -> Verdict | None:
    """What other events refer to by its id must be the only one of its type with that id, whoever sent it."""
    if is_taken:
        return Refusal("id-reused", f"another {name} has the id {fact.event.id}; what refers to it must be unambiguous")
    return behind(state, fact, name, fact.event.id)


def named_act(state: State, fact: Fact) -> Verdict | None:
    """An act that may need a second person shares its id with no other of its topic: an approval names the id alone."""
    before = state.acts.get(fact.event.id)
    if before is not None and before[1].topic == fact.topic:
        return Refusal("id-reused", f"another act has the id {fact.event.id}; an approval of it must be unambiguous")
    return behind(state, fact, "act", fact.event.id)


def outside_window(state: State, phase: PhaseState, window: str, fact: Fact) -> Verdict | None:
    """Why a fact is not in time for a window of its phase; None when it is. Where there is no such window the phase's
    last one counts, so that closing the intake races with nothing. What is past a deadline pends until the window is
    complete: only then is it certain that the deadline was not moved.
    """
    phase_id = phase.rules.id
    if window not in phase.deadlines:
        window = last_window(phase) or window
    if fact.received_ms < phase.opens_ms:
        return Refusal("too-early", f"stamped {format_instant(fact.received_ms)}, before {phase_id} opens")
    last_ms = deadline(state, phase_id, window)
    if last_ms is None:
        return Refusal("phase-closed", f"{phase_id} is closed") if phase.rounds[0].closed else None
    late = behind_deadline(state, phase_id, window, fact, last_ms)
    if late is None and phase.rounds[0].closed is not None:  # It waited for something else past the closing.
        return Refusal("phase-closed", f"{phase_id} is closed")
    return late


def behind_deadline(state: State, phase_id: str, window: str, fact: Fact, last_ms: int) -> Verdict | None:
    """Why a fact is not in time for a window with a deadline; None when it is."""
    if fact.received_ms <= last_ms and not is_behind_marker(state, phase_id, window, fact):
        return None
    return pend(state, (), _late(fact, phase_id, window, last_ms), phase=phase_id, window=window)


def outside_reopening(state: State, fact: Fact, reopening: str) -> PhaseState | Verdict:
    """The phase in whose reopening a fact is in time, or why there is none."""
    for phase in state.phases.values():
        for row in phase.rounds[1:]:
            if row.opened.event.id != reopening or row.until_ms is None:
                continue
            if fact.received_ms < row.opened.received_ms:
                return Refusal("too-early", f"stamped {format_instant(fact.received_ms)}, before {reopening}")
            late = behind_deadline(state, phase.rules.id, reopened_window(row), fact, row.until_ms)
            if late is None and row.closed is not None:
                return Refusal("phase-closed", f"the reopening {reopening} is closed")
            return phase if late is None else late
    unknown = Refusal("unknown-reference", f"no phase was reopened by {reopening}")
    return pend(state, (("event", reopening),), unknown, phase=None)


def outside_time(state: State, phase: PhaseState, window: str, fact: Fact) -> Verdict | None:
    """Why a fact is not in time for a window of its phase, nor for the reopening of it that the fact names."""
    reopening = fact.data.get("reopening")
    if reopening is None:
        return outside_window(state, phase, window, fact)
    found = outside_reopening(state, fact, reopening)
    if not isinstance(found, PhaseState):
        return found
    other = Refusal("unknown-reference", f"{reopening} does not reopen {phase.rules.id}")
    return None if found is phase else other


def _late(fact: Fact, phase_id: str, window: str, last_ms: int) -> Refusal:
    stamped, ended = format_instant(fact.received_ms), format_instant(last_ms)
    return Refusal("late", f"stamped {stamped}; the {window} of {phase_id} ended at {ended}")


def outside_phase(state: State, phase: PhaseState, fact: Fact) -> Refusal | None:
    """Why an entrant may not act in a phase; None when it may. Only on their own topic is it certain who was registered."""
    entrant = fact.data["entrant"]
    if entrant in phase.entrants:
        return None
    registered = state.entrants.get(entrant)
    if fact.topic == "submissions" and (registered is None or registered.offset > fact.offset):
        return Refusal("unknown-entrant", f"no entrant {entrant!r} is registered")
    return Refusal("not-eligible", f"{entrant} does not take part in {phase.rules.id}")
