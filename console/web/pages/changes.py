"""What changed between two moments: what was recorded, what was decided about, and who stands otherwise since."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.telling.sentences import Words, names_of
from console.web.access import require
from console.web.explained import state_of
from console.web.frame import Frame, frame_of
from console.web.page import Page, moment_of, page_of, shown
from console.web.problems import Problem
from console.web.since import between, recorded
from console.web.site import Site, site_of
from events.errors import NotFound
from handlers.state import State

router = APIRouter(include_in_schema=False)


@router.get("/programmes/{programme}/changes")
def changes(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """Since a size or a time; without one, since the last decision before this moment."""
    require(request, "read", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "changes")
    with site.turns.of(programme):
        since = _since(site, page, frame)
        then = State(programme) if since == 0 else state_of(site.reading, programme, since)
        now = state_of(site.reading, programme, frame.size)
        words, found = Words(page.lang, names_of(now)), between(then, now)
    facts = {
        "words": words,
        "since": since,
        "found": found,
        "recorded": recorded(site.reading, programme, since, frame.size),
    }
    return shown(page, "changes.html", frame=frame, **facts)


def _since(site: Site, page: Page, frame: Frame) -> int:
    """Raises Problem for a moment after that of the page, NotFound for one that the log has not reached."""
    at = moment_of(page.request, "since")
    if at is None:
        return max((mark.size for mark in frame.marks if mark.size < frame.size), default=0)
    try:
        since = site.reading.reader.size_at(frame.programme, at)
    except NotFound:
        if at.size is not None:
            raise
        since = 0  # A time before the first entry.
    if since > frame.size:
        raise Problem(
            "malformed-request", f"since is at {since} entries, after the moment of the page, at {frame.size}"
        )
    return since
