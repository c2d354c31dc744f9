"""How stable the outcome of a phase is: margins at the cut, every weight of each criterion, and the ranks without one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from console.telling.sentences import Words, names_of
from console.web.access import require
from console.web.computations import Computation
from console.web.explained import phase_of, state_of
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.problems import Problem, problem_of
from console.web.robust import STEPS, Robust, robust
from console.web.site import site_of
from events.errors import PhasegateError, Refused

router = APIRouter(include_in_schema=False)


@router.get("/programmes/{programme}/lab/robustness/{phase}")
def robustness(request: Request, programme: str, phase: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """The whole page, or with `HX-Request` the answer alone. It tells what single marks would have changed, so it is for those
    who may read records.
    """
    require(request, "read-records", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "lab")
    with site.turns.of(programme):
        state = state_of(site.reading, programme, frame.size)
        phase_of(state, phase)
        words = Words(page.lang, names_of(state))
        erased = len(site.reading.state(programme).erased)

    def make(each: Callable[[], None]) -> Robust:
        return robust(site.reading, programme, phase, frame.size, each)

    run = site.computations.ask((programme, erased, f"robustness {frame.size} {phase}"), STEPS, make)
    wrong = _wrong(run)
    facts: dict[str, Any] = {"run": run, "wrong": wrong, "words": words, "phase": phase, "found": None, "figures": ()}
    if run is not None and run.is_over and wrong is None:
        found = run.result
        drawn = (one.html(lambda index: page.link("programmes", programme, "log", index)) for one in found.figures)
        facts |= {"found": found, "figures": [Markup(text) for text in drawn]}  # noqa: S704 - a Figure escapes its texts
    template = "robustness-part.html" if page.is_part else "robustness.html"
    return shown(page, template, 200 if wrong is None else 422, frame=frame, **facts)


def _wrong(run: Computation | None) -> Refused | None:
    """Why there is no answer, where that is due to what was asked. Raises Problem for what is wrong here."""
    match None if run is None else run.error:
        case None:
            return None
        case Refused() as refused:
            return refused
        case Problem() as problem:
            raise problem
        case PhasegateError() as error:
            raise problem_of(error)
