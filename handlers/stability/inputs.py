"""Everything that the outcome of a phase is computed from, as one value, and the real decision of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from events.errors import Unavailable
from events.rulebook import Phase
from handlers.entrant_cases import Circumstances, Fate, Field, enter, fates_of
from handlers.exclusions import exclusions
from handlers.marks import NOTHING_EXCLUDED, Exclusions, Marks, Seats
from handlers.outcomes import PhaseOutcome, outcome_in
from handlers.readiness import circumstances, competing, outcome_of_facts, phase_marks, scores_of_marks
from handlers.scoring import ScoreTable, score_phase
from handlers.seats import members, phase_seats
from handlers.state import PhaseState, State


@dataclass(frozen=True, slots=True)
class Inputs:
    """`entrants` are those that are scored. `known_without` says what bears on the outcome when an evaluator's ticks and
    votes are left out too; who neither ticks nor votes is not in it.
    """

    rules: Phase
    entrants: tuple[str, ...]
    marks: Marks
    seats: Seats
    excluded: Exclusions = NOTHING_EXCLUDED
    known: Circumstances = field(default_factory=Circumstances)
    known_without: Mapping[str, Circumstances] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a decision came to. `table` of one that was made quickly has no means and no arithmetic (`again`). A fate is
    None while it is open: a tie waits for a person, a mark is missing.
    """

    table: ScoreTable
    ranks: Mapping[str, int]
    fates: Mapping[str, Fate | None]
    vacancies: int

    @property
    def advancing(self) -> frozenset[str]:
        return frozenset(name for name, fate in self.fates.items() if fate == "advanced")


def inputs_of(state: State, phase: PhaseState) -> Inputs:
    """The inputs as the state has them: at the cut of a decided phase, exactly those of its decision. Raises Unavailable for
    a phase of an engine that decides otherwise than what decides again here.
    """
    engine = phase.engine
    if (engine.scores, engine.outcome) != (scores_of_marks, outcome_of_facts):
        raise Unavailable(
            f"{phase.rules.id} is decided by engine {engine.id}, and other inputs cannot be tried with it yet",
            hint="phasegate what-if decides by the programme's own engine, one world at a time",
        )
    seats, rules = phase_seats(state, phase), phase.rules
    return Inputs(
        rules,
        tuple(competing(state, phase)),
        phase_marks(state, phase),
        seats,
        exclusions(state, phase, seats),
        circumstances(state, phase),
        {who: circumstances(state, phase, _pairs(phase, who)) for who in _tickers(state, phase)},
    )


def _pairs(phase: PhaseState, evaluator: str) -> frozenset[tuple[str, str]]:
    return frozenset((evaluator, entrant) for entrant in phase.entrants)


def _tickers(state: State, phase: PhaseState) -> list[str]:
    """The evaluators who tick at a gate or vote on applicants."""
    rules = phase.rules
    panels = {gate.tick.by for gate in rules.gates if gate.tick is not None}
    if rules.call is not None and rules.call.recognition is not None:
        panels.add(rules.call.recognition.by)
    return sorted({who for panel in panels for who in members(state, phase, panel)})


def scored(inputs: Inputs) -> ScoreTable:
    """Every value that the marks give, by the scoring of real decisions."""
    return score_phase(inputs.rules, inputs.entrants, inputs.marks, inputs.seats, excluded=inputs.excluded)


def decided(inputs: Inputs) -> PhaseOutcome:
    """The outcome as `decide` makes it, with reasons and margins."""
    table = scored(inputs)
    return outcome_in(table, enter(inputs.rules, table, inputs.known))


def found(table: ScoreTable, entered: Field) -> Found:
    """What a table of scores comes to, without reasons."""
    fates = fates_of(entered)
    return Found(table, entered.ranks, fates, entered.vacancies(fates))


def from_scratch(inputs: Inputs) -> Found:
    """The decision made from the marks, with nothing remembered: what `again` is compared with."""
    table = scored(inputs)
    return found(table, enter(inputs.rules, table, inputs.known))
