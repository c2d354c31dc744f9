"""What events would change, before they are sent: ranks, totals and outcomes if they were accepted and the phases they
concern computed anew; and what other rules would make of the marks that there are. Pure, over a copy of what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from events.envelope import Envelope
from events.rulebook import Rulebook
from handlers.copied import copied
from handlers.outcomes import PhaseOutcome
from handlers.readiness import all_owed, outcome_of
from handlers.state import State
from handlers.supposing import World, suppose


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an entrant stands. `outcome` is None while something that it depends on is missing."""

    rank: int | None
    total: str | None
    outcome: str | None

    def data(self) -> dict[str, Any]:
        return {"rank": self.rank, "total": self.total, "outcome": self.outcome}


Standings = dict[str, Standing]


@dataclass(frozen=True, slots=True)
class PhasePreview:
    """What would change in a phase, what would be missing then, and what the answer supposes."""

    phase: str
    before: Standings
    after: Standings
    vacancies: tuple[int, int]
    missing: tuple[dict[str, str], ...]
    assumes: tuple[dict[str, str], ...] = ()

    def data(self) -> dict[str, Any]:
        names = sorted(self.before.keys() | self.after.keys())
        changes = [
            {"entrant": name, "before": _data(self.before.get(name)), "after": _data(self.after.get(name))}
            for name in names
            if self.before.get(name) != self.after.get(name)
        ]
        return {
            "phase": self.phase,
            "changes": changes,
            "vacancies": {"before": self.vacancies[0], "after": self.vacancies[1]},
            "missing": list(self.missing),
            "assumes": list(self.assumes),
        }


def _data(standing: Standing | None) -> dict[str, Any] | None:
    return None if standing is None else standing.data()


def preview(state: State, events: Sequence[Envelope], now_ms: int) -> tuple[list[PhasePreview], list[dict[str, Any]]]:
    """The phases that the events concern, and those of the events that would not be accepted, with why: they change
    nothing. `now_ms` is when they would be received. Raises Refused for an event about a phase that is final.
    """
    world = World(copied(state), now_ms)
    concerned: dict[str, None] = {}
    for event in events:
        concerned |= dict.fromkeys(suppose(world, event))
    found = [
        _compared(state, world.state, phase_id, tuple(world.assumed.get(phase_id, ())))
        for phase_id in concerned
        if phase_id in state.phases
    ]
    return found, world.unaccepted


def _compared(before: State, after: State, phase_id: str, assumes: Iterable[dict[str, str]] = ()) -> PhasePreview:
    was, then = before.phases[phase_id], after.phases[phase_id]
    old, new = outcome_of(before, was), outcome_of(after, then)
    missing = tuple(row.data() for row in all_owed(after, then))
    vacancies = (old.vacancies, new.vacancies)
    return PhasePreview(phase_id, _standings(old), _standings(new), vacancies, missing, tuple(assumes))


def _standings(outcome: PhaseOutcome) -> Standings:
    fates = {row.entrant: row.outcome for row in outcome.outcomes}
    return {row.entrant: Standing(row.rank, row.total, fates.get(row.entrant)) for row in outcome.assessments}


def preview_rules(state: State, rulebook: Rulebook) -> list[PhasePreview]:
    """What other rules would make of the marks that there are, for every phase that has marks and is in both rulebooks.
    Findings at gates that the new rules do not have are left out.
    """
    world = copied(state)
    found = []
    for phase_id, phase in world.phases.items():
        rules = rulebook.find_phase(phase_id)
        if rules is None or not phase.marks:
            continue
        phase.rules = rules
        counts = {(gate.id, count) for gate in rules.gates for count in gate.counts}
        phase.findings = {name: row for name, row in phase.findings.items() if row.key[1:] in counts}
        found.append(_compared(state, world, phase_id))
    return found
