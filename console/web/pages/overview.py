"""The overview: every programme with where it stands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.web.frame import called, title_of
from console.web.page import Page, page_of, shown
from console.web.site import Site, site_of
from infra.ledger import Head

router = APIRouter(include_in_schema=False)


@router.get("/")
def overview(request: Request, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """Those that the visitor may read; of the others only what is public."""
    site = site_of(request)
    rows = [_row(site, page, head) for head in site.reading.ledger.heads() if not head.programme.startswith("_")]
    return shown(page, "overview.html", rows=[row for row in rows if row is not None])


def _row(site: Site, page: Page, head: Head) -> dict[str, Any] | None:
    """One programme; None for one that was not announced."""
    with site.turns.of(head.programme):
        state = site.reading.state(head.programme)
        if state.rulebook is None:
            return None
        phases = [(called(page, rules.title, rules.id), state.status(rules.id)) for rules in state.rulebook.phases]
        left = None if state.concluded is None else state.concluded.data["finalists"]
        finalists = None if left is None else [state.entrants[name].data["name"] for name in left]
        return {
            "programme": head.programme,
            "title": title_of(state, page),
            "may_read": page.visitor.may("read", head.programme),
            "phases": phases,
            "entrants": len(state.entrants),
            "size": head.size,
            "finalists": finalists,
        }
