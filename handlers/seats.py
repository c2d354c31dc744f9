"""Who is to mark, tick and vote in a phase: the members of each panel, as appointed in time."""

from __future__ import annotations

from handlers.marks import Seats, seats_of
from handlers.state import Fact, PhaseState, State
from handlers.windows import is_in_time, reopened_window


def is_appointed(state: State, phase: PhaseState, fact: Fact) -> bool:
    """Appointed in time for the scores, or for the present round where the phase was reopened."""
    if is_in_time(state, phase.rules.id, "scores", fact):
        return True
    return any(is_in_time(state, phase.rules.id, reopened_window(row), fact) for row in phase.rounds[1:])


def members(state: State, phase: PhaseState, panel: str) -> list[str]:
    """The members of a panel, sorted."""
    return sorted(who for who, fact in state.appointed.get(panel, {}).items() if is_appointed(state, phase, fact))


def phase_seats(state: State, phase: PhaseState) -> Seats:
    """The evaluators of each leaf."""
    return seats_of(phase.rules, {panel: members(state, phase, panel) for panel in phase.rules.panels})


def is_evaluator(state: State, evaluator: str) -> bool:
    """Appointed to any panel before the programme was concluded, which is of the same topic: so nobody's order matters."""
    end = state.size if state.concluded is None else state.concluded.index
    return any(evaluator in rows and rows[evaluator].index < end for rows in state.appointed.values())
