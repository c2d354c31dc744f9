"""What is one entrant's own: shown to itself, and to those who may read every record."""

from __future__ import annotations

from fastapi import Request

from console.web import access
from console.web.access import Visitor
from console.web.problems import Problem
from infra.access import ANY


def require_own(request: Request, programme: str, entrant: str) -> Visitor:
    """The visitor, who is this entrant or may read records. Raises Problem; it does not tell whether there is such an
    entrant.
    """
    if access.visitor_of(request).may("read-records", programme):
        return access.require(request, "read-records", programme)
    visitor = access.require(request, "own", programme)
    if entrant not in (visitor.who.get((programme, "entrant")), visitor.who.get((ANY, "entrant"))):
        raise Problem("forbidden", f"{visitor.name} does not have the right 'own' here")
    return visitor
