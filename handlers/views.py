"""What people ask of a programme, as plain data: where its phases stand, and what was decided. The form is INTERFACE's."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from events.rulebook import Phase
from events.values import format_instant, parse_exact
from handlers.rounding import rounded
from handlers.scoring import TOTAL
from handlers.state import Call, Decision, PhaseState, Round, State
from handlers.steps import mean


def phases_view(state: State) -> list[dict[str, Any]]:
    """Every phase of the rulebook in its order: status, and, once decided, standings, outcomes, means and vacancies."""
    return [phase_view(state, rules) for rules in (state.rulebook.phases if state.rulebook else ())]


def phase_view(state: State, rules: Phase) -> dict[str, Any]:
    """One phase. Before its decision there are no standings: marks are private until then."""
    view: dict[str, Any] = {
        "phase": rules.id,
        "status": state.status(rules.id),
        "standings": [],
        "outcomes": [],
        "means": {},
        "vacancies": 0,
        "basis": None,
    }
    phase = state.phases.get(rules.id)
    if phase is not None and phase.status == "held":
        view["missing"] = phase.held[-1].data["missing"]
    if phase is not None and phase.in_force is not None:
        view |= decision_view(phase, phase.in_force)
    return view | course_view(state, rules)


def course_view(state: State, rules: Phase) -> dict[str, Any]:
    """How a phase went on around its decisions: its rounds, objections, awards, what superseded what, the call that it is."""
    view: dict[str, Any] = {}
    if (call := state.calls.get(rules.id)) is not None:
        view["call"] = call_view(call)
    phase = state.phases.get(rules.id)
    if phase is None:
        return view
    if len(phase.decisions) > 1:
        view["changes"] = changes(phase)
    view["rounds"] = [round_view(row) for row in phase.rounds]
    view["objections_filed"] = objections_view(phase)
    view["attested"] = [row for decision in phase.decisions.values() for row in attestations_view(decision)]
    view["awards"] = [fact.data for _, fact in sorted(phase.awards.items())]
    return view


def round_view(row: Round) -> dict[str, Any]:
    """A time that a phase was computed. The first begins with its opening; each later one says why it was reopened."""
    data = row.opened.data if row.until_ms is not None else {}
    return {
        "round": row.number,
        "began": format_instant(row.opened.received_ms),
        "reason": data.get("reason"),
        "note": data.get("note"),
        "causes": data.get("causes", []),
        "until": data.get("until"),
        "decision": None if row.decision is None else row.decision.fact.event.id,
        "returned": None
        if row.decision is None or row.decision.returned is None
        else row.decision.returned.data["reason"],
    }


def objections_view(phase: PhaseState) -> list[dict[str, Any]]:
    """Every objection to a decision of the phase, in the order in which they came; `outcome` is None while it waits."""
    return [
        {
            "objection": objection.fact.event.id,
            "decision": decision.fact.event.id,
            "entrant": objection.fact.data["entrant"],
            "grounds": objection.fact.data["grounds"],
            "filed": format_instant(objection.fact.received_ms),
            "outcome": objection.outcome,
        }
        for decision in phase.decisions.values()
        for objection in decision.objections.values()
    ]


def call_view(call: Call) -> dict[str, Any]:
    """An open call: its places, who applied, and whom it selected once it is decided."""
    decided = call.decided
    return {
        "fills": call.opened.data["phase"],
        "places": call.opened.data["places"],
        "applicants": sorted(call.applications),
        "selected": None if decided is None else decided.data["selected"],
    }


def changes(phase: PhaseState) -> list[dict[str, Any]]:
    """What each decision that supersedes another changed: rank, total and outcome of everybody for whom one differs."""
    rows = []
    decisions = list(phase.decisions.values())
    for before, after in pairwise(decisions):
        was, now = _by_entrant(phase, before), _by_entrant(phase, after)
        different = [
            {"entrant": name, "before": was.get(name), "after": now.get(name)}
            for name in sorted(was.keys() | now.keys())
            if was.get(name) != now.get(name)
        ]
        rows.append({"decision": after.fact.event.id, "supersedes": before.fact.event.id, "entrants": different})
    return rows


def _by_entrant(phase: PhaseState, decision: Decision) -> dict[str, dict[str, Any]]:
    outcomes = {row["entrant"]: row["outcome"] for row in decision.fact.data["outcomes"]}
    assessed = [phase.assessed[event_id].data for event_id in decision.fact.data["assessments"]]
    return {
        row["entrant"]: {"rank": row["rank"], "total": row["total"], "outcome": outcomes.get(row["entrant"])}
        for row in standings(assessed)
    }


def decision_view(phase: PhaseState, decision: Decision) -> dict[str, Any]:
    """A decision with the assessments that it lists."""
    data = decision.fact.data
    assessments = [phase.assessed[event_id].data for event_id in data["assessments"]]
    return {
        "decision": decision.fact.event.id,
        "standings": standings(assessments),
        "outcomes": data["outcomes"],
        "means": means(phase.rules, assessments),
        "vacancies": data["vacancies"],
        "basis": data["basis"],
        "signed": sorted(decision.signatures),
        "published": list(decision.published),
        "final": decision.finalised is not None,
        "objections": [] if decision.finalised is None else decision.finalised.data["objections"],
    }


def attestations_view(decision: Decision) -> list[dict[str, Any]]:
    """What each source last said of replaying a decision, by source."""
    return [
        {
            "decision": decision.fact.event.id,
            "source": source,
            "size": fact.data["size"],
            "root": fact.data["root"],
            "result": fact.data["result"],
            "received": format_instant(fact.received_ms),
        }
        for source, fact in sorted(decision.attested.items())
    ]


def standings(assessments: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By rank, the unscored last; `scores` is flat by dotted id, as published."""
    rows = [
        {
            "entrant": row["entrant"],
            "rank": row["rank"],
            "total": row["scores"].get(TOTAL, {}).get("value"),
            "scores": {
                path: node["value"] for path, node in row["scores"].items() if path != TOTAL and "value" in node
            },
        }
        for row in assessments
    ]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"], row["entrant"]))


def means(rules: Phase, assessments: list[dict[str, Any]]) -> dict[str, str]:
    """The mean of every criterion and of the total over the entrants with a total, rounded as the rules say."""
    scored = [row["scores"] for row in assessments if TOTAL in row["scores"]]
    columns: dict[str, list[Fraction]] = {}
    for scores in scored:
        for path, node in scores.items():
            if "exact" in node:
                columns.setdefault(path, []).append(parse_exact(node["exact"]))
    return {path: rounded(mean(column), rules.means).text for path, column in columns.items()}
