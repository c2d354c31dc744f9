"""Forms of our own pages, and nobody else's: where they were sent from, and that this browser was shown them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from console.web.access import visitor_of
from console.web.accesses import begin_act
from console.web.body import read_body
from console.web.cookie import is_token, secret_of
from console.web.problems import Problem

BYTES_MAX = 1 << 20
FIELDS_MAX = 2000
FIELD = "csrf"
URLENCODED = "application/x-www-form-urlencoded"


async def own_form(request: Request) -> FormData:
    """A dependency of every POST: what the form says. Raises Problem for a form that is none, is too large, or is not ours."""
    require_from_here(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != URLENCODED:
        raise Problem("unsupported-media-type", f"content-type is {kind[:100]!r}; send {URLENCODED}")
    body = await read_body(request, BYTES_MAX)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX, separator="&"
        )
    except ValueError as error:
        raise Problem("malformed-request", f"the form cannot be read: {str(error)[:200]}") from None
    form = FormData([*pairs])
    sent = form.get(FIELD)
    require_own(request, sent if isinstance(sent, str) else None)
    await run_in_threadpool(visitor_of, request)  # Now: an endpoint that waits for nothing must not read a database.
    await begin_act(request)
    return form


Form = Annotated[FormData, Depends(own_form)]


def require_from_here(request: Request) -> None:
    """Raises Problem where the browser says that another site sends the form. Every browser says it that has one of these
    headers; the token covers the others.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    here = f"{request.url.scheme}://{request.url.netloc}"
    if site not in ("same-origin", "none") or (origin is not None and origin.lower() != here.lower()):
        raise Problem("forbidden", "another site may not send this form")


def require_own(request: Request, presented: str | None) -> None:
    """Raises Problem unless the token is that of the browser which sends the form."""
    secret = secret_of(request)
    if secret is None or presented is None or not is_token(presented, secret):
        raise Problem(
            "forbidden", "this form was not shown to this browser, or before it signed in; load its page again"
        )
