"""Decisions: all of a programme, that of a phase with its reasons, and what it says of one entrant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from console.telling.calculations import rows as rows_of
from console.telling.letter_scores import points_of
from console.telling.sentences import Words
from console.web.access import require
from console.web.explained import Explained, signatures
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.site import Site, site_of
from events.rulebook import Phase
from events.values import format_instant, format_number
from handlers.explanation import Explanation
from handlers.state import Decision, PhaseState, State
from handlers.views import changes

router = APIRouter(include_in_schema=False)

Shown = Annotated[Page, Depends(page_of)]


@router.get("/programmes/{programme}/decisions")
def decisions(request: Request, programme: str, page: Shown) -> HTMLResponse:
    """Every phase with its decisions, the latest first."""
    require(request, "read", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "decisions")
    with site.turns.of(programme):
        phases = _phases(site.reading.state(programme, page.at), page)
    return shown(page, "decisions.html", frame=frame, phases=phases)


def _phases(state: State, page: Page) -> list[dict[str, Any]]:
    """The phases of the rulebook, those that run or ended last before those that are planned."""
    rows = []
    for rules in state.rulebook.phases if state.rulebook else ():
        phase = state.phases.get(rules.id)
        titles = rules.title or {}
        found = [] if phase is None else [_row(phase, one) for one in reversed(phase.decisions.values())]
        title = titles.get(page.lang) or titles.get("en") or rules.id
        rows.append({
            "phase": rules.id,
            "title": title,
            "status": state.status(rules.id),
            "decisions": found,
            "changes": [] if phase is None else changes(phase),
        })  # fmt: skip
    return [row for row in reversed(rows) if row["decisions"]] + [row for row in rows if not row["decisions"]]


def _row(phase: PhaseState, decision: Decision) -> dict[str, Any]:
    data, returned, final = decision.fact.data, decision.returned, decision.finalised
    return {
        "id": decision.fact.event.id,
        "index": decision.fact.index,
        "received": format_instant(decision.fact.received_ms),
        "round": decision.number,
        "in_force": decision is phase.in_force,
        "basis": data["basis"],
        "vacancies": data["vacancies"],
        "advanced": [row["entrant"] for row in data["outcomes"] if row["outcome"] == "advanced"],
        "signatures": signatures(phase, decision),
        "returned": None if returned is None else {"index": returned.index, "reason": returned.data["reason"]},
        "final": None if final is None else final.index,
    }


@router.get("/programmes/{programme}/decisions/{phase}")
def decision(request: Request, programme: str, phase: str, page: Shown, decision: str | None = None) -> HTMLResponse:
    """The explanation of a phase. `decision` names one that was superseded."""
    visitor = require(request, "read", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "decisions")
    found = explained(site, programme, frame.size, phase, None, decision)
    facts = _about(page, found) | {"records": visitor.may("read-records", programme), "decision_id": decision or ""}
    link = page.link
    pictures = [one.html(lambda index: link("programmes", programme, "log", index)) for one in found.figures]
    figures = [Markup(text) for text in pictures]  # noqa: S704 - a Figure escapes whatever it is given
    facts |= _numbers_of(found.rules)
    return shown(page, "decision.html", frame=frame, figures=figures, **facts)


def _numbers_of(rules: Phase) -> dict[str, dict[str, str | None]]:
    """The points of every criterion, whole ones before their parts, and the floors."""
    points = {path: None if most is None else format_number(most) for path, most in points_of(rules.criteria)}
    return {"points": points, "floors": {path: format_number(least) for path, least in rules.floors.items()}}


def explained(
    site: Site, programme: str, size: int, phase: str, entrant: str | None, decision: str | None
) -> Explained:
    """The explanation, made in the programme's turn unless it is kept."""
    with site.turns.of(programme):
        return site.explanations.of(programme, size, phase, entrant, decision)


def _about(page: Page, found: Explained) -> dict[str, Any]:
    return {"found": found, "told": found.told, "words": Words(page.lang, found.names)}


@router.get("/programmes/{programme}/decisions/{phase}/{entrant}")
def entrant_decided(
    request: Request, programme: str, phase: str, entrant: str, page: Shown, decision: str | None = None
) -> HTMLResponse:
    """Why one entrant stands where it stands. The arithmetic and what was left out are for those who may read records."""
    visitor = require(request, "read", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "decisions")
    found = explained(site, programme, frame.size, phase, entrant, decision)
    facts = _about(page, found) | {"records": visitor.may("read-records", programme), "decision_id": decision or ""}
    arithmetic = list(_arithmetic(facts["words"], found.told))
    return shown(page, "decision-entrant.html", frame=frame, entrant=entrant, arithmetic=arithmetic, **facts)


def _arithmetic(words: Words, told: Explanation) -> Iterator[dict[str, Any]]:
    for one in told.worked:
        value = "—" if one.value is None else words.written("value", one.value)
        yield {
            "title": words.criterion(one.criterion),
            "path": one.criterion,
            "value": value,
            "exact": one.exact,
            "rows": list(rows_of(words, one)),
            "marks": one.marks,
        }


@router.get("/programmes/{programme}/decisions/{phase}/{entrant}/fragility")
def fragility(
    request: Request, programme: str, phase: str, entrant: str, page: Shown, decision: str | None = None
) -> HTMLResponse:
    """How close it was. Many decisions are made again for it, so that a page loads it after itself."""
    require(request, "read-records", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "decisions")
    with site.turns.of(programme):
        names, points = site.explanations.fragility(programme, frame.size, phase, entrant, decision)
    template = "fragility-part.html" if page.is_part else "fragility.html"
    facts = {"points": points, "words": Words(page.lang, names), "phase": phase, "entrant": entrant}
    return shown(page, template, frame=frame, decision_id=decision or "", **facts)
