"""The figures of a phase, from what is known of it: its time line, and once it is decided its standings and margins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from console.figures.figure import Figure
from console.figures.margins import Distance, margins_figure
from console.figures.standings import Standing, standings_figure
from console.figures.timeline import Moment, Stretch, timeline_figure
from events.names import TYPES
from events.values import parse_instant
from handlers.state import Decision, Fact, PhaseState
from handlers.views import standings
from handlers.windows import grace_ms, intake_windows, objections_deadline, objections_window


def figures_of(phase: PhaseState, about: str = "") -> Iterator[Figure]:
    """What a decision looks like; nothing before there is one. `about` stands beneath each figure: a programme that is
    reconstructed or projected says so in the title under which it was announced.
    """
    if phase.in_force is not None:
        yield standings_of(phase, phase.in_force, about)
        if any(row["margin"] is not None for row in _assessed(phase, phase.in_force)):
            yield margins_of(phase, phase.in_force, about)


def _assessed(phase: PhaseState, decision: Decision) -> list[dict[str, Any]]:
    return [phase.assessed[event_id].data for event_id in decision.fact.data["assessments"]]


def _outcomes(decision: Decision) -> Mapping[str, str]:
    return {row["entrant"]: row["outcome"] for row in decision.fact.data["outcomes"]}


def standings_of(phase: PhaseState, decision: Decision, about: str = "") -> Figure:
    """By rank, with the points of each criterion that is added to the total."""
    outcomes = _outcomes(decision)
    criteria = [rule.id for rule in phase.rules.criteria if rule.counts]
    rows = [
        Standing(
            row["entrant"],
            row["rank"],
            row["total"],
            tuple(row["scores"].get(name) for name in criteria),
            outcomes.get(row["entrant"], ""),
        )
        for row in standings(_assessed(phase, decision))
    ]
    places = None if phase.rules.advance is None else phase.rules.advance.places
    title = f"Standings of {phase.rules.id}, with what each criterion brought"
    drawn = standings_figure(f"standings-{phase.rules.id}", title, about, criteria, rows, places)
    return replace(drawn, entries=_entries(phase, decision))


def margins_of(phase: PhaseState, decision: Decision, about: str = "") -> Figure:
    """How far everybody was from the nearest on the other side of the last place, in what is ranked by."""
    outcomes = _outcomes(decision)
    ranked = sorted(_assessed(phase, decision), key=lambda row: (row["rank"] is None, row["rank"], row["entrant"]))
    rows = [Distance(row["entrant"], row["margin"], outcomes.get(row["entrant"], "")) for row in ranked]
    note = "Of those within the places: the distance to the first below. Of those below: to the last within."
    note = f"{note} {about}".strip()
    drawn = margins_figure(f"margins-{phase.rules.id}", f"Margins at the last place of {phase.rules.id}", note, rows)
    return replace(drawn, entries=_entries(phase, decision))


def _entries(phase: PhaseState, decision: Decision) -> dict[str, int]:
    """The assessment of each entrant."""
    facts = [phase.assessed[event_id] for event_id in decision.fact.data["assessments"]]
    return {fact.data["entrant"]: fact.index for fact in facts}


def timeline_of(phase: PhaseState, about: str = "") -> Figure:
    """Windows of the intake, of reopenings and of objections, and what happened, by entry."""
    title = f"Time line of {phase.rules.id}"
    moments = list(_moments(phase))
    drawn = timeline_figure(f"timeline-{phase.rules.id}", title, about, list(_stretches(phase)), moments)
    return replace(drawn, entries={f"{moment.name} {moment.index}": moment.index for moment in moments})


def _stretches(phase: PhaseState) -> Iterator[Stretch]:
    grace = grace_ms(phase.rules)
    for window in intake_windows(phase):
        planned = phase.opened.data["windows"].get(window)
        first_ms = None if planned is None else parse_instant(planned) + grace
        last_ms = phase.deadlines[window]
        yield Stretch(window, phase.opens_ms, last_ms, None if first_ms == last_ms else first_ms)
    for row in phase.rounds:
        if row.until_ms is not None:
            yield Stretch(f"reopened ({row.number})", row.opened.received_ms, row.until_ms)
    for decision in phase.decisions.values():
        if (until_ms := objections_deadline(phase, decision)) is not None:
            signed = [decision.fact.received_ms, *(fact.received_ms for fact in decision.signatures.values())]
            yield Stretch(objections_window(decision), max(signed), until_ms)


def _moments(phase: PhaseState) -> Iterator[Moment]:
    for row in phase.rounds:
        yield _moment(row.opened)
        yield from (_moment(fact) for fact in (row.closed, *row.held) if fact is not None)
    for decision in phase.decisions.values():
        yield _moment(decision.fact)
        last_signature = max(decision.signatures.values(), key=lambda fact: fact.received_ms, default=None)
        objections = [row.fact for row in decision.objections.values()]
        facts = [last_signature, decision.returned, *objections, decision.finalised]
        yield from (_moment(fact) for fact in facts if fact is not None)


def _moment(fact: Fact) -> Moment:
    return Moment(TYPES[fact.event.type].short, fact.received_ms, fact.index)
