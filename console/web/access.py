"""Who may see and do what. Every page asks `require` before it reads anything: what is not granted is denied.

The table of rights by role is docs/console.md's, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fastapi import Request

from console.web.cookie import secret_of
from console.web.problems import Problem
from console.web.site import site_of
from infra.access import ANY, Given, Role

__all__ = [
    "ANY",
    "RIGHTS",
    "Right",
    "Role",
    "Visitor",
    "may_operate",
    "require",
    "require_any",
    "require_operating",
    "visitor_of",
]

ABOUT = ("entrant", "evaluator", "phase", "index", "topic", "partition", "offset")
"""Parts of an address that say whose or which record it is."""

Right = Literal["read", "read-records", "act", "approve", "mark", "own", "operate"]

RIGHTS: Mapping[Role, frozenset[Right]] = {
    "viewer": frozenset({"read"}),
    "entrant": frozenset({"own"}),
    "evaluator": frozenset({"mark"}),
    "auditor": frozenset({"read", "read-records"}),
    "operator": frozenset({"read", "read-records", "act", "operate"}),
    "approver": frozenset({"read", "read-records", "approve"}),
}


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
    """Whoever asks, looked up once for a request. Who has not signed in reads as an auditor does where reading is open."""
    found = getattr(request.state, "visitor", None)
    if found is None:
        found = request.state.visitor = _looked_up(request)
    assert isinstance(found, Visitor)
    return found


def _looked_up(request: Request) -> Visitor:
    site = site_of(request)
    secret = secret_of(request)
    session = None if secret is None else site.access.sessions.find(secret, site.now())
    if session is not None:
        return _with(session.account, session.given)
    if site.settings.console_reading == "open":
        return Visitor(None, {ANY: frozenset[Role]({"auditor"})})
    return Visitor()


def _with(name: str, given: Iterable[Given]) -> Visitor:
    roles: dict[str, frozenset[Role]] = {}
    who: dict[tuple[str, Role], str] = {}
    for one in given:
        roles[one.programme] = roles.get(one.programme, frozenset()) | {one.role}
        if one.who is not None:
            who[one.programme, one.role] = one.who
    return Visitor(name, roles, who)


@dataclass(slots=True)
class Asked:
    """What the access log says of a request: who asked for which rights, of which programme, and about whom."""

    visitor: str | None
    programme: str | None
    rights: set[str]
    about: str = ""
    is_personal: bool = False


def require(request: Request, right: Right, programme: str) -> Visitor:
    """The visitor, who has this right in this programme. Raises Problem; it does not tell whether the programme exists."""
    visitor = visitor_of(request)
    _note(request, visitor, right, programme)
    if not visitor.may(right, programme):
        if visitor.name is None:
            raise Problem("sign-in-needed", "sign in to see this")
        raise Problem("forbidden", f"{visitor.name} does not have the right {right!r} here")
    return visitor


def require_any(request: Request, rights: Sequence[Right], programme: str) -> Visitor:
    """The visitor, who has an account with one of these rights. Which of them a page needs, it says itself."""
    visitor = visitor_of(request)
    held = [right for right in rights if visitor.name is not None and visitor.may(right, programme)]
    return require(request, (held or rights)[0], programme)


def _note(request: Request, visitor: Visitor, right: Right, programme: str) -> None:
    """Personal is whatever somebody sees or does who was let in by name, except what every reader may see."""
    asked = note(request, visitor.name, right, programme)
    may_see_records = right != "read" or visitor.may("read-records", programme)
    asked.is_personal = asked.is_personal or (visitor.name is not None and may_see_records)


def note(request: Request, visitor: str | None, right: str, programme: str | None = None) -> Asked:
    """For the access log: that somebody asks for this."""
    asked = getattr(request.state, "asked", None)
    if not isinstance(asked, Asked):
        about = [f"{name}={request.path_params[name]}" for name in ABOUT if name in request.path_params]
        asked = request.state.asked = Asked(visitor, programme, set(), " ".join(about))
    asked.rights.add(right)
    return asked


def may_operate(visitor: Visitor, programme: str) -> bool:
    """Whether somebody sees how the services run, as far as they concern a programme. Where reading is open, so does whoever
    reaches the console without an account: an operator at the machine. It lets nobody do anything.
    """
    is_open = visitor.name is None and visitor.may("read-records", programme)
    return is_open or visitor.may("operate", programme)


def require_operating(request: Request, programme: str | None = None) -> Visitor:
    """The visitor, who sees how the services run in this programme; in any of them without one. Raises Problem."""
    visitor = visitor_of(request)
    names = sorted(visitor.roles) if programme is None else [programme]
    name = next((name for name in names if may_operate(visitor, name)), programme or ANY)
    is_open = visitor.name is None and visitor.may("read-records", name)
    return require(request, "read-records" if is_open else "operate", name)
