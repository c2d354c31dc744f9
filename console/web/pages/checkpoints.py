"""The signed checkpoints of a log, and the proof that one of them extends another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from console.web.access import require
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.problems import Problem
from console.web.site import site_of
from events.errors import NotFound
from events.note import format_vkey, verifier_key
from flows.checkpointed import checkpoints_of, extension

SHOWN = 100
"""Checkpoints on a page; `before` asks for smaller ones."""

router = APIRouter(include_in_schema=False)


@router.get("/programmes/{programme}/checkpoints")
def checkpoints(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """The list, the largest first; with `old` and `new` the proof between these two."""
    require(request, "read", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "log")
    head = site.reading.head(programme)
    sizes = [_size(page, name) for name in ("old", "new", "before")]
    found = checkpoints_of(site.reading, head, min(frame.size, (sizes[2] or frame.size + 1) - 1))
    proved = None
    if sizes[0] and sizes[1]:
        proved = extension(site.reading, head, min(sizes[0], sizes[1]), max(sizes[0], sizes[1]))
    keys = [format_vkey(verifier_key(head.origin, key.public)) for key in site.reading.log_keys]
    facts = {"rows": found[:SHOWN], "is_more": len(found) > SHOWN, "proved": proved, "vkeys": keys}
    return shown(page, "checkpoints.html", frame=frame, origin=head.origin, **facts)


def _size(page: Page, name: str) -> int:
    text = page.request.query_params.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Problem("malformed-request", f"{name}={text[:60]!r} is no size of a checkpoint")
    return int(text or 0)


@router.get("/programmes/{programme}/checkpoints/{size}")
def note(request: Request, programme: str, size: int) -> Response:
    """The signed note, as a file."""
    require(request, "read", programme)
    stored = [row for row in site_of(request).reading.ledger.checkpoints(programme) if row.size == size]
    if not stored:
        raise NotFound(f"there is no checkpoint of {programme!r} at {size} entries")
    headers = {"content-disposition": f'attachment; filename="{programme}-{size}.checkpoint"'}
    return Response(stored[0].note, 200, headers, "text/plain")
