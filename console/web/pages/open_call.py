"""Opening a call for the places that a phase left vacant. What it says follows from the rules; a person does what is due, where
no flow has done it yet. Both send the same event, which is recorded once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from console.telling.sentences import names_of
from console.web.access import Visitor, require
from console.web.acting.composed import default_time
from console.web.acting.form import shown_event
from console.web.forms import Form
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.pages.acts import announced, preview_page
from console.web.problems import Problem
from console.web.sending import address, send, sender_of
from console.web.site import Site, site_of
from events.envelope import Envelope
from events.errors import PhasegateError
from handlers.course import is_skipped, vacant_places
from handlers.decide_course import call_opened
from handlers.due import due
from handlers.state import State
from handlers.transition import OpenCall

router = APIRouter(include_in_schema=False)

SLUG = "open-call"
OnPage = Annotated[Page, Depends(page_of)]


def _due(site: Site, state: State) -> Envelope | None:
    """The event that opens a call, where that is what comes next. Who asks has the turn of the programme."""
    transition = due(state, default_time(state, site.now()))
    return call_opened(state, transition)[1] if isinstance(transition, OpenCall) else None


@router.get("/programmes/{programme}/acts/open-call")
def form(request: Request, programme: str, page: OnPage) -> HTMLResponse:
    """The preview of the call that can be opened now; else where each call of the rules stands."""
    visitor = require(request, "act", programme)
    site = site_of(request)
    with site.turns.of(programme):
        state = announced(site, programme)
        event = _due(site, state)
        told = None if event is None else shown_event(site, visitor, state, event, previews=False)[0]
        rows, names = list(_calls(state)), names_of(state)
    if told is not None:
        return preview_page(site, page, programme, SLUG, told)
    frame = frame_of(site, page, programme, "acts")
    return shown(page, "open-call.html", frame=frame, rows=rows, names=names, slug=SLUG)


def _calls(state: State) -> Iterator[dict[str, Any]]:
    for rules in state.rulebook.phases if state.rulebook is not None else ():
        if rules.call is None:
            continue
        is_final = state.status(rules.call.fills) == "final"
        opened = state.calls.get(rules.id)
        if opened is not None:
            why = "open"
        elif not is_final:
            why = "not-final"
        else:
            why = "no-place" if is_skipped(state, rules) else "not-yet"
        yield {
            "phase": rules.id,
            "fills": rules.call.fills,
            "opens": rules.call.opens,
            "why": why,
            "index": None if opened is None else opened.opened.index,
            "places": vacant_places(state, rules) if is_final else None,
        }


@router.post("/programmes/{programme}/acts/open-call/send")
def confirm(request: Request, programme: str, page: OnPage, sent: Form) -> Response:  # noqa: ARG001 - for its token
    """Sends what is due, made anew from the record: nothing of it comes from the browser."""
    visitor: Visitor = require(request, "act", programme)
    site = site_of(request)
    with site.turns.of(programme):
        state = announced(site, programme)
        event = _due(site, state)
        if event is None:
            raise Problem("unprocessable-event", "no call can be opened now, or it is open already")
        told, prepared = shown_event(site, visitor, state, event, previews=False)
    if prepared is None:
        return preview_page(site, page, programme, SLUG, told)
    try:
        position = send(site, prepared, sender_of(visitor))
    except PhasegateError as error:
        return preview_page(site, page, programme, SLUG, told, error.message)
    return RedirectResponse(address(page, programme, position), 303)
