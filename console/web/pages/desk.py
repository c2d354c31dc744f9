"""The evaluators' desk: what an evaluator has to mark, programme by programme, and the entrants of a phase in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.web.access import visitor_of
from console.web.desk import Evaluator, desk_of, drawn_from, evaluator_of, require_evaluator, rows, state_at, told
from console.web.frame import called, title_of
from console.web.page import Page, page_of, shown
from console.web.problems import Problem
from console.web.site import Site, site_of
from handlers.sheets import is_seated, may_come
from handlers.state import State

router = APIRouter(include_in_schema=False)

Shown = Annotated[Page, Depends(page_of)]


@router.get("/desk")
def desks(request: Request, page: Shown) -> HTMLResponse:
    """Every programme in which the visitor marks, and its phases that have something for them."""
    visitor = visitor_of(request)
    if visitor.name is None:
        raise Problem("sign-in-needed", "sign in to see what you have to mark")
    site = site_of(request)
    found: list[dict[str, Any]] = []
    for head in site.reading.ledger.heads():
        name = evaluator_of(visitor, head.programme)
        if name is not None:
            who = Evaluator(visitor, name)
            with site.turns.of(head.programme):
                state = site.reading.state(head.programme)
                found += _programme(site, page, state, who)
    return shown(page, "desk.html", programmes=found)


def _programme(site: Site, page: Page, state: State, who: Evaluator) -> Iterator[dict[str, Any]]:
    """One with something for this evaluator; the open phases first, as they close."""
    if state.rulebook is None:
        return
    phases = []
    for rules in state.rulebook.phases:
        opened = state.phases.get(rules.id)
        title = called(page, rules.title, rules.id)
        if opened is not None and is_seated(state, opened, who.name):
            phases.append({**told(desk_of(site, state, rules.id, who), page), "called": title, "is_open": True})
        elif opened is None and may_come(state, rules, who.name):
            phases.append({"phase": rules.id, "called": title, "is_open": False, "status": "planned"})
    if phases:
        yield {
            "programme": state.programme,
            "title": title_of(state, page),
            "evaluator": who.name,
            "phases": sorted(phases, key=lambda row: not row.get("takes_marks", False)),
        }


@router.get("/desk/{programme}/{phase}")
def entrants(request: Request, programme: str, phase: str, page: Shown) -> HTMLResponse:
    """The entrants in the order drawn, what is missing of each, and how the order can be checked."""
    who = require_evaluator(request, programme)
    site = site_of(request)
    with site.turns.of(programme):
        desk = desk_of(site, state_at(site, page, programme, who.visitor), phase, who)
        facts = {**told(desk, page), "rows": list(rows(desk)), "drawn": drawn_from(desk)}
    facts["following"] = next((row["entrant"] for row in facts["rows"] if row["missing"]), None)
    return shown(page, "desk-phase.html", **facts)
