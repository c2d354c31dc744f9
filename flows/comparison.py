"""What came of a scenario against what it expects, and against the figures that were published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from events.rulebook_fields import Rounding
from events.values import parse_exact
from flows.scenario_file import PublishedFigure, ScenarioFile
from handlers.figures import gap
from handlers.rounding import rounded
from handlers.state import State
from handlers.views import phases_view

Views = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Compared:
    """A published figure beside the computed one. It `is_same` when it is the same at the places of the published one,
    rounded half up.
    """

    phase: str
    criterion: str
    whose: str
    published: str
    computed: str | None
    is_same: bool


def compared(figures: Sequence[PublishedFigure], views: Views) -> list[Compared]:
    """Every published figure beside the one of the phase's decision, in the order of the scenario."""
    by_phase = {view["phase"]: view for view in views}
    return [_compared(figure, by_phase.get(figure.phase, {})) for figure in figures]


def _compared(figure: PublishedFigure, view: Mapping[str, Any]) -> Compared:
    scores = {row["entrant"]: {**row["scores"], "total": row["total"]} for row in view.get("standings", ())}
    computed: str | None
    if figure.mean is not None:
        criterion, whose, computed = figure.mean, "mean", view.get("means", {}).get(figure.mean)
    elif figure.gap is not None:
        criterion, whose = figure.gap, "first to last"
        column = [row[criterion] for row in scores.values() if row.get(criterion) is not None]
        computed = gap(column) if column else None
    else:
        criterion, whose = figure.criterion or "total", figure.entrant or ""
        computed = scores.get(whose, {}).get(criterion)
    is_same = computed is not None and _at_places_of(figure.value, computed) == figure.value
    return Compared(figure.phase, criterion, whose, figure.value, computed, is_same)


def _at_places_of(published: str, computed: str) -> str:
    """The computed value with as many places as the published one has."""
    places = len(published.partition(".")[2])
    return rounded(parse_exact(computed), Rounding(places=places, mode="half-up")).text


def unmet(about: ScenarioFile, state: State) -> tuple[int, list[str]]:
    """How many figures a scenario expects or says were published, and a line for each that is otherwise."""
    views = phases_view(state)
    figures = compared(about.published, views)
    lines = differences(about.expected, found(state, views))
    lines += [
        f"published.{row.phase}.{row.criterion}.{row.whose}: published {row.published}, computed {row.computed}"
        for row in figures
        if not row.is_same
    ]
    return len(list(leaves(about.expected))) + len(figures), lines


def found(state: State, views: Views) -> dict[str, Any]:
    """Everything that a scenario can expect, as it writes it."""
    return {"phases": {view["phase"]: comparable(view) for view in views}, "finalists": finalists(state)}


def finalists(state: State) -> list[str] | None:
    """Who is left of a concluded programme; None while it goes on."""
    return None if state.concluded is None else list(state.concluded.data["finalists"])


def comparable(view: Mapping[str, Any]) -> dict[str, Any]:
    """A phase keyed by entrant, as scenarios write what they expect. An award without a title is `granted`."""
    return {
        "status": view["status"],
        "scores": {row["entrant"]: {**row["scores"], "total": row["total"]} for row in view["standings"]},
        "ranks": {row["entrant"]: row["rank"] for row in view["standings"]},
        "outcomes": {row["entrant"]: row["outcome"] for row in view["outcomes"]},
        "reasons": {row["entrant"]: [reason["code"] for reason in row["reasons"]] for row in view["outcomes"]},
        "means": view["means"],
        "vacancies": view["vacancies"],
        "published": view.get("published", []),
        "objections": [row["outcome"] for row in view.get("objections", ())],
        "superseded": len(view.get("changes", ())),
        "call": view.get("call"),
        "awards": {row["entrant"]: row.get("title") or "granted" for row in view.get("awards", ())},
    }


def leaves(expected: Any) -> Iterator[Any]:
    """The single figures in what a scenario expects."""
    if isinstance(expected, dict):
        for value in expected.values():
            yield from leaves(value)
    else:
        yield expected


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where what was found is not as expected: each with its path and both values. What is not expected is not looked at."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{path}: expected {expected}, found {found}"]
        rows = (differences(value, found.get(name), f"{path}.{name}".lstrip(".")) for name, value in expected.items())
        return [line for lines in rows for line in lines]
    return [] if str(expected) == str(found) else [f"{path}: expected {expected}, found {found}"]
