"""The one cookie that says who asks: a random secret, under which a session may be kept.

What a browser sends that has not signed in opens nothing; it ties forms to the browser that was shown them.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from hashlib import sha256

from fastapi import Request
from starlette.responses import Response

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
PLAIN = "phasegate"


def draw() -> str:
    return secrets.token_urlsafe(32)


def name_of(request: Request) -> str:
    """Under TLS a name which browsers take from this very host alone. Plain HTTP is for this machine."""
    return f"__Host-{PLAIN}" if request.url.scheme == "https" else PLAIN


def secret_of(request: Request) -> str | None:
    """The secret of the browser that asks; None for what cannot be one."""
    sent = request.cookies.get(name_of(request), "")
    return sent if _SECRET.fullmatch(sent) else None


def keep(answer: Response, request: Request, secret: str) -> None:
    """Until the browser ends; how long a session lasts, the server knows."""
    answer.set_cookie(
        name_of(request), secret, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )


def token(secret: str) -> str:
    """What the forms of this browser bear. It cannot be found without the secret, nor the secret from it."""
    found = hmac.digest(secret.encode(), b"phasegate form v1", sha256)
    return base64.urlsafe_b64encode(found).decode().rstrip("=")


def is_token(presented: str, secret: str) -> bool:
    """Takes the same time either way."""
    return hmac.compare_digest(presented.encode(), token(secret).encode())
