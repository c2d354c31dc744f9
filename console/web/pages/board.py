"""The board of a programme: its phases, what is due, what is missing and from whom, standings, and what comes in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from markupsafe import Markup

from console.figures.of_phase import figures_of, timeline_of
from console.web.access import require
from console.web.frame import Frame, called, frame_of
from console.web.page import Page, answered, page_of, rendered, shown
from console.web.site import Site, site_of
from events.names import TYPES
from flows.entries import listed
from flows.standing import standing
from handlers.state import PhaseState
from handlers.views import phases_view

FEED = 12
"""Entries that the board shows of the end of the log."""

STANDINGS_MAX = 60
"""Rows of standings on the board; the decision page has all."""

TOLD_FOR_MS = 5_000
"""What the clock changes (what is overdue, and for how long) is told anew after so long."""

PING_S = 15.0
AT_ONCE = 200
"""Entries that a connection gets at a time; one that is far behind gets the last of them."""

router = APIRouter(include_in_schema=False)


@router.get("/programmes/{programme}")
def board(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """The whole page, or with `HX-Request` the part that changes."""
    require(request, "read", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "board")
    part = Markup(_part(site, page, frame))  # noqa: S704 - made by a template, which escapes
    return answered(page, part) if page.is_part else shown(page, "board.html", frame=frame, part=part)


def _part(site: Site, page: Page, frame: Frame) -> str:
    """What changes, made once for everybody with the same roles who looks in the same language at the same entries: when a log
    grows, all who watch ask for it at once.
    """
    programme, own = frame.programme, page.request.query_params.get("lang", "")
    roles = page.visitor.roles_in(programme)
    key = ("board", programme, frame.size, page.at_text, page.lang, own, roles, site.now() // TOLD_FOR_MS)

    def make() -> str:
        return rendered(page, "board-part.html", frame=frame, **_facts(site, page, programme, frame.size))

    with site.turns.of(programme):
        return site.parts.once(key, make)


def _facts(site: Site, page: Page, programme: str, size: int) -> dict[str, Any]:
    reading = site.reading
    told = standing(reading, reading.head(programme), page.at, site.now())
    state = reading.state(programme, page.at)
    views = {view["phase"]: view for view in phases_view(state)}
    rulebook = state.rulebook
    titles = {rules.id: called(page, rules.title, rules.id) for rules in (rulebook.phases if rulebook else ())}
    figures = {name: drawn(page, programme, phase) for name, phase in state.phases.items()}
    names = {name: fact.data["name"] for name, fact in state.entrants.items()}
    return {
        "told": told,
        "most": STANDINGS_MAX,
        "views": views,
        "titles": titles,
        "names": names,
        "figures": figures,
        "rows": rows_of(site, programme, size, FEED),
    }


def drawn(page: Page, programme: str, phase: PhaseState) -> list[Markup]:
    """The figures of a phase, each with its table, whose rows lead to entries of the log. Where many take part those of the
    decision stand on its own page alone.
    """
    figures = (*(figures_of(phase) if len(phase.entrants) <= STANDINGS_MAX else ()), timeline_of(phase))
    told = (figure.html(lambda index: page.link("programmes", programme, "log", index)) for figure in figures)
    return [Markup(text) for text in told]  # noqa: S704 - a Figure escapes whatever it is given


def rows_of(site: Site, programme: str, size: int, limit: int) -> list[dict[str, Any]]:
    """The last entries below a size, the newest first."""
    found = listed(site.reading, programme, size, None, limit)
    return [{**row, "short": _short(row["type"])} for row in reversed(found)]


def _short(name: str | None) -> str:
    """The type without prefix and version; as it is where it is none of ours."""
    known = TYPES.get(name or "")
    return known.short if known else name or ""


@router.get("/programmes/{programme}/live")
def live(
    request: Request,
    programme: str,
    page: Annotated[Page, Depends(page_of)],
    since: int = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Entries as they are recorded, as server-sent events whose id is the entry's index; goes on after `Last-Event-ID`."""
    require(request, "read", programme)
    size = since
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 16:
        size = int(last_event_id) + 1
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_entries(site_of(request), page, programme, size), 200, headers, "text/event-stream")


async def _entries(site: Site, page: Page, programme: str, size: int) -> AsyncIterator[str]:
    site.feed.join()
    try:
        yield ": watching\n\n"
        while True:
            grown = await site.feed.beyond(programme, size, PING_S)
            if grown == size:
                yield ": still here\n\n"
                continue
            key = (programme, size, grown, page.lang, page.request.query_params.get("lang", ""))
            yield await site.feed.shared(key, partial(_told, site, page, programme, (size, grown)))
            size = grown
    finally:
        site.feed.leave()


def _told(site: Site, page: Page, programme: str, between: tuple[int, int]) -> str:
    """The entries from one size of the log to another, each as an event."""
    size, grown = between
    events = []
    for row in reversed(rows_of(site, programme, grown, min(grown - size, AT_ONCE))):
        text = rendered(page, "entry-row.html", programme=programme, row=row)
        data = "".join(f"data: {line}\n" for line in text.splitlines() if line)
        events.append(f"id: {row['index']}\nevent: entry\n{data}\n")
    return "".join(events)
