"""What a publication profile shows of a decision: figures as they were computed, and nothing that it does not name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events.rulebook import Profile
from events.values import parse_exact
from handlers.phase_state import Decision, PhaseState
from handlers.views import decision_view

Figures = dict[str, Any]


def figures_of(profile: Profile, phase: PhaseState, decision: Decision) -> Figures:
    """The figures by what the profile shows, in its order. Numbers are texts with the places of their rounding."""
    assessed = [phase.assessed[event_id].data for event_id in decision.fact.data["assessments"]]
    view = decision_view(phase, decision) | {"margins": {row["entrant"]: row["margin"] for row in assessed}}
    return {name: _SHOWN[name](view) for name in profile.shows}


def _first(view: Figures) -> Figures:
    """By criterion: the best score, and who has it (several who are equal)."""
    found: Figures = {}
    for path in sorted({path for row in view["standings"] for path in row["scores"]}):
        scores = {row["entrant"]: row["scores"][path] for row in view["standings"] if path in row["scores"]}
        best = max(scores.values(), key=parse_exact)
        found[path] = {"score": best, "entrants": sorted(name for name, score in scores.items() if score == best)}
    totals = {row["entrant"]: row["total"] for row in view["standings"] if row["total"] is not None}
    if totals:
        best = max(totals.values(), key=parse_exact)
        found["total"] = {"score": best, "entrants": sorted(name for name, score in totals.items() if score == best)}
    return found


def _margins(view: Figures) -> Figures:
    return {name: margin for name, margin in sorted(view["margins"].items()) if margin is not None}


_SHOWN: Mapping[str, Callable[[Figures], Any]] = {
    "outcomes": lambda view: view["outcomes"],
    "first": _first,
    "means": lambda view: view["means"],
    "ranks": lambda view: {row["entrant"]: row["rank"] for row in view["standings"]},
    "totals": lambda view: {row["entrant"]: row["total"] for row in view["standings"]},
    "scores": lambda view: {row["entrant"]: row["scores"] for row in view["standings"]},
    "margins": _margins,
}
