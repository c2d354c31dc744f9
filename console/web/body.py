"""Reading a body no further than it may be long, whatever it says of its length."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from console.web.problems import Problem

READ_WITHIN_S = 30.0


async def read_body(request: Request, bytes_max: int) -> bytes:
    """The whole body. Raises Problem as soon as it is too large, or has not come in time."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > bytes_max:
        raise _too_large(bytes_max)
    parts, length = [], 0
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            async for part in request.stream():
                length += len(part)
                if length > bytes_max:
                    raise _too_large(bytes_max)
                parts.append(part)
    except ClientDisconnect:
        raise Problem("malformed-request", f"the sender went away after {length} bytes") from None
    except TimeoutError:
        raise Problem(
            "too-slow", f"{length} bytes came in {READ_WITHIN_S:g} s, and not the end", {"connection": "close"}
        ) from None
    return b"".join(parts)


def _too_large(bytes_max: int) -> Problem:
    return Problem("too-large", f"at most {bytes_max} bytes are read", {"connection": "close"})
