"""Replay in the audit lab: every stored byte read again, every verdict and decision made again, and compared."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.web.access import require
from console.web.forms import Form
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.site import site_of

router = APIRouter(include_in_schema=False)


@router.get("/programmes/{programme}/lab/replay")
def replay(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """The replay of the moment's prefix: not begun, under way, or what came of it. With `HX-Request` that part alone."""
    require(request, "read-records", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "lab")
    template = "replay-part.html" if page.is_part else "replay.html"
    return shown(page, template, frame=frame, run=site.replays.of(programme, frame.size))


@router.post("/programmes/{programme}/lab/replay")
def start(
    request: Request,
    programme: str,
    page: Annotated[Page, Depends(page_of)],
    _: Form,
) -> RedirectResponse:
    """Begins it. It writes nothing; it costs time, and so one runs at a time."""
    require(request, "read-records", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "lab")
    site.replays.start(programme, frame.size)
    return RedirectResponse(page.link("programmes", programme, "lab", "replay", at=frame.size), 303)
