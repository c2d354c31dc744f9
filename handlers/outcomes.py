"""Deciding a phase: marks -> criteria -> floors -> ranking -> ties -> gate -> places -> vacancies (RULES, "Deciding").

Pure: the same table, gates and acts give the same outcome, in whatever order they came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from events.errors import Refused
from events.rulebook import Advance, Gate, Phase
from handlers.contest import Contest, hold_contest
from handlers.ranking import TieChoice, rank_entrants
from handlers.reasons import Reason, Unresolved, floor_reason, gate_reason, place_reason, tie_reason
from handlers.scoring import TOTAL, ScoreTable

Verdict = Literal["met", "not-met", "undetermined"]
Fate = Literal["advanced", "eliminated", "withdrawn"]


@dataclass(frozen=True, slots=True)
class GateResult:
    """How an entrant stands at a gate: every count, and the findings and rulings that say so."""

    met: bool
    counts: Mapping[str, Verdict] = field(default_factory=dict)
    cites: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Not met when a count is not; undetermined when none is, and yet not all are met."""
        if self.met:
            return "met"
        return "undetermined" if self.counts and "not-met" not in self.counts.values() else "not-met"


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


@dataclass(frozen=True, slots=True)
class _Case:
    """What is known of one entrant before the places are given out. `gone` says why there is no contest for it,
    `left` that it withdrew after it.
    """

    entrant: str
    gone: Reason | None
    is_scored: bool
    floors: tuple[Reason, ...]
    gates: Mapping[str, GateResult]
    left: Reason | None = None
    is_recognised: bool = True

    @property
    def is_present(self) -> bool:
        return self.gone is None and self.is_scored


def decide_outcomes(
    phase: Phase,
    table: ScoreTable,
    gates: Mapping[tuple[str, str], GateResult] | None = None,
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
    if phase.advance is None:
        raise Refused(f"{phase.id} has no `advance`", hint="say how many advance, such as advance: {places: 4}")
    gone = {name: Reason("no-submission") for name in no_submission}
    gone |= {name: Reason("withdrawn", cites=tuple(sorted(ids))) for name, ids in (withdrawn or {}).items()}
    late = {name: Reason("withdrawn", cites=tuple(sorted(ids))) for name, ids in (left or {}).items()}
    cases = [
        replace(
            _case(phase, table, name, gone.get(name), gates or {}),
            left=late.get(name),
            is_recognised=recognised is None or name in recognised,
        )
        for name in sorted({*table.entrants, *gone})
    ]
    choices = tuple(tie_choices)
    ranks = rank_entrants(table, [case.entrant for case in cases if case.is_present], choices).ranks
    contest = _contest(phase, phase.advance, table, cases, choices)
    found = {case.entrant: _reasons(case, contest) for case in cases}
    assessments = [
        Assessment(name, ranks.get(name), _total(table, name), case.gates, found[name], contest.margin(name))
        for case in cases
        for name in (case.entrant,)
    ]
    fates = [(case.entrant, _fate(phase, case, contest)) for case in cases]
    outcomes = [Outcome(name, fate, found[name]) for name, fate in fates if fate is not None]
    advanced = sum(outcome.outcome == "advanced" for outcome in outcomes)
    unresolved = [what for case in cases for what in _open_points(phase, case, contest)]
    if not unresolved and advanced < phase.advance.at_least:
        short = f"{advanced} would advance; at least {phase.advance.at_least} must"
        unresolved.append(Unresolved("too-few-advance", phase.id, short))
    return PhaseOutcome(tuple(assessments), tuple(outcomes), max(phase.advance.places - advanced, 0), tuple(unresolved))


def _total(table: ScoreTable, name: str) -> str | None:
    return table.totals[name].text if name in table.totals else None


def _case(
    phase: Phase,
    table: ScoreTable,
    name: str,
    gone: Reason | None,
    gates: Mapping[tuple[str, str], GateResult],
) -> _Case:
    results = {gate.id: gates.get((name, gate.id)) or _without_finding(gate) for gate in phase.gates}
    has_floors = phase.floors.keys() <= table.values.get(name, {}).keys() | {TOTAL}
    is_scored = has_floors and bool(rank_entrants(table, [name]).keys)
    return _Case(name, gone, is_scored, _floors(phase, table, name) if is_scored else (), results)


def _without_finding(gate: Gate) -> GateResult:
    return GateResult(gate.without_finding == "met", dict.fromkeys(gate.counts, gate.without_finding))


def _floors(phase: Phase, table: ScoreTable, name: str) -> tuple[Reason, ...]:
    """The thresholds that are not reached, in the order of the rulebook."""
    own = {**table.values[name], TOTAL: table.totals[name]}
    return tuple(
        floor_reason(path, own[path], floor)
        for path, floor in sorted(phase.floors.items())
        if path in own and own[path].exact < floor
    )


def _failed(phase: Phase, case: _Case, when: str, verdict: Verdict) -> list[str]:
    """The gates of one stage with that verdict."""
    return [gate.id for gate in phase.gates if gate.when == when and case.gates[gate.id].verdict == verdict]


def _contest(
    phase: Phase, advance: Advance, table: ScoreTable, cases: list[_Case], choices: tuple[TieChoice, ...]
) -> Contest:
    eligible = [
        case
        for case in cases
        if case.is_present
        and case.is_recognised
        and not case.floors
        and not _failed(phase, case, "before-ranking", "not-met")
    ]
    failing = {case.entrant for case in eligible if _failed(phase, case, "after-ranking", "not-met")}
    barred = failing if advance.refill_from_ranking else set()
    if advance.withdrawn == "next-in-line":
        barred = barred | {case.entrant for case in eligible if case.left is not None}
    return hold_contest(rank_entrants(table, [case.entrant for case in eligible], choices), barred, advance.places)


def _reasons(case: _Case, contest: Contest) -> tuple[Reason, ...]:
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


def _fate(phase: Phase, case: _Case, contest: Contest) -> Fate | None:
    """What becomes of an entrant; None while that is open."""
    if case.gone is not None:
        return "withdrawn" if case.gone.code == "withdrawn" else "eliminated"
    if _open_points(phase, case, contest):
        return None
    if case.left is not None:
        return "withdrawn"
    is_barred = _failed(phase, case, "after-ranking", "not-met")
    return "advanced" if contest.is_inside(case.entrant) and not is_barred else "eliminated"


def _open_points(phase: Phase, case: _Case, contest: Contest) -> list[Unresolved]:
    """What the outcome of an entrant still waits for. A gate counts as open only where its verdict would matter."""
    name = case.entrant
    if case.gone is not None:
        return []
    if not case.is_scored:
        return [Unresolved("not-scored", name, TOTAL)]
    open_gates = _failed(phase, case, "before-ranking", "undetermined") if name in contest.place else []
    if name in contest.tied or contest.is_inside(name):
        open_gates += _failed(phase, case, "after-ranking", "undetermined")
    points = [Unresolved("gate-undetermined", name, gate) for gate in open_gates]
    if name in contest.tied:
        points.append(Unresolved("tie-unresolved", name, f"place {contest.place[name]} of {contest.places}"))
    return points
