"""`GET /v1/receipts/…`: what became of a record, for the key that sent it or whoever has the receipt's token.

Anybody else gets the answer that somebody gets who asks for a place where nothing stands.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool

from console.web.answers import EntryTold, ReceiptTold, Topic
from console.web.api_access import Known
from console.web.intake_document import PROBLEMS_OF_ASKING
from console.web.limits import ASKING
from console.web.problems import Problem
from console.web.site import Site, site_of
from events.record import Position
from events.values import format_instant
from flows.receipts import Proven
from infra.api_key import ApiKey, is_secret
from infra.ledger import Given

NUMBER_MAX = 2**53 - 1

router = APIRouter()

Number = Annotated[int, Path(ge=0, le=NUMBER_MAX)]
Token = Annotated[str | None, Query(max_length=64, description="The receipt's token, where no key is sent.")]


@router.get(
    "/v1/receipts/{topic}/{partition}/{offset}",
    name="receipt",
    response_model=ReceiptTold,
    responses=PROBLEMS_OF_ASKING,
    operation_id="readReceipt",
    summary="Ask what became of an event",
)
async def receipt(
    request: Request, topic: Topic, partition: Number, offset: Number, key: Known, token: Token = None
) -> ReceiptTold:
    """`pending` until the recorder has it; then its entries, its verdict, and proofs as soon as a checkpoint covers them."""
    site = site_of(request)
    with site.limits.under_way(ASKING):
        return await run_in_threadpool(_told, site, topic, Position(topic, partition, offset), key, token)


def _told(site: Site, topic: Topic, position: Position, key: ApiKey | None, token: str | None) -> ReceiptTold:
    given = site.store.given(position)
    if given is None or not _may_read(given, key, token):
        raise Problem("not-found", "there is no receipt here that this key or token may read")
    told = ReceiptTold(
        topic=topic,
        partition=position.partition,
        offset=position.offset,
        received=format_instant(given.received_ms),
        sha256=given.sha256.hex(),
        state="pending",
    )
    standing = site.receipts.look(given.position)
    if standing is None:
        return told
    last = standing.last
    return told.model_copy(
        update={
            "state": "recorded",
            "programme": standing.programme,
            "log": standing.log,
            "vkey": standing.vkey,
            "verdict": last.verdict,
            "reason": last.reason,
            "first": _entry(standing.first),
            "opening": None if standing.opening is None else standing.opening.decode(),
            "settlement": None if standing.settlement is None else _entry(standing.settlement),
        }
    )


def _may_read(given: Given, key: ApiKey | None, token: str | None) -> bool:
    is_sender = key is not None and key.id == given.api_key
    return is_sender or (token is not None and is_secret(token, given.token_sha256))


def _entry(proven: Proven) -> EntryTold:
    entry = proven.entry
    return EntryTold(
        index=entry.index,
        verdict=entry.verdict,
        reason=entry.reason,
        detail=proven.detail,
        entry=proven.data.decode(),
        proof=None if proven.proof is None else proven.proof.decode(),
        unproven=proven.unproven or None,
    )
