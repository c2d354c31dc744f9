"""What if, in the audit lab: suppositions in an address, and how the world that they make differs from the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from console.arguments import At
from console.telling.sentences import Words, names_of
from console.web import worlds
from console.web.access import require
from console.web.computations import Computation
from console.web.explained import state_of
from console.web.frame import Frame, frame_of
from console.web.page import Page, page_of, shown
from console.web.problems import Problem, problem_of
from console.web.questions import offered, questions
from console.web.site import Site, site_of
from console.web.suppositions import Supposed, given, supposed
from events.errors import NotFound, PhasegateError, Refused, Unavailable
from events.rulebook import Rulebook
from flows.what_if import PASSES
from flows.what_if import what_if as run_again

router = APIRouter(include_in_schema=False)

ENTRIES_MOST = 500_000
"""Of a log that is run again here; a longer one on the command line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address supposes; `wrong` says why it cannot be."""

    given: Sequence[tuple[str, str]] = ()
    found: Supposed | None = None
    wrong: PhasegateError | None = None

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.given if key == name]

    def is_about(self, phase: str) -> bool:
        """Whether something of a phase is supposed by the fields of that phase."""
        return any(
            name.split(".")[1:2] == [phase] or ("/" in value and value.split("/")[0] == phase)
            for name, value in self.given
            if name not in ("correct", "rule", "set")
        )


@router.get("/programmes/{programme}/lab/what-if")
def what_if(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> Response:
    """The form, and what came of it. The answer stands at an address that names the size of the log and what is supposed."""
    require(request, "read-records", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "lab")
    with site.turns.of(programme):
        state = state_of(site.reading, programme, frame.size)
        rulebook = state.rulebook
        if rulebook is None:
            raise NotFound(f"{programme!r} was not announced at that moment, so there are no rules to change")
        words, offers = Words(page.lang, names_of(state)), [offered(rules) for rules in rulebook.phases]
        facts: dict[str, Any] = {"words": words, "offers": offers, "examples": questions(state), "command": ""}
        facts["decided"] = [name for name, phase in state.phases.items() if phase.in_force is not None]
        erased = len(site.reading.state(programme).erased)
    asked = _asked(page, rulebook)
    if asked.found is not None and (address := _canonical(page, frame, asked)) is not None:
        return RedirectResponse(address, 303)
    run, wrong = _run(site, frame, asked, erased)
    facts |= {"asked": asked, "run": run, "wrong": wrong, "busy": asked.found is not None and run is None}
    if asked.found is not None:
        facts["command"] = asked.found.command(programme, frame.size)
    done = run is not None and run.is_over and wrong is None
    facts["said"] = lambda named: {kind: words.written(kind, name) for kind, name in named.items()}
    facts["headed"] = lambda name: _headed(page, words, name)
    facts["told"] = worlds.told(run.result) if run is not None and done else None
    template = "what-if-part.html" if page.is_part else "what-if.html"
    return shown(page, template, _status(wrong), frame=frame, **facts)


_SHORT = {"places": "decision.places", "least": "what-if.floors", "weight": "what-if.weights", "mode": "what-if.mode"}


def _headed(page: Page, words: Words, name: str) -> str:
    """A supposition's name in words, with the phase and the criterion that stand in it."""
    kind, _, rest = name.partition(".")
    if kind not in _SHORT:
        return page.t(f"what-if.{name}")
    phase, _, criterion = rest.partition(".")
    about = [words.written("phase", phase), *([words.criterion(criterion)] if criterion else [])]
    return f"{page.t(_SHORT[kind])} ({', '.join(about)})"


def _asked(page: Page, rulebook: Rulebook) -> Asked:
    pairs: Sequence[tuple[str, str]] = ()
    try:
        pairs = given(page.request.query_params.multi_items())
        return Asked(pairs, supposed(rulebook, pairs) if pairs else None)
    except (Refused, NotFound) as error:
        return Asked(pairs, wrong=error)


def _canonical(page: Page, frame: Frame, asked: Asked) -> str | None:
    """The address that is cited, where this is another: with the size of the log, and without what is left empty."""
    query = page.request.query_params
    wanted = [("at", str(frame.size)), *((("lang", query["lang"]),) if "lang" in query else ()), *asked.given]
    if sorted(wanted) == sorted(query.multi_items()) or page.is_part:
        return None
    return f"{page.request.url.path}?{urlencode(wanted, safe='/:')}"


def _run(site: Site, frame: Frame, asked: Asked, erased: int) -> tuple[Computation | None, PhasegateError | None]:
    """The computation, and what is wrong with what is supposed. Raises Problem for what is wrong here."""
    if asked.found is None:
        return None, asked.wrong
    if frame.size > ENTRIES_MOST:
        return None, Refused(f"the log has {frame.size} entries; at most {ENTRIES_MOST} are run again here")
    levers, at, programme = asked.found.levers, At(size=frame.size), frame.programme

    def make(each: Callable[[], None]) -> Any:
        return run_again(site.reading, programme, at, levers, each)

    name = f"what-if {frame.size} {orjson.dumps(levers.written(), option=orjson.OPT_SORT_KEYS).decode()}"
    run = site.computations.ask((programme, erased, name), PASSES * frame.size, make)
    match None if run is None else run.error:
        case Problem() as problem:
            raise problem
        case Refused() | NotFound() | Unavailable() as wrong:  # Records that are gone are said to be unavailable.
            return run, wrong
        case PhasegateError() as error:
            raise problem_of(error)
        case _:
            return run, None


def _status(wrong: PhasegateError | None) -> int:
    match wrong:
        case None:
            return 200
        case NotFound():
            return 404
        case _:
            return 422
