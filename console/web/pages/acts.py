"""Acts: what the programme waits for and what this visitor may do, the form of each act, its preview, and sending it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from console.telling.sentences import Words, names_of
from console.web.access import Visitor, require, require_any, visitor_of
from console.web.acting.composed import Problems
from console.web.acting.fields import Given
from console.web.acting.form import (
    Shown,
    act_at,
    event_of,
    form_of,
    given_of,
    read_form,
    shown_event,
    slug_of,
)
from console.web.acting.permitted import RIGHTS, acts_of, is_anybody, require_another_person
from console.web.acting.waiting import wanted
from console.web.forms import Form
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.pages.sent import for_visitor
from console.web.problems import Problem
from console.web.sending import address, send, sender_of
from console.web.site import Site, site_of
from events.errors import PhasegateError, Refused
from handlers.state import State

router = APIRouter(include_in_schema=False)

OFFICES = ("open-call", "requeue")
"""Acts of the office that have pages of their own."""

OnPage = Annotated[Page, Depends(page_of)]


def require_actor(request: Request, programme: str) -> Visitor:
    """The visitor, who has an account that may do something here. Which acts these are follows from the rules' sources."""
    return require_any(request, RIGHTS, programme)


def announced(site: Site, programme: str) -> State:
    """What is known now of a programme that has rules. Who asks has the turn of the programme."""
    state = site.reading.state(programme)
    if state.rulebook is None:
        raise Refused(f"{programme} is not announced")
    return state


@router.get("/programmes/{programme}/acts")
def acts(request: Request, programme: str, page: OnPage) -> HTMLResponse:
    """What is waited for, and every act that the visitor may do. Who may only read sees what is waited for."""
    is_one = is_anybody(visitor_of(request), programme)
    visitor = require_any(request, RIGHTS, programme) if is_one else require(request, "read", programme)
    site = site_of(request)
    frame = for_visitor(frame_of(site, page, programme, "acts"), visitor)
    with site.turns.of(programme):
        state = announced(site, programme)
        names = names_of(state)
        rows = wanted(site, page, state, names)
        mine = [*acts_of(visitor, state), *(OFFICES if visitor.may("act", programme) else ())]
    facts = {"rows": rows, "mine": mine, "names": names, "slug": slug_of, "is_signed_in": visitor.name is not None}
    return shown(page, "acts.html", frame=frame, **facts)


@router.get("/programmes/{programme}/acts/{act}")
def form(request: Request, programme: str, act: str, page: OnPage) -> HTMLResponse:
    """The form, begun with what the address says."""
    require_actor(request, programme)
    return _form(site_of(request), page, programme, act, given_of(request.query_params), {})


def _form(site: Site, page: Page, programme: str, slug: str, given: Given, problems: Problems) -> HTMLResponse:
    frame = for_visitor(frame_of(site, page, programme, "acts"), page.visitor)
    with site.turns.of(programme):
        state = announced(site, programme)
        name, _ = act_at(slug, page.visitor, state)
        made = form_of(site, page, state, name, given, problems)
    return shown(page, "act.html", 422 if problems else 200, frame=frame, form=made, slug=slug)


@router.post("/programmes/{programme}/acts/{act}")
def preview(request: Request, programme: str, act: str, page: OnPage, sent: Form) -> HTMLResponse:
    """What would be sent and what it would do; or the form again, where it has faults. Nothing is sent yet."""
    visitor = require_actor(request, programme)
    site, given = site_of(request), given_of(sent)
    with site.turns.of(programme):
        state = announced(site, programme)
        name, row = act_at(act, visitor, state)
        found = read_form(site, visitor, state, name, given)
        told = None
        if found.event is not None:
            told, _ = shown_event(site, visitor, state, found.event, previews=row.previews)
    if told is None:
        return _form(site, page, programme, act, given, found.problems)
    return preview_page(site, page, programme, act, told)


def preview_page(
    site: Site,
    page: Page,
    programme: str,
    slug: str,
    told: Shown,
    failed: str = "",
    *,
    again: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    """The preview of an event, with the button that sends it. `failed`: why it did not go out; `again`: which verdict a
    refused record would get that is sent again.
    """
    frame = for_visitor(frame_of(site, page, programme, "acts"), page.visitor)
    reason = told.effect.reason
    why = "" if reason is None else Words(page.lang).say(f"refused.{reason}")
    with site.turns.of(programme):
        names = names_of(site.reading.state(programme))
    facts = {"told": told, "slug": slug, "why": why, "failed": failed, "names": names, "again": again}
    return shown(page, "act-preview.html", 503 if failed else 200, frame=frame, **facts)


@router.post("/programmes/{programme}/acts/{act}/send")
def confirm(request: Request, programme: str, act: str, page: OnPage, sent: Form) -> Response:
    """Sends what the preview showed, byte for byte, and leads to the page that waits for its record. Where the broker does
    not answer the preview is there again, to be sent again.
    """
    visitor = require_actor(request, programme)
    site = site_of(request)
    text = sent.get("event")
    with site.turns.of(programme):
        state = announced(site, programme)
        name, row = act_at(act, visitor, state)
        event = event_of(visitor, state, name, row, text if isinstance(text, str) else "")
        if name == "approve":
            _require_another(site, visitor, state, event.data["act"])
        told, prepared = shown_event(site, visitor, state, event, previews=row.previews)
    if prepared is None:
        return preview_page(site, page, programme, act, told)
    try:
        position = send(site, prepared, sender_of(visitor))
    except PhasegateError as error:
        return preview_page(site, page, programme, act, told, error.message)
    return RedirectResponse(address(page, programme, position), 303)


def _require_another(site: Site, visitor: Visitor, state: State, act_id: str) -> None:
    try:
        require_another_person(site, visitor, state, act_id)
    except Refused as error:
        raise Problem("forbidden", error.message) from error
