"""The course of a programme: which phase follows which, who takes part, which places are vacant, what a call may fill."""

from __future__ import annotations

from events.rulebook import Phase
from handlers.state import Fact, Key, PhaseState, State
from handlers.windows import CALL, REGISTRATION, is_complete, is_in_time


def is_done(state: State, rules: Phase) -> bool:
    """Nothing of this phase stands in the way of the next: it is final, or nobody takes part in it, and a call is decided,
    or had nothing to fill. Asked of the phases in their order: only after those before it is it known who takes part.
    """
    if rules.call is None:
        return state.status(rules.id) == "final" or is_empty(state, rules)
    call = state.calls.get(rules.id)
    return is_skipped(state, rules) if call is None else call.decided is not None


def is_empty(state: State, rules: Phase) -> bool:
    """A phase that is no call and that nobody reaches, or registered for: known once its registration is complete."""
    if rules.id in state.phases or not is_complete(state, rules.id, REGISTRATION):
        return False
    return not entrants_of(state, rules)


def over_keys(rules: Phase) -> tuple[Key, ...]:
    """What may end a phase, for what waits until it `is_done`."""
    return (
        ("final", rules.id),
        ("window", rules.id, REGISTRATION),
        ("window", rules.id, CALL),
        ("call-decided", rules.id),
    )


def is_skipped(state: State, rules: Phase) -> bool:
    """A call that has nothing to fill: known once its window is complete."""
    if rules.call is None or rules.id in state.calls or not is_complete(state, rules.id, CALL):
        return False
    return vacant_places(state, rules) == 0


def vacant_places(state: State, rules: Phase) -> int:
    """The places that a call fills: those that the decision of the phase it fills left empty, and those of entrants who
    advanced and withdrew in time; never more than the call's own places.
    """
    assert rules.call is not None  # The caller looked.
    filled = state.phases.get(rules.call.fills)
    if filled is None or filled.in_force is None:
        return 0
    gone = [name for name in advanced(filled) if _has_left(state, rules.id, CALL, name)]
    vacant = int(filled.in_force.fact.data["vacancies"]) + len(gone)
    return min(vacant, rules.advance.places if rules.advance is not None else 0)


def advanced(phase: PhaseState) -> list[str]:
    """Whom the decision in force lets advance, in its order."""
    outcomes = phase.in_force.fact.data["outcomes"] if phase.in_force is not None else []
    return [row["entrant"] for row in outcomes if row["outcome"] == "advanced"]


def _has_left(state: State, phase_id: str, window: str, entrant: str) -> bool:
    fact = state.withdrawn.get(entrant)
    return fact is not None and is_in_time(state, phase_id, window, fact)


def entrants_of(state: State, rules: Phase) -> tuple[str, ...]:
    """Who takes part in a phase, sorted: who applied to a call; who registered in time for the first phase; who advanced,
    or was selected by a call, for each later one. Whoever withdrew in time is out.
    """
    if rules.call is not None:
        candidates = set(applicants(state, rules))
    elif (before := previous(state, rules)) is None:
        candidates = {name for name, fact in state.entrants.items() if _in_time(state, rules, fact)}
    else:
        candidates = _left_by(state, before)
    return tuple(sorted(name for name in candidates if not _has_left(state, rules.id, REGISTRATION, name)))


def _in_time(state: State, rules: Phase, fact: Fact) -> bool:
    return is_in_time(state, rules.id, REGISTRATION, fact)


def previous(state: State, rules: Phase) -> Phase | None:
    """The ordinary phase before this one; None for the first."""
    assert state.rulebook is not None  # There are no phases without one.
    before = [phase for phase in state.rulebook.phases if phase.call is None or phase.id == rules.id]
    place = next(number for number, phase in enumerate(before) if phase.id == rules.id)
    return before[place - 1] if place else None


def newcomers(state: State, rules: Phase) -> list[str]:
    """Whom the calls that fill the phase before this one selected."""
    before = previous(state, rules)
    return [] if before is None or rules.call is not None else _selected(state, before)


def _selected(state: State, filled: Phase) -> list[str]:
    """Whom the calls that fill a phase selected."""
    calls = [state.calls.get(phase.id) for phase in _filling(state, filled)]
    return [name for call in calls if call and call.decided for name in call.decided.data["selected"]]


def _left_by(state: State, before: Phase) -> set[str]:
    """Who goes on from a phase: those it let advance, and those whom a call for its vacant places selected."""
    phase = state.phases.get(before.id)
    kept = set(advanced(phase)) if phase is not None else set()
    return (kept - _reapplied(state, before)) | set(_selected(state, before))


def finalists(state: State) -> list[str]:
    """Who goes on from the last phase that is no call, sorted."""
    assert state.rulebook is not None  # There are no finalists without one.
    last = [rules for rules in state.rulebook.phases if rules.call is None][-1]
    return sorted(_left_by(state, last))


def _reapplied(state: State, filled: Phase) -> set[str]:
    """Who applied for the places that a phase left: of those it let advance only who gave up the place before."""
    calls = [state.calls.get(phase.id) for phase in _filling(state, filled)]
    return {name for call in calls if call is not None for name in call.applications}


def _filling(state: State, filled: Phase) -> list[Phase]:
    """The calls that fill the places that a phase left empty."""
    phases = state.rulebook.phases if state.rulebook is not None else ()
    return [phase for phase in phases if phase.call is not None and phase.call.fills == filled.id]


def applicants(state: State, rules: Phase) -> list[str]:
    """Who applied in time and is registered, sorted."""
    call = state.calls.get(rules.id)
    applied = call.applications.items() if call is not None else ()
    return sorted(name for name, fact in applied if _in_time(state, rules, fact))


def why_not_eligible(state: State, rules: Phase, application: Fact) -> str | None:
    """Why an entrant may not apply to a call; None when it may. That it withdrew after it applied is no reason."""
    assert rules.call is not None  # The caller looked.
    eligible, entrant = rules.call.eligible, application.data["entrant"]
    left = state.withdrawn.get(entrant)
    if left is not None and left.offset < application.offset:
        return None if eligible.withdrawn else f"{entrant} withdrew (entry {left.index})"
    fates = {
        row["entrant"]: row["outcome"]
        for phase in state.phases.values()
        if phase.in_force is not None
        for row in phase.in_force.fact.data["outcomes"]
    }
    fate = fates.get(entrant)
    if fate is None:
        return None if eligible.newcomers else f"{entrant} took no part before, and newcomers may not apply"
    if fate == "advanced":
        return f"{entrant} has a place already"
    if fate == "eliminated" and not eligible.eliminated:
        return f"{entrant} was eliminated, and the call is not open to those"
    return None
