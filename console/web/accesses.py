"""Who saw what is noted around every answer.

What shows something personal to somebody who is signed in waits until its line is durable, and is not shown where that fails.
Who acts is noted before (`console.web.forms`). Who reads what every reader may is noted as well, but does not wait.
"""

from __future__ import annotations

import asyncio
import queue

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.access import Asked, visitor_of
from console.web.problems import Problem, response
from console.web.site import Site
from events.errors import PhasegateError
from infra.access import Access

WRITTEN_WITHIN_S = 15.0
RETRY = {"retry-after": "5"}
BEGUN = "begun"


class Accesses:
    """Around the application: a line for every answer for which somebody asked a right."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_refused = False

        async def sent(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and not await _is_noted(scope, message["status"]):
                is_refused = True
                problem = Problem("unavailable", "who sees this cannot be noted now, so it is not shown", RETRY)
                await response(problem, scope["state"]["request_id"])(scope, receive, send)
            if not is_refused:
                await send(message)

        await self._app(scope, receive, sent)


async def begin_act(request: Request) -> None:
    """A line that somebody who is signed in sends a form, before anything comes of it. Raises Problem where that fails."""
    visitor = visitor_of(request)
    if visitor.name is None:
        return
    programme = request.path_params.get("programme")
    line = _line(request.scope, Asked(visitor.name, programme, {"form"}), 0, _site(request.scope).now())
    if not await _is_written(request.scope, line):
        raise Problem("unavailable", "who does this cannot be noted now, so nothing was done", RETRY)
    request.scope["state"][BEGUN] = True


async def _is_noted(scope: Scope, status: int) -> bool:
    """Whether the answer may go out."""
    asked = scope["state"].get("asked")
    if not isinstance(asked, Asked):
        return True
    line = _line(scope, asked, status, _site(scope).now())
    if asked.is_personal and status < 400 and BEGUN not in scope["state"]:
        return await _is_written(scope, line)
    _site(scope).accesses.put(line)
    return True


def _site(scope: Scope) -> Site:
    site = scope["app"].state.site
    assert isinstance(site, Site)
    return site


async def _is_written(scope: Scope, line: Access) -> bool:
    """Whether it is durable within the time that a page has."""
    try:
        async with asyncio.timeout(WRITTEN_WITHIN_S):
            await asyncio.wrap_future(_site(scope).accesses.put(line))
    except (PhasegateError, queue.Full, TimeoutError):
        return False
    return True


def _line(scope: Scope, asked: Asked, status: int, now_ms: int) -> Access:
    client = scope.get("client")
    query = scope["query_string"].decode("ascii", "replace")[:500]
    return Access(
        now_ms,
        asked.visitor or "",
        " ".join(sorted(asked.rights)),
        asked.programme,
        scope["method"],
        scope["path"][:1000] + (f"?{query}" if query else ""),
        status,
        client[0] if client else "",
        asked.about,
        scope["state"]["request_id"],
    )
