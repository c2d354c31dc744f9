"""Scripts and styles: ours, and others' as vendored. Addresses carry a digest of the content, so they can be kept for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response

from console.figures.drawing import style
from console.web.problems import Problem

_HERE = Path(__file__).parent
_FILES: Mapping[str, str] = {
    "site.css": "text/css; charset=utf-8",
    "site.js": "text/javascript; charset=utf-8",
    "rate.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "uplot.min.js": "text/javascript; charset=utf-8",
    "uplot.min.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """`digest`: the beginning of its SHA-256, in hexadecimal."""

    content: bytes
    media_type: str
    digest: str


@cache
def static_file(name: str) -> StaticFile | None:
    """One of the files that pages use; None for any other name."""
    if name not in _FILES:
        return None
    folder = "vendor" if ".min." in name else "static"
    content = (_HERE / folder / name).read_bytes()
    if name == "site.css":
        content += style().encode()
    return StaticFile(content, _FILES[name], hashlib.sha256(content).hexdigest()[:16])


def address(name: str) -> str:
    """Where the present content is."""
    found = static_file(name)
    assert found is not None  # A template names what is there; a test renders them all.
    return f"/static/{found.digest}/{name}"


@router.get("/static/{digest}/{name}")
def static(digest: str, name: str) -> Response:
    found = static_file(name)
    if found is None or found.digest != digest:
        raise Problem("not-found", "there is no such file")
    return Response(
        found.content, media_type=found.media_type, headers={"cache-control": "public, max-age=31536000, immutable"}
    )
