"""Why: from what is known of a programme to the explanation of one entrant in one phase, or of a whole phase.

Two states are read: what was known at the cut, from which the decision was computed, and what is known at the moment that
is asked about, with all that followed. What is explained is what the recorded assessments say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from events.errors import NotFound
from events.values import format_instant
from handlers.arithmetic import worked
from handlers.explaining_course import course_of
from handlers.explaining_left_out import left_out_of
from handlers.explanation import Decided, Explanation, Point, Standing
from handlers.known import Known
from handlers.owing import owed_points
from handlers.readiness import owed_now
from handlers.scoring import TOTAL
from handlers.state import Decision, Fact, PhaseState, State


def find_entrant(state: State, name: str) -> str:
    """The entrant of this id, or the only one whose id begins so. Raises NotFound."""
    found = [one for one in state.entrants if one == name] or [one for one in state.entrants if one.startswith(name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(found or state.entrants)) or "none"
    raise NotFound(f"{state.programme} has {'several entrants' if found else 'no entrant'} {name!r}: {known}")


def phase_to_explain(state: State, entrant: str | None, wanted: str | None) -> str:
    """The phase that is asked for, or the latest opened that the entrant takes part in. Raises NotFound."""
    if wanted is not None:
        return wanted
    opened = [name for name, phase in state.phases.items() if entrant is None or entrant in phase.entrants]
    if not opened:
        raise NotFound(f"no phase of {state.programme} {'is open' if entrant is None else f'has {entrant}'} yet")
    return opened[-1]


def decision_to_explain(phase: PhaseState, wanted: str | None) -> Decision | None:
    """The decision in force, or the one whose id begins as wanted. Raises NotFound."""
    if wanted is None:
        return phase.in_force
    found = [row for event_id, row in phase.decisions.items() if event_id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(phase.decisions) or "none"
    raise NotFound(f"{phase.rules.id} has {len(found)} decisions {wanted!r}; it has: {known}")


def explain(
    known: Known,
    phase_id: str,
    entrant: str | None = None,
    decision: Decision | None = None,
    *,
    fragility: tuple[Point, ...] = (),
) -> Explanation:
    """One entrant, or the whole phase without one. Raises NotFound for a phase that is not open, and for an entrant that
    does not take part in it.
    """
    state = known.now
    phase = state.phases.get(phase_id)
    if phase is None:
        opened = ", ".join(state.phases) or "none"
        raise NotFound(f"{phase_id!r} is not open, so nothing of it can be explained; open are: {opened}")
    if entrant is not None and entrant not in phase.entrants:
        raise NotFound(f"{entrant!r} does not take part in {phase_id}; there are: {', '.join(phase.entrants)}")
    standings = _standings(phase, decision, entrant)
    assessed = _assessed(phase, decision)
    scores = assessed[entrant].data["scores"] if entrant is not None and entrant in assessed else {}
    return Explanation(
        programme=state.programme,
        size=state.size,
        phase=phase_id,
        status=phase.status,
        entrant=entrant,
        decided=None if decision is None else _decided(phase, decision),
        points=_of_the_phase(phase, decision),
        standings=standings,
        owed=owed_points([row.data() for row in owed_now(state, phase)], entrant),
        worked=worked(phase.rules, scores),
        course=course_of(known, phase, entrant, decision),
        left_out=left_out_of(known, phase, entrant, decision),
        proved=_proved(assessed, entrant, decision),
        fragility=fragility,
    )


def _decided(phase: PhaseState, decision: Decision) -> Decided:
    later = [row for row in phase.decisions.values() if row.number > decision.number]
    fact = decision.fact
    return Decided(
        fact.event.id,
        decision.number,
        fact.index,
        format_instant(fact.received_ms),
        later[0].fact.event.id if later else None,
        fact.data["basis"],
    )


def _assessed(phase: PhaseState, decision: Decision | None) -> dict[str, Fact]:
    """The assessments that a decision lists, by entrant."""
    ids: Iterable[str] = () if decision is None else decision.fact.data["assessments"]
    return {fact.data["entrant"]: fact for fact in (phase.assessed[event_id] for event_id in ids)}


def _proved(assessed: Mapping[str, Fact], entrant: str | None, decision: Decision | None) -> dict[str, int]:
    """The entries that are worth a proof: the decision, and the entrant's own assessment."""
    if decision is None:
        return {}
    own = assessed.get(entrant or "")
    return {"decision": decision.fact.index} | ({} if own is None else {"assessment": own.index})


def _of_the_phase(phase: PhaseState, decision: Decision | None) -> tuple[Point, ...]:
    """Where the phase stands, and what the decision left empty."""
    name = {"phase": phase.rules.id}
    points = [Point(f"status.{phase.status}", name)]
    if decision is None:
        return tuple(points)
    vacancies = decision.fact.data["vacancies"]
    amount = {0: "none", 1: "one"}.get(vacancies, "many")
    points.append(Point(f"vacancies.{amount}", name | {"vacancies": str(vacancies)}))
    if any(row.number > decision.number for row in phase.decisions.values()):
        points.append(Point("decision.superseded", {"decision": decision.fact.event.id}))
    elif (before := decision.fact.data.get("supersedes")) is not None:  # A round may end without a decision.
        points.append(Point("decision.supersedes", {"decision": before}))
    return tuple(points)


def _standings(phase: PhaseState, decision: Decision | None, entrant: str | None) -> tuple[Standing, ...]:
    """Everybody's, by rank, those without one last; one entrant's alone where it is named."""
    if decision is None:
        return ()
    assessed = _assessed(phase, decision)
    outcomes = {row["entrant"]: row["outcome"] for row in decision.fact.data["outcomes"]}
    scored = sum(fact.data["rank"] is not None for fact in assessed.values())
    rows = [
        _standing(phase, fact.data, outcomes.get(name), scored)
        for name, fact in assessed.items()
        if entrant in (None, name)
    ]
    return tuple(sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.entrant)))


def _standing(phase: PhaseState, data: Mapping[str, Any], outcome: str | None, scored: int) -> Standing:
    name, total = data["entrant"], data["scores"].get(TOTAL, {}).get("value")
    who = {"entrant": name, "phase": phase.rules.id}
    points = [Point(f"outcome.{outcome}", who)] if outcome is not None else []
    if total is not None and data["rank"] is not None:
        points.append(Point("standing", {"total": total, "rank": str(data["rank"]), "scored": str(scored)}))
    points += [_reason(row) for row in data["reasons"]]
    if (margin := data["margin"]) is not None:
        behind = margin.startswith("-")
        points.append(Point("margin.behind" if behind else "margin.ahead", {"margin": margin.removeprefix("-")}))
    return Standing(name, outcome, data["rank"], total, margin, tuple(points))


def _reason(row: Mapping[str, Any]) -> Point:
    """A recorded reason. What falls short is named without its sign."""
    names = {"criterion": row.get("criterion"), "gate": row.get("gate")}
    facts = {name: text for name, text in names.items() if text is not None}
    observed, required = row.get("observed", ""), row.get("required", "")
    match row["code"]:
        case "rank-within-places" | "rank-below-places" | "tie-unresolved" as code:
            return Point(f"reason.{code}", {"place": observed, "places": required})
        case "floor-not-reached" as code:
            short = row["margin"].removeprefix("-")
            return Point(f"reason.{code}", facts | {"observed": observed, "required": required, "short": short})
        case "gate-not-met" as code:
            return Point(f"reason.{code}", facts | {"counts": observed})
        case "tie-broken-by" if not observed or not required:
            return Point("reason.tie-broken-by.person")
        case "tie-broken-by" as code:
            return Point(f"reason.{code}", facts | {"observed": observed, "required": required})
        case code:
            return Point(f"reason.{code}", {})
