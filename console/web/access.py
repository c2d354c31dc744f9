"""Who may see and do what. Every page asks `require` before it reads anything: what is not granted is denied.

The table of rights by role is docs/console.md's, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fastapi import Request

from console.web.problems import Problem
from console.web.site import site_of

Role = Literal["viewer", "entrant", "evaluator", "auditor", "operator", "approver"]
Right = Literal["read", "read-records", "act", "approve", "mark", "own", "operate"]

RIGHTS: Mapping[Role, frozenset[Right]] = {
    "viewer": frozenset({"read"}),
    "entrant": frozenset({"own"}),
    "evaluator": frozenset({"mark"}),
    "auditor": frozenset({"read", "read-records"}),
    "operator": frozenset({"read", "read-records", "act", "operate"}),
    "approver": frozenset({"read", "read-records", "approve"}),
}
ANY = "*"
"""Stands for every programme in what a visitor was given."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks. `roles` by programme; `who` by programme and role: which entrant, or which evaluator, this is there."""

    name: str | None = None
    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    who: Mapping[tuple[str, Role], str] = field(default_factory=dict)

    def roles_in(self, programme: str) -> frozenset[Role]:
        return self.roles.get(programme, frozenset()) | self.roles.get(ANY, frozenset())

    def may(self, right: Right, programme: str) -> bool:
        return any(right in RIGHTS[role] for role in self.roles_in(programme))


def visitor_of(request: Request) -> Visitor:
    """Whoever asks. Nobody has signed in: where reading is open, they may read as an auditor does."""
    if site_of(request).settings.console_reading == "open":
        return Visitor(None, {ANY: frozenset[Role]({"auditor"})})
    return Visitor()


def require(request: Request, right: Right, programme: str) -> Visitor:
    """The visitor, who has this right in this programme. Raises Problem; it does not tell whether the programme exists."""
    visitor = visitor_of(request)
    if not visitor.may(right, programme):
        if visitor.name is None:
            raise Problem("sign-in-needed", "sign in to see this")
        raise Problem("forbidden", f"{visitor.name} does not have the right {right!r} here")
    return visitor


def require_own_form(request: Request) -> None:
    """Raises Problem where a browser says that another site sends the form."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem("forbidden", "another site may not send this form")
