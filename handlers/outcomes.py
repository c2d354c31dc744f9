"""Deciding a phase: marks -> criteria -> floors -> ranking -> ties -> gate -> places -> vacancies (RULES, "Deciding").

Pure: the same table, gates and acts give the same outcome, in whatever order they came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from events.rulebook import Phase
from handlers.contest import Contest
from handlers.entrant_cases import (
    Case,
    Circumstances,
    Fate,
    Field,
    GateResult,
    Gates,
    Verdict,
    enter,
    fates_of,
    open_points,
    too_few,
)
from handlers.ranking import TieChoice
from handlers.reasons import Reason, Unresolved, gate_reason, place_reason, tie_reason
from handlers.scoring import ScoreTable

__all__ = ["Assessment", "Circumstances", "Fate", "GateResult", "Outcome", "PhaseOutcome", "Verdict", "decide_outcomes"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found on one entrant. `margin`: ahead of the best outside, or (negative) behind the last inside."""

    entrant: str
    rank: int | None
    total: str | None
    gates: Mapping[str, GateResult]
    reasons: tuple[Reason, ...]
    margin: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one entrant."""

    entrant: str
    outcome: Fate
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class PhaseOutcome:
    """By entrant, sorted. While something is `unresolved` the phase is held, and the outcomes are a preview that leaves
    out whoever is undecided.
    """

    assessments: tuple[Assessment, ...]
    outcomes: tuple[Outcome, ...]
    vacancies: int
    unresolved: tuple[Unresolved, ...]


def decide_outcomes(
    phase: Phase,
    table: ScoreTable,
    gates: Gates | None = None,
    *,
    withdrawn: Mapping[str, Iterable[str]] | None = None,
    left: Mapping[str, Iterable[str]] | None = None,
    no_submission: Collection[str] = (),
    recognised: Collection[str] | None = None,
    tie_choices: Iterable[TieChoice] = (),
) -> PhaseOutcome:
    """The outcome of everybody in the table, and of those who withdrew (with the events) or submitted nothing.

    `gates` is by entrant and gate; a gate without a result is as its rule says. `left` withdrew after the intake: they
    keep their place in the contest, and it stays empty or goes to the next, as `advance.withdrawn` says. `recognised`
    names the applicants that may be selected; None asks nobody. Raises Refused without `advance`.
    """
    known = Circumstances(gates or {}, withdrawn or {}, left or {}, no_submission, recognised, tuple(tie_choices))
    return outcome_in(table, enter(phase, table, known))


def outcome_in(table: ScoreTable, entered: Field) -> PhaseOutcome:
    """The same, where it is known already how everybody entered."""
    cases, contest, phase = entered.cases, entered.contest, entered.phase
    found = {case.entrant: _reasons(case, contest) for case in cases}
    assessments = tuple(
        Assessment(
            case.entrant,
            entered.ranks.get(case.entrant),
            _total(table, case.entrant),
            case.gates,
            found[case.entrant],
            contest.margin(case.entrant),
        )
        for case in cases
    )
    fates = fates_of(entered)
    outcomes = tuple(Outcome(name, fate, found[name]) for name, fate in fates.items() if fate is not None)
    unresolved = [what for case in cases for what in open_points(phase, case, contest)]
    return PhaseOutcome(assessments, outcomes, entered.vacancies(fates), tuple(unresolved or too_few(entered, fates)))


def _total(table: ScoreTable, name: str) -> str | None:
    return table.totals[name].text if name in table.totals else None


def _reasons(case: Case, contest: Contest) -> tuple[Reason, ...]:
    """Stage by stage: floors, place, ties, gates."""
    if case.gone is not None:
        return (case.gone,)
    name, found = case.entrant, list(case.floors)
    if not case.is_recognised:
        found.append(Reason("not-recognised"))
    if name in contest.tied:
        found.append(Reason("tie-unresolved", observed=str(contest.place[name]), required=str(contest.places)))
    elif name in contest.place:
        found.append(place_reason(contest.place[name], contest.places))
    found += [tie_reason(decided) for decided in contest.ranking.breaks.get(name, ())]
    for gate, result in sorted(case.gates.items()):
        if result.verdict == "not-met":
            found.append(gate_reason(gate, result.counts, result.cites))
    return (*found, case.left) if case.left is not None else tuple(found)
