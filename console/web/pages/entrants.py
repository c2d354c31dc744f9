"""The page of one entrant: what it handed in, what it was given, and its letters with their proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from console.telling.letter_scores import points_of
from console.telling.sentences import Words, names_of
from console.web.explained import Explained, state_of
from console.web.frame import Frame, frame_of
from console.web.letters import letter_file, letter_page
from console.web.own import require_own
from console.web.page import Page, page_of, shown
from console.web.site import Site, site_of
from console.web.speech import Lang
from events.errors import NotFound
from events.values import format_instant, format_number
from handlers.state import State

router = APIRouter(include_in_schema=False)

Shown = Annotated[Page, Depends(page_of)]


@router.get("/programmes/{programme}/entrants/{entrant}")
def entrant(request: Request, programme: str, entrant: str, page: Shown) -> HTMLResponse:
    """Its own submissions, marks and letters; of others nothing."""
    visitor = require_own(request, programme, entrant)
    site = site_of(request)
    frame = frame_of(site, page, programme, "decisions")
    may_read = visitor.may("read", programme)
    with site.turns.of(programme):
        state = state_of(site.reading, programme, frame.size)
        if entrant not in state.entrants:
            raise NotFound(f"{programme!r} has no entrant {entrant!r}")
        words = Words(page.lang, names_of(state))
        facts = _known(state, entrant) | {"phases": list(_phases(site, state, entrant))}
    shown_frame = frame if may_read else _for_itself(frame)
    return shown(page, "entrant.html", frame=shown_frame, entrant=entrant, words=words, may_read=may_read, **facts)


def _for_itself(frame: Frame) -> Frame:
    """Without the tabs that lead to what an entrant may not read."""
    return replace(frame, tabs=())


def _known(state: State, entrant: str) -> dict[str, Any]:
    registered, withdrawn = state.entrants[entrant], state.withdrawn.get(entrant)
    return {
        "registered": {"index": registered.index, "received": format_instant(registered.received_ms)},
        "withdrawn": None
        if withdrawn is None
        else {"index": withdrawn.index, "received": format_instant(withdrawn.received_ms)},
    }


def _phases(site: Site, state: State, entrant: str) -> Iterator[dict[str, Any]]:
    """The phases that it takes part in, the latest first."""
    for name, phase in reversed(state.phases.items()):
        if entrant not in phase.entrants:
            continue
        found = site.explanations.of(state.programme, state.size, name, entrant, None)
        handed_in = phase.submissions.get(entrant)
        yield {
            "phase": name,
            "status": phase.status,
            "told": found.told,
            "most": {
                path: None if most is None else format_number(most) for path, most in points_of(found.rules.criteria)
            },
            "submission": None
            if handed_in is None
            else {
                "index": handed_in.index,
                "received": format_instant(handed_in.received_ms),
                "title": handed_in.data["title"],
                "artefacts": handed_in.data["artefacts"],
            },
        }


@router.get("/programmes/{programme}/decisions/{phase}/{entrant}/letter")
def letter(
    request: Request, programme: str, phase: str, entrant: str, page: Shown, decision: str | None = None
) -> Response:
    """The letter of decision, as a page to print."""
    return _written(request, (programme, phase, entrant, decision), page, letter_page)


@router.get("/programmes/{programme}/decisions/{phase}/{entrant}/letter.zip")
def letter_with_proofs(
    request: Request, programme: str, phase: str, entrant: str, page: Shown, decision: str | None = None
) -> Response:
    """The letter with the files that let its reader check it."""
    return _written(request, (programme, phase, entrant, decision), page, letter_file)


def _written(
    request: Request,
    about: tuple[str, str, str, str | None],
    page: Page,
    write: Callable[[Site, str, int, Explained, Lang], Response],
) -> Response:
    programme, phase, entrant, decision = about
    require_own(request, programme, entrant)
    site = site_of(request)
    size = frame_of(site, page, programme, "decisions").size
    with site.turns.of(programme):
        found = site.explanations.of(programme, size, phase, entrant, decision)
        return write(site, programme, size, found, page.lang)
