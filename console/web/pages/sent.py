"""What somebody sent: whether it is recorded by now, as which entry, with which verdict, and what to do after a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse

from console.telling.sentences import Words
from console.web.access import Visitor, note, require, visitor_of
from console.web.answers import Topic
from console.web.frame import Frame, frame_of
from console.web.page import Page, page_of, shown
from console.web.problems import Problem
from console.web.receipts import NUMBER_MAX
from console.web.sending import Outcome, outcome, sender_of, sent_by
from console.web.site import Site, site_of
from events.record import Position
from flows.browsing import short_type

router = APIRouter(include_in_schema=False)

Number = Annotated[int, Path(ge=0, le=NUMBER_MAX)]

REQUEUED = "phasegate.record.requeued.v1"

NEXT: Mapping[str, str] = {
    "late": "late",
    "too-early": "wait",
    "already-scored": "correct-mark",
    "phase-closed": "reopen",
    "self-approval": "another-person",
    "source-not-authorised": "rules",
    "signature-missing": "keys",
    "signature-invalid": "keys",
    "illegal-transition": "look",
    "unknown-evaluator": "appoint",
    "unknown-entrant": "register",
}
"""What to do next, by the reason of a refusal; after any other the form is filled in again."""


@router.get("/programmes/{programme}/sent/{topic}/{partition}/{offset}")
def sent(
    request: Request,
    programme: str,
    topic: Topic,
    partition: Number,
    offset: Number,
    page: Annotated[Page, Depends(page_of)],
) -> HTMLResponse:
    """For the account that sent it, and for those who may read records. With `HX-Request` the part that changes."""
    position = Position(topic, partition, offset)
    visitor = require_sender(request, programme, position)
    site = site_of(request)
    found = outcome(site, programme, position)
    facts = {
        "found": found,
        "position": position,
        "short": "" if found is None else short_type(found.entry.type),
        "why": "" if found is None or not found.entry.reason else Words(page.lang).say(f"refused.{found.entry.reason}"),
        "next": "" if found is None else NEXT.get(found.entry.reason or "", "again"),
        "may_read": visitor.may("read", programme),
        "again": None if found is None or not visitor.may("act", programme) else _requeued(site, found),
    }
    frame = for_visitor(frame_of(site, page, programme, "acts"), visitor)
    return shown(page, "sent-part.html" if page.is_part else "sent.html", frame=frame, **facts)


def _requeued(site: Site, found: Outcome) -> int | None:
    """The entry of the record that an accepted act says is sent again: what is to be sent next."""
    if found.event is None or found.entry.type != REQUEUED or found.entry.verdict != "accepted":
        return None
    record = site.reading.ledger.record_at(Position(**found.event.data["record"]))
    return None if record is None else record.index


def require_sender(request: Request, programme: str, position: Position) -> Visitor:
    """The visitor, who sent what stands there or may read records. Raises Problem; it does not tell whether anything does."""
    visitor = visitor_of(request)
    if visitor.may("read-records", programme):
        return require(request, "read-records", programme)
    note(request, visitor.name, "sender", programme).is_personal = True
    if visitor.name is None:
        raise Problem("sign-in-needed", "sign in to see this")
    if not visitor.roles_in(programme) or sent_by(site_of(request), position) != sender_of(visitor):
        raise Problem("forbidden", f"{visitor.name} did not send that, and may not read records here")
    return visitor


def for_visitor(frame: Frame, visitor: Visitor) -> Frame:
    """Without the tabs that lead to what the visitor may not read."""
    if visitor.may("read", frame.programme):
        return frame
    return replace(frame, tabs=tuple(tab for tab in frame.tabs if tab[0] == "acts"))
