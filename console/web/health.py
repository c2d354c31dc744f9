"""`/healthz`: the process answers. `/readyz`: events can be taken in and receipts resolved now."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from console.web.answers import Alive, Ready
from console.web.site import Site, site_of
from events.errors import PhasegateError
from flows.wiring import bootstrap_of
from infra.kafka.process import require_listening

router = APIRouter()
PATHS = frozenset({"/healthz", "/readyz"})


@router.get("/healthz", operation_id="healthz", summary="Whether the process answers")
async def healthz() -> Alive:
    return Alive(status="ok")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Whether events can be taken in now",
    responses={503: {"model": Ready, "description": "A part does not answer."}},
)
def readyz(request: Request, response: Response) -> Ready:
    """Says of each part `ok`, or that it does not answer; why, the log says: anybody may ask this."""
    site = site_of(request)
    parts = {"ledger": _ledger(site), "kafka": _kafka(site)}
    is_ready = set(parts.values()) == {"ok"}
    if not is_ready:
        response.status_code = 503
    return Ready(status="ready" if is_ready else "not-ready", parts=parts)


def _ledger(site: Site) -> str:
    try:
        site.reading.ledger.stream()
    except PhasegateError:
        return "does not answer"
    return "ok"


def _kafka(site: Site) -> str:
    if site.outlet.failure is not None:
        return "the last events were not acknowledged"
    try:
        require_listening(bootstrap_of(site.settings))
    except PhasegateError:
        return "does not answer"
    return "ok"
