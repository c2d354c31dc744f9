"""What FastAPI cannot read off a function: bodies that are read as bytes, headers by pattern, and every problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.web.answers import ProblemTold
from console.web.problems import KINDS, MEDIA_TYPE
from events.envelope import CONTENT_TYPE, JWS_HEADER
from events.http_binding import BATCH_CONTENT_TYPE, BINARY_CONTENT_TYPE
from events.names import TYPES

_EXAMPLE: Mapping[str, Any] = {
    "specversion": "1.0",
    "id": "01920e2c-7b7a-7c3e-9d51-0d8a6c1f2b3a",
    "source": "urn:village:jury",
    "type": "phasegate.score.recorded.v1",
    "subject": "village-prize",
    "time": "2026-01-15T06:00:00.000Z",
    "data": {
        "phase": "tasting", "entrant": "ash", "criterion": "taste", "item": "cake", "evaluator": "ann", "value": "8",
    },
}  # fmt: skip

_TEXT = {"type": "string", "minLength": 1}
_EVENT: Mapping[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        "source": {"type": "string", "minLength": 1, "maxLength": 256},
        "type": {"enum": sorted(TYPES)},
        "subject": {**_TEXT, "description": "The programme."},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
}
_HEADERS = [
    {
        "name": f"ce-{name}",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "An attribute, percent-encoded, in binary mode.",
    }
    for name in ("specversion", "id", "source", "type", "subject", "time")
]
_SIGNATURE = {
    "name": JWS_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "A detached JWS over the body, in structured mode: its source's signature.",
}

BODY: dict[str, Any] = {
    "parameters": [*_HEADERS, _SIGNATURE],
    "requestBody": {
        "required": True,
        "content": {
            CONTENT_TYPE: {"schema": _EVENT, "example": _EXAMPLE},
            BATCH_CONTENT_TYPE: {"schema": {"type": "array", "items": _EVENT}, "example": [_EXAMPLE]},
            BINARY_CONTENT_TYPE: {"schema": {"type": "object"}, "example": _EXAMPLE["data"]},
        },
    },
}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of these statuses, as OpenAPI tells them."""
    schema = {"$ref": f"#/components/schemas/{ProblemTold.__name__}"}
    return {
        status: {
            "description": " ".join(kind.title for kind in KINDS.values() if kind.status == status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


PROBLEMS_OF_SENDING = _problems(400, 401, 403, 408, 413, 415, 422, 429, 500, 503)
PROBLEMS_OF_ASKING = _problems(401, 404, 422, 429, 500, 503)
