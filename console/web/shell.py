"""What surrounds every answer: an id, the headers that browsers obey, a line in the log, and a problem document where
something unexpected was raised. Plain ASGI, so that it holds for whatever is inside.

The line has neither bodies nor keys, and of the address the path alone: a query may hold a receipt's token.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.problems import Problem, response

log = structlog.get_logger("phasegate.web")

DRAINED_MAX = 8 * 1024 * 1024
DRAINED_WITHIN_S = 2.0

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with none at all a browser does not say of a form that it is ours
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
"""On every answer; one that sets a header itself keeps its own."""


class Shell:
    """`quiet` paths are not logged: probes come every few seconds."""

    def __init__(self, app: ASGIApp, quiet: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope.setdefault("state", {})["request_id"] = str(uuid4())
        began, status, is_read = time.monotonic(), 0, False

        async def received() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or not message.get("more_body", False)
            return message

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400 and not is_read and b"expect" not in dict(scope["headers"]):
                    await _drain(receive)
                message["headers"] = _with_ours(message.get("headers", ()), request_id)
            await send(message)

        try:
            await self._app(scope, received, sent)
        except Exception:
            # The trace as text: one with the values of variables would have keys and bodies in it.
            log.error("failed", request=request_id, path=scope["path"], trace=traceback.format_exc())  # noqa: TRY400
            if status:  # Half an answer is out: breaking off tells the other side.
                raise
            problem = Problem("unexpected", "phasegate met something that it does not expect; its log says what")
            await response(problem, request_id)(scope, receive, sent)
        finally:
            if scope["path"] not in self._quiet:
                _tell(scope, request_id, status, began)


async def _drain(receive: Receive) -> None:
    """Takes in the rest of a body that nobody wants, as far as it comes soon. A connection that is closed on unread bytes is
    reset, and the answer is lost with it.
    """
    left, more = DRAINED_MAX, True
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAINED_WITHIN_S):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


def _with_ours(given: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    own = {name.lower() for name, _ in given}
    ours = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in own]
    return [*given, *ours, (b"x-request-id", request_id.encode())]


def _tell(scope: Scope, request_id: str, status: int, began: float) -> None:
    client = scope.get("client")
    log.info(
        "answered",
        request=request_id,
        method=scope["method"],
        path=scope["path"],
        status=status,
        ms=round((time.monotonic() - began) * 1000),
        client=client[0] if client else None,
        api_key=scope["state"].get("api_key"),
    )
