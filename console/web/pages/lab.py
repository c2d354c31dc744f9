"""The audit lab: a bundle that somebody has is verified here as `phasegate verify` does it elsewhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.commands.verifying import audited, data_of
from console.web.access import require
from console.web.forms import require_from_here, require_own
from console.web.frame import Frame, frame_of
from console.web.page import Page, page_of, shown
from console.web.problems import Problem
from console.web.site import Site, site_of
from console.web.upload import Uploaded, uploaded
from events.errors import Refused, Tampered
from events.note import VerifierKey, parse_vkey
from flows.audit_report import Trust
from infra.bundle.reading import open_bundle

BYTES_MAX = 256 << 20
"""Of an upload."""

UNPACKED_MAX = 4 << 30
"""Of all the files of a bundle together: each of them is read."""

router = APIRouter(include_in_schema=False)
_one_at_a_time = threading.Lock()


@dataclass(slots=True)
class Verified:
    """What came of an upload: `data` where the bundle holds, else what is `wrong` with it; or the `fields` of the form that
    cannot be used, each with why.
    """

    data: dict[str, Any] | None = None
    wrong: str = ""
    details: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return 200 if self.data is not None else 422


@router.get("/programmes/{programme}/lab")
def lab(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """The forms."""
    require(request, "read", programme)
    site = site_of(request)
    return _shown(site, page, frame_of(site, page, programme, "lab"), None, {})


@router.post("/programmes/{programme}/lab")
async def verify(request: Request, programme: str, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """Verifies the bundle that is sent, and keeps nothing of it."""
    require(request, "read", programme)
    require_from_here(request)
    site = site_of(request)
    frame = await run_sync(frame_of, site, page, programme, "lab")
    async with uploaded(request, "bundle", BYTES_MAX) as sent:
        require_own(request, sent.texts.get("csrf"))
        found = await run_sync(_verified, sent)
    return await run_sync(_shown, site, page, frame, found, sent.texts)


def _shown(site: Site, page: Page, frame: Frame, found: Verified | None, texts: dict[str, str]) -> HTMLResponse:
    origin = site.reading.head(frame.programme).origin
    facts = {"found": found, "texts": texts, "bytes_max": BYTES_MAX, "origin": origin}
    return shown(page, "lab.html", 200 if found is None else found.status, frame=frame, **facts)


def _verified(sent: Uploaded) -> Verified:
    fields: dict[str, str] = {}
    log = _key(sent, "vkey", fields)
    office = _key(sent, "office", fields) if sent.texts.get("office", "").strip() else None
    if sent.file is None:
        fields["bundle"] = "no file was chosen"
    if fields or log is None or sent.file is None:
        return Verified(fields=fields)
    if not _one_at_a_time.acquire(blocking=False):
        raise Problem("busy", "another bundle is being verified", {"retry-after": "10"})
    try:
        return _audited(sent.file, log, office)
    finally:
        _one_at_a_time.release()


def _audited(bundle: Path, log: VerifierKey, office: VerifierKey | None) -> Verified:
    try:
        _require_bounded(bundle)
        findings, _ = audited(bundle, [log], lambda key: Trust(key, () if office is None else (office,)))
    except (Tampered, Refused) as error:
        told = {name: _without(str(value), bundle)[:500] for name, value in error.details.items()}
        return Verified(wrong=_without(error.message, bundle)[:2000], details=told)
    return Verified(data_of(Path("bundle"), findings))


def _without(text: str, bundle: Path) -> str:
    """A sentence without the place where an upload lay."""
    return text.replace(str(bundle), "the bundle")


def _require_bounded(bundle: Path) -> None:
    with open_bundle(bundle) as files:
        if files.size > UNPACKED_MAX:
            raise Tampered(f"the bundle unpacks to {files.size} bytes; at most {UNPACKED_MAX} are read here")


def _key(sent: Uploaded, name: str, fields: dict[str, str]) -> VerifierKey | None:
    try:
        return parse_vkey(sent.texts.get(name, "").strip())
    except Refused as error:
        fields[name] = error.message[:500]
        return None
