"""What a publication profile shows of a decision: figures as they were computed, and nothing that it does not name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from events.rulebook import Profile
from events.values import format_number, format_places, parse_exact
from handlers.phase_state import Decision, PhaseState
from handlers.scoring import TOTAL
from handlers.views import decision_view

Figures = dict[str, Any]


def figures_of(profile: Profile, phase: PhaseState, decision: Decision) -> Figures:
    """The figures by what the profile shows, in its order. Numbers are texts with the places of their rounding."""
    assessed = [phase.assessed[event_id].data for event_id in decision.fact.data["assessments"]]
    view = decision_view(phase, decision) | {"margins": {row["entrant"]: row["margin"] for row in assessed}}
    return {name: _SHOWN[name](view) for name in profile.shows}


def _columns(view: Figures) -> dict[str, dict[str, str]]:
    """By criterion, and of the total: the score of everybody who has one."""
    columns: dict[str, dict[str, str]] = {}
    for row in view["standings"]:
        total = {} if row["total"] is None else {TOTAL: row["total"]}
        for path, score in {**row["scores"], **total}.items():
            columns.setdefault(path, {})[row["entrant"]] = score
    return dict(sorted(columns.items()))


def _first(view: Figures) -> Figures:
    """By criterion: the best score, and who has it (several who are equal)."""
    found: Figures = {}
    for path, scores in _columns(view).items():
        best = max(scores.values(), key=parse_exact)
        found[path] = {"score": best, "entrants": sorted(name for name, score in scores.items() if score == best)}
    return found


def gap(scores: Collection[str]) -> str:
    """Between the best and the last of some scores, with the places that they have."""
    values = [parse_exact(text) for text in scores]
    between = max(values) - min(values)
    if any("/" in text for text in scores):
        return format_number(between)
    return format_places(between, max(len(text.partition(".")[2]) for text in scores))


def _gaps(view: Figures) -> Figures:
    return {path: gap(scores.values()) for path, scores in _columns(view).items()}


def _margins(view: Figures) -> Figures:
    return {name: margin for name, margin in sorted(view["margins"].items()) if margin is not None}


_SHOWN: Mapping[str, Callable[[Figures], Any]] = {
    "outcomes": lambda view: view["outcomes"],
    "first": _first,
    "gaps": _gaps,
    "means": lambda view: view["means"],
    "ranks": lambda view: {row["entrant"]: row["rank"] for row in view["standings"]},
    "totals": lambda view: {row["entrant"]: row["total"] for row in view["standings"]},
    "scores": lambda view: {row["entrant"]: row["scores"] for row in view["standings"]},
    "margins": _margins,
}
