"""One entry of a log: what it says, what it holds, what led to it and what followed, and the proof that it stands there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from console.telling.sentences import Words
from console.web.access import require
from console.web.frame import frame_of
from console.web.page import Page, page_of, shown
from console.web.site import Site, site_of
from events.entry import Opening, decode_entry
from events.envelope import Malformed, decode
from events.errors import NotFound, PhasegateError, Tampered
from events.note import format_vkey
from events.proof_file import SUFFIX, parse_proof
from flows.browsing import short_type
from flows.causation import Signed, Ties, settled_because_of, settled_with, signed, ties_of
from flows.entries import whole
from flows.proving import Proved, opening_line, prove_entry

router = APIRouter(include_in_schema=False)


@dataclass(slots=True)
class Told:
    """What follows from a record, for those who may read it."""

    record: str = ""
    signature: Signed = field(default_factory=lambda: Signed("none"))
    ties: Ties | None = None


@router.get("/programmes/{programme}/log/{index}")
def entry(request: Request, programme: str, index: int, page: Annotated[Page, Depends(page_of)]) -> HTMLResponse:
    """Who may not read records sees the commitment in place of the record."""
    visitor = require(request, "read", programme)
    may_read = visitor.may("read-records", programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "log")
    found = whole(site.reading, programme, index, frame.size)
    told = _told(site, programme, found, frame.size) if may_read else Told()
    proved, unproven = _proof(site, programme, index)
    facts: dict[str, Any] = {
        "entry": found,
        "short": short_type(found["type"]),
        "why": Words(page.lang).say(f"refused.{found['reason']}") if found["reason"] else "",
        "may_read": may_read,
        "told": told,
        "with_it": [] if found["of"] is not None else settled_because_of(site.reading, programme, index, frame.size),
        "because": None if found["of"] is None else settled_with(site.reading, programme, index),
        "proved": proved,
        "path": [] if proved is None else [one.hex() for one in parse_proof(proved.proof).hashes],
        "vkey": "" if proved is None else format_vkey(proved.key),
        "unproven": unproven,
        "names": names_of_files(programme, index),
    }
    return shown(page, "entry.html", frame=frame, **facts)


def _told(site: Site, programme: str, found: dict[str, Any], size: int) -> Told:
    told = Told()
    if (record := found["record"]) is None:
        return told
    told.record = (
        json.dumps(record["event"], ensure_ascii=False, indent=2) if record["event"] else record["value"] or ""
    )
    own = (found["index"], found["index"] if found["of"] is None else found["of"])
    opening = _opening(site, programme, own[1])
    with site.turns.of(programme):
        told.signature = signed(site.reading, site.reading.state(programme), opening)
    try:
        event = decode(opening.value)
    except Malformed:
        return told
    told.ties = ties_of(site.reading, programme, event, own, size)
    return told


def _opening(site: Site, programme: str, first: int) -> Opening:
    opening = next(iter(site.reading.ledger.read(programme, first, first + 1))).opening
    if opening is None:
        raise NotFound(f"the record of entry {first} of {programme!r} was erased while it was read")
    return opening


def _proof(site: Site, programme: str, index: int) -> tuple[Proved | None, str]:
    """The proof under the newest checkpoint, or why there is none yet."""
    try:
        return prove_entry(site.reading, site.reading.head(programme), index, site.receipts.cosigned()), ""
    except Tampered:
        raise
    except PhasegateError as error:
        return None, error.message


def names_of_files(programme: str, index: int) -> dict[str, str]:
    """Under which names the parts of a proof are given out."""
    stem = f"{programme}-{index}"
    return {"proof": stem + SUFFIX, "entry": f"{stem}.entry.json", "opening": f"{stem}.opening.json"}


@router.get("/programmes/{programme}/log/{index}/proof")
def proof(request: Request, programme: str, index: int) -> Response:
    """The proof file, C2SP tlog-proof@v1, under the newest checkpoint."""
    require(request, "read", programme)
    site = site_of(request)
    head = site.reading.head(programme)
    _require_entry(site, programme, index)
    return _file(
        prove_entry(site.reading, head, index, site.receipts.cosigned()).proof, programme, index, "proof", "text/plain"
    )


@router.get("/programmes/{programme}/log/{index}/entry")
def entry_bytes(request: Request, programme: str, index: int) -> Response:
    """The entry's bytes: what the proof is of."""
    require(request, "read", programme)
    return _file(_require_entry(site_of(request), programme, index), programme, index, "entry", "application/json")


@router.get("/programmes/{programme}/log/{index}/opening")
def opening(request: Request, programme: str, index: int) -> Response:
    """What the entry's commitment opens to, as a line of a bundle's openings.ndjson. Raises NotFound for a settlement: the
    opening is that of the entry that it settles.
    """
    require(request, "read-records", programme)
    site = site_of(request)
    if (of := decode_entry(_require_entry(site, programme, index)).of) is not None:
        raise NotFound(f"entry {index} settles entry {of}, which is the one that has an opening")
    return _file(opening_line(site.reading, programme, index), programme, index, "opening", "application/json")


def _require_entry(site: Site, programme: str, index: int) -> bytes:
    head = site.reading.ledger.head(programme)
    if head is None or not 0 <= index < head.size:
        raise NotFound(f"there is no entry {index} of {programme!r}")
    return next(iter(site.reading.ledger.read(programme, index, index + 1, with_openings=False))).entry


def _file(data: bytes, programme: str, index: int, kind: str, media_type: str) -> Response:
    name = names_of_files(programme, index)[kind]
    return Response(data, 200, {"content-disposition": f'attachment; filename="{name}"'}, media_type)
