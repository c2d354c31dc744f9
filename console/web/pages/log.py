"""The browser of a log: its entries from the newest on, those that are asked for, a page at a time."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.web.access import require
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.problems import Problem
from console.web.site import site_of
from events.names import TYPES
from events.reasons import REFUSALS
from events.record import TOPICS
from events.traceparent import id_of
from flows.browsing import NO_TYPE, Asked, browse

VERDICTS = ("accepted", "refused", "duplicate", "pending", "waiting")
SHORT_TYPES = tuple(row.short for row in TYPES.values())
TEXT_MAX = 200

router = APIRouter(include_in_schema=False)


@router.get("/programmes/{programme}/log")
def log(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """Whoever may not read records sees of each entry what is public, and cannot search in records."""
    visitor = require(request, "read", programme)
    asked = _asked(page)
    if asked.text or asked.trace:
        require(request, "read-records", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "log")
    before = min(_before(page) or frame.size, frame.size)
    found = browse(site.reading, programme, frame.size, asked, before)
    facts: dict[str, Any] = {
        "asked": asked,
        "found": found,
        "before": before,
        "counts": site.reading.ledger.verdicts(programme, frame.size),
        "may_search": visitor.may("read-records", programme),
        "choices": {"verdicts": VERDICTS, "types": (*SHORT_TYPES, NO_TYPE), "reasons": REFUSALS, "topics": TOPICS},
        "about": about,
    }
    return shown(page, "log.html", frame=frame, **facts)


def _asked(page: Page) -> Asked:
    text = page.request.query_params.get("text", "").strip()
    if len(text) > TEXT_MAX:
        raise Problem("malformed-request", f"text has {len(text)} characters; at most {TEXT_MAX} are searched for")
    return Asked(
        _one_of(page, "verdict", VERDICTS),
        _one_of(page, "type", (*SHORT_TYPES, NO_TYPE)),
        _one_of(page, "reason", REFUSALS),
        _one_of(page, "topic", TOPICS),
        text,
        _trace(page),
    )


def _trace(page: Page) -> str:
    """The id of a trace, given alone or in a traceparent."""
    text = page.request.query_params.get("trace", "").strip()
    try:
        return id_of(text) if text else ""
    except ValueError as error:
        raise Problem("malformed-request", f"trace={text[:60]!r}: {error}") from None


def _one_of(page: Page, name: str, known: Collection[str]) -> str:
    value = page.request.query_params.get(name, "")
    if value and value not in known:
        raise Problem("malformed-request", f"{name}={value[:60]!r} is none of: {', '.join(known)}")
    return value


def _before(page: Page) -> int:
    """The index below which entries are shown; 0 for the newest."""
    text = page.request.query_params.get("before", "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Problem("malformed-request", f"before={text[:60]!r} is no index of an entry")
    return int(text or 0)


def about(event: dict[str, Any] | None) -> list[str]:
    """Whom an event is about and who said it, as far as it says so in the usual members."""
    if event is None:
        return []
    data = event.get("data")
    members = data if isinstance(data, dict) else {}
    found = [event.get("source"), *(members.get(name) for name in ("phase", "entrant", "evaluator"))]
    return [text[:TEXT_MAX] for text in found if isinstance(text, str) and text]
