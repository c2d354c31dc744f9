"""A session begins with a new secret, whatever the browser held before, and ends at the server."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import RedirectResponse

from console.web import cookie
from console.web.site import site_of
from infra.access import Given, Origin


def begun(
    request: Request, account: str, origin: Origin, given: Sequence[Given] | None, onward: str
) -> RedirectResponse:
    """Signed in, and on the way to where the browser wanted to go."""
    site = site_of(request)
    before = cookie.secret_of(request)
    if before is not None:
        site.access.sessions.end(before)
    answer = RedirectResponse(onward, 303)
    cookie.keep(answer, request, site.access.sessions.begin(account, origin, site.now(), given))
    return answer


def ended(request: Request, *, everywhere: bool) -> RedirectResponse:
    """Signed out. The browser gets a secret that opens nothing."""
    site = site_of(request)
    secret = cookie.secret_of(request)
    session = None if secret is None else site.access.sessions.find(secret, site.now())
    if session is not None and everywhere:
        site.access.sessions.end_all(session.account, session.origin)
    if secret is not None:
        site.access.sessions.end(secret)
    answer = RedirectResponse("/", 303)
    cookie.keep(answer, request, cookie.draw())
    return answer
