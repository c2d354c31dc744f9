"""Errors as RFC 9457 problem documents: every kind, its status and its title. docs/intake.md has an entry for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from events.envelope import Malformed
from events.errors import Conflict, NotFound, PhasegateError, Refused, Unavailable

TYPE_PREFIX = "https://phasegate.example/problems/"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: `code` ends its type URI."""

    code: str
    status: int
    title: str


_KINDS = (
    Kind("malformed-event", 400, "The event is not well-formed."),
    Kind("malformed-request", 400, "The request cannot be read."),
    Kind("key-missing", 401, "An API key is needed."),
    Kind("key-invalid", 401, "The API key is unknown, revoked or expired."),
    Kind("sign-in-needed", 401, "This is for those who have signed in."),
    Kind("forbidden", 403, "Your roles do not allow this."),
    Kind("out-of-scope", 403, "The API key may not send this."),
    Kind("not-found", 404, "There is nothing here that you may see."),
    Kind("method-not-allowed", 405, "This resource does not have this method."),
    Kind("too-slow", 408, "The body took too long to arrive."),
    Kind("too-large", 413, "The body is larger than is read."),
    Kind("too-many-events", 413, "The batch has more events than are taken at once."),
    Kind("unsupported-media-type", 415, "Bodies of this kind are not read here."),
    Kind("unprocessable-event", 422, "The event is well-formed, but cannot be passed on."),
    Kind("unprocessable-request", 422, "A parameter of the request cannot be used."),
    Kind("rate-limited", 429, "The API key has sent as much as it may for now."),
    Kind("too-many-requests", 429, "Too many requests are under way."),
    Kind("unexpected", 500, "A defect of phasegate."),
    Kind("busy", 503, "More requests are under way than can be answered."),
    Kind("unavailable", 503, "A part that this needs does not answer."),
)
KINDS: Mapping[str, Kind] = {kind.code: kind for kind in _KINDS}

_UNREADABLE = frozenset({"not-json", "duplicate-json-key", "not-cloudevents", "duplicate-header", "too-deep"})
"""Reasons for which a record would be refused as no event at all."""


class Problem(Exception):
    """An answer that is a problem. `detail` says what was wrong with this request; `more` are members for machines."""

    def __init__(
        self, code: str, detail: str, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[code]
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def response(problem: Problem, request_id: str) -> Response:
    """The document, with an id under which the log has the request."""
    kind = problem.kind
    document = {
        **problem.more,
        "type": TYPE_PREFIX + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": f"urn:uuid:{request_id}",
    }
    return Response(orjson.dumps(document), kind.status, problem.headers, MEDIA_TYPE)


def problem_of(error: PhasegateError) -> Problem:
    """How an error of ours is told over HTTP."""
    match error:
        case Malformed():
            return _malformed(error)
        case Unavailable() | Conflict():
            return Problem("unavailable", error.message, {"retry-after": "5"})
        case NotFound():
            return Problem("not-found", error.message)
        case Refused():
            return Problem("unprocessable-event", error.message)
        case _:
            return Problem("unexpected", "phasegate met something that it does not expect; its log says what")


def _malformed(error: Malformed) -> Problem:
    code = "malformed-event" if error.reason in _UNREADABLE else "unprocessable-event"
    if error.reason == "too-large":
        code = "too-large"
    return Problem(code, error.message, more={"reason": error.reason})
