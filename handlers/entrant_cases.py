"""Each entrant on its way through a phase: what is known of it before the places are given out, and what becomes of it.

Order of work (RULES, "Deciding"): floors -> ranking -> ties -> gate -> places. `handlers.outcomes` says it with reasons.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from events.errors import Refused
from events.rulebook import Advance, Gate, Phase
from handlers.contest import Contest, hold_contest
from handlers.ranking import TieChoice, rank_entrants, ranking_key
from handlers.reasons import Reason, Unresolved, floor_reason
from handlers.scoring import TOTAL, ScoreTable

Verdict = Literal["met", "not-met", "undetermined"]
Fate = Literal["advanced", "eliminated", "withdrawn"]
Fates = Mapping[str, Fate | None]
"""What becomes of everybody, by entrant; None while that is open."""


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


Gates = Mapping[tuple[str, str], GateResult]
"""How entrants stand, by entrant and gate; a gate without a result is as its rule says."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What bears on outcomes beside the scores. `withdrawn` left before the intake was complete and `left` after it, each
    with the events that say so; `recognised` are the applicants that may be selected, None asks nobody.
    """

    gates: Gates = field(default_factory=dict)
    withdrawn: Mapping[str, Iterable[str]] = field(default_factory=dict)
    left: Mapping[str, Iterable[str]] = field(default_factory=dict)
    no_submission: Collection[str] = ()
    recognised: Collection[str] | None = None
    tie_choices: tuple[TieChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
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


@dataclass(frozen=True, slots=True)
class Field:
    """Everybody in a phase, sorted; the ranks of those who have a score; the contest for the places."""

    phase: Phase
    cases: tuple[Case, ...]
    ranks: Mapping[str, int]
    contest: Contest

    def vacancies(self, fates: Fates) -> int:
        """The places that nobody takes."""
        return max(self.contest.places - _advanced(fates), 0)


def enter(phase: Phase, table: ScoreTable, known: Circumstances) -> Field:
    """The entrants of the table, and those who withdrew or submitted nothing. Raises Refused without `advance`."""
    if phase.advance is None:
        raise Refused(f"{phase.id} has no `advance`", hint="say how many advance, such as advance: {places: 4}")
    gone = {name: Reason("no-submission") for name in known.no_submission}
    gone |= {name: Reason("withdrawn", cites=tuple(sorted(ids))) for name, ids in known.withdrawn.items()}
    late = {name: Reason("withdrawn", cites=tuple(sorted(ids))) for name, ids in known.left.items()}
    cases = tuple(
        replace(
            _case(phase, table, name, gone.get(name), known.gates),
            left=late.get(name),
            is_recognised=known.recognised is None or name in known.recognised,
        )
        for name in sorted({*table.entrants, *gone})
    )
    in_time = tuple(choice for choice in known.tie_choices if not choice.is_late)
    entered = _contested(phase, phase.advance, table, cases, in_time)
    tied = entered.contest.tied
    if not tied or len(in_time) == len(known.tie_choices):
        return entered
    needed = tuple(choice for choice in known.tie_choices if not choice.is_late or tied.intersection(choice.order))
    return _contested(phase, phase.advance, table, cases, needed)


def _contested(
    phase: Phase, advance: Advance, table: ScoreTable, cases: tuple[Case, ...], choices: tuple[TieChoice, ...]
) -> Field:
    present = tuple(case for case in cases if case.is_present)
    ranking = rank_entrants(table, [case.entrant for case in present], choices)
    eligible = tuple(case for case in present if _is_eligible(phase, case))
    among = ranking
    if len(eligible) < len(present):
        among = rank_entrants(table, [case.entrant for case in eligible], choices)
    return Field(phase, cases, ranking.ranks, hold_contest(among, _barred(phase, advance, eligible), advance.places))


def _case(phase: Phase, table: ScoreTable, name: str, gone: Reason | None, gates: Gates) -> Case:
    results = {gate.id: gates.get((name, gate.id)) or _without_finding(gate) for gate in phase.gates}
    has_floors = phase.floors.keys() <= table.values.get(name, {}).keys() | {TOTAL}
    is_scored = has_floors and ranking_key(table, name) is not None
    return Case(name, gone, is_scored, _floors(phase, table, name) if is_scored else (), results)


def fates_of(entered: Field) -> Fates:
    """What becomes of everybody."""
    return {case.entrant: fate_of(entered.phase, case, entered.contest) for case in entered.cases}


def too_few(entered: Field, fates: Fates) -> list[Unresolved]:
    """Fewer advance than the rules ask for at least, so that the phase is held."""
    at_least = entered.phase.advance.at_least if entered.phase.advance is not None else 0
    advanced = _advanced(fates)
    if advanced >= at_least:
        return []
    return [Unresolved("too-few-advance", entered.phase.id, f"{advanced} would advance; at least {at_least} must")]


def _advanced(fates: Fates) -> int:
    return sum(fate == "advanced" for fate in fates.values())


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


def failed(phase: Phase, case: Case, when: str, verdict: Verdict) -> list[str]:
    """The gates of one stage with that verdict."""
    return [gate.id for gate in phase.gates if gate.when == when and case.gates[gate.id].verdict == verdict]


def _is_eligible(phase: Phase, case: Case) -> bool:
    return case.is_recognised and not case.floors and not failed(phase, case, "before-ranking", "not-met")


def _barred(phase: Phase, advance: Advance, eligible: Iterable[Case]) -> set[str]:
    """Those among the eligible whose place goes to the next."""
    barred = set()
    for case in eligible:
        fails = advance.refill_from_ranking and failed(phase, case, "after-ranking", "not-met")
        if fails or (advance.withdrawn == "next-in-line" and case.left is not None):
            barred.add(case.entrant)
    return barred


def fate_of(phase: Phase, case: Case, contest: Contest) -> Fate | None:
    """What becomes of an entrant; None while that is open."""
    if case.gone is not None:
        return "withdrawn" if case.gone.code == "withdrawn" else "eliminated"
    if open_points(phase, case, contest):
        return None
    if case.left is not None:
        return "withdrawn"
    is_barred = failed(phase, case, "after-ranking", "not-met")
    return "advanced" if contest.is_inside(case.entrant) and not is_barred else "eliminated"


def open_points(phase: Phase, case: Case, contest: Contest) -> list[Unresolved]:
    """What the outcome of an entrant still waits for. A gate counts as open only where its verdict would matter."""
    name = case.entrant
    if case.gone is not None:
        return []
    if not case.is_scored:
        return [Unresolved("not-scored", name, TOTAL)]
    open_gates = failed(phase, case, "before-ranking", "undetermined") if name in contest.place else []
    if name in contest.tied or contest.is_inside(name):
        open_gates += failed(phase, case, "after-ranking", "undetermined")
    points = [Unresolved("gate-undetermined", name, gate) for gate in open_gates]
    if name in contest.tied:
        points.append(Unresolved("tie-unresolved", name, f"place {contest.place[name]} of {contest.places}"))
    return points
