"""A refused record is sent again after a fix: the act that says so first, and once that is on record the record itself.

Two steps, each with a button of its own, so that nothing waits in between and whoever was interrupted goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from console.commands.requeueing import ACT, said_before, would_be
from console.telling.sentences import Words
from console.web.access import Visitor, require
from console.web.acting.composed import default_time, faults_of
from console.web.acting.form import event_of, shown_event
from console.web.acting.permitted import speaker
from console.web.forms import Form
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.pages.acts import announced, preview_page
from console.web.problems import Problem
from console.web.sending import Prepared, address, send, send_again, sender_of
from console.web.site import Site, site_of
from events.bus import Message
from events.envelope import Envelope, Malformed, decode
from events.errors import PhasegateError, Refused
from events.record import partition_for
from events.values import format_instant
from flows.refused import RefusedRecord, refused_record
from flows.requeueing import id_of, same_again, verdict_now
from flows.sending import uuid7
from handlers.state import State

router = APIRouter(include_in_schema=False)

SLUG = "requeue"
OnPage = Annotated[Page, Depends(page_of)]


@router.get("/programmes/{programme}/acts/requeue")
def form(request: Request, programme: str, page: OnPage, index: int | None = None) -> HTMLResponse:
    """Which entry and why; of one whose act is on record already, the button that sends the record."""
    require(request, "act", programme)
    return _form(site_of(request), page, programme, index)


def _form(
    site: Site, page: Page, programme: str, index: int | None, reason: str = "", problem: str = ""
) -> HTMLResponse:
    frame = frame_of(site, page, programme, "acts")
    facts: dict[str, Any] = {"index": index, "reason": reason, "problem": problem, "row": None, "said": None}
    if index is not None and not problem:
        try:
            with site.turns.of(programme):
                row, sent, said = _looked_at(site, announced(site, programme), index)
        except PhasegateError as error:
            facts["problem"] = error.message
        else:
            why = Words(page.lang).say(f"refused.{row.refusing.reason}")
            facts |= {"row": row, "said": said, "why": why, "as_id": id_of(sent)}
    return shown(page, "requeue.html", 422 if facts["problem"] else 200, frame=frame, slug=SLUG, **facts)


def _looked_at(site: Site, state: State, index: int) -> tuple[RefusedRecord, Message, int | None]:
    """The record, what would be sent, and the entry of the act if that is on record. Raises Refused, NotFound. Who asks has
    the turn of the programme.
    """
    row = refused_record(site.reading, state.programme, index, state.size)
    sent = same_again(row)
    return row, sent, said_before(site.reading, state, row, id_of(sent))


@router.post("/programmes/{programme}/acts/requeue")
def preview(request: Request, programme: str, page: OnPage, sent: Form) -> HTMLResponse:
    """Which verdict the record would get now, and the act that would say that it is sent again."""
    visitor = require(request, "act", programme)
    site = site_of(request)
    number, reason = str(sent.get("index", "")).strip(), str(sent.get("reason", "")).strip()
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        return _form(site, page, programme, None, reason, f"{number[:40]!r} is not the index of an entry")
    index = int(number)
    if not reason:
        return _form(site, page, programme, index, reason, page.t("acts.needed"))
    try:
        with site.turns.of(programme):
            state = announced(site, programme)
            row, message, said = _looked_at(site, state, index)
            event = _act(site, visitor, state, row, message, reason)
            told, _ = shown_event(site, visitor, state, event, previews=False)
    except PhasegateError as error:
        return _form(site, page, programme, index, reason, error.message)
    if said is not None:
        return _form(site, page, programme, index)
    again = would_be(verdict_now(site.reading, programme, message, default_time(state, site.now())))
    return preview_page(site, page, programme, SLUG, told, again=again)


def _act(site: Site, visitor: Visitor, state: State, row: RefusedRecord, message: Message, reason: str) -> Envelope:
    topic, partition, offset = row.place
    place = {"topic": topic, "partition": partition, "offset": offset}
    data = {"record": place, "as": id_of(message), "reason": reason}
    if faults := faults_of(ACT, data):
        raise Refused(next(iter(faults.values()))[1])
    sources = speaker(visitor, state, ACT.type, data, None)
    if len(sources) != 1:
        raise Refused(f"{len(sources)} sources may say that a record is sent again; the rules have to name one")
    at = format_instant(default_time(state, site.now()))
    return Envelope(uuid7(site.now()), sources[0], f"phasegate.{ACT.type}.v1", state.programme, at, data)


@router.post("/programmes/{programme}/acts/requeue/send")
def confirm(request: Request, programme: str, page: OnPage, sent: Form) -> Response:
    """Sends the act."""
    visitor = require(request, "act", programme)
    site, text = site_of(request), sent.get("event")
    with site.turns.of(programme):
        state = announced(site, programme)
        event = event_of(visitor, state, ACT.type, ACT, text if isinstance(text, str) else "")
        told, prepared = shown_event(site, visitor, state, event, previews=False)
    if prepared is None:
        return preview_page(site, page, programme, SLUG, told)
    try:
        position = send(site, prepared, sender_of(visitor))
    except PhasegateError as error:
        return preview_page(site, page, programme, SLUG, told, error.message)
    return RedirectResponse(address(page, programme, position), 303)


@router.post("/programmes/{programme}/acts/requeue/{index}")
def again(request: Request, programme: str, index: int, page: OnPage, sent: Form) -> Response:  # noqa: ARG001 - for its token
    """Sends the record itself, whose act is on record."""
    visitor = require(request, "act", programme)
    site = site_of(request)
    with site.turns.of(programme):
        state = announced(site, programme)
        _, message, said = _looked_at(site, state, index)
    if said is None:
        raise Problem("unprocessable-event", f"that entry {index} is sent again is not on record")
    prepared = _prepared(site, state, message)
    try:
        position = send_again(site, prepared, sender_of(visitor), said)
    except PhasegateError as error:
        return _form(site, page, programme, index, "", error.message)
    return RedirectResponse(address(page, programme, position), 303)


def _prepared(site: Site, state: State, message: Message) -> Prepared:
    """In a programme's own time it happens as of the last receipt. Raises Problem for bytes that are no event."""
    stamp_ms = default_time(state, site.now()) if state.clock == "scenario" else None
    try:
        event = decode(message.value)
    except Malformed as error:
        raise Problem(
            "unprocessable-event", f"{error.message}; a corrected record is sent from the command line"
        ) from error
    partition = partition_for(message.key or b"", site.reading.deployment().partitions)
    return Prepared(state.programme, event, replace(message, timestamp_ms=stamp_ms), partition)
