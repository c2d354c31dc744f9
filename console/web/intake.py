"""`POST /v1/events`: CloudEvents over HTTP, passed on to Kafka as they are, answered when the broker has them.

What is checked here is the form, by the code that the recorder uses, and the key's scope. Every other rule is the
recorder's, whose refusals are on record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from console.web.answers import ReceiptGiven, ReceiptsGiven, Topic
from console.web.api_access import Sending
from console.web.body import read_body
from console.web.intake_document import BODY, PROBLEMS_OF_SENDING
from console.web.problems import Problem, problem_of
from console.web.site import Site, site_of
from events.bus import Message
from events.envelope import BYTES_MAX, CONTENT_TYPE_HEADER, JWS_HEADER
from events.errors import PhasegateError
from events.http_binding import Carried, Headers, MediaTypeUnknown, Mode, mode_of, read_events, topic_for
from events.values import format_instant, parse_instant
from flows.outlet import Receipted
from infra.api_key import ApiKey

log = structlog.get_logger("phasegate.intake")

BATCH_BYTES_MAX = 4 * 1024 * 1024
BATCH_EVENTS_MAX = 500
ANSWER_WITHIN_S = 25.0

router = APIRouter()


@router.post(
    "/v1/events",
    status_code=202,
    response_model=ReceiptsGiven,
    responses=PROBLEMS_OF_SENDING,
    openapi_extra=BODY,
    operation_id="sendEvents",
    summary="Send events",
)
async def send_events(
    request: Request,
    response: Response,
    key: Sending,
    topic: Annotated[Topic | None, Query(description="Chooses where a type may stand on several topics.")] = None,
) -> ReceiptsGiven:
    """Answered when all in-sync replicas hold every event: all of them, or none was sent."""
    site = site_of(request)
    with site.limits.under_way(key.id):
        site.limits.charge(key, 1, site.now())
        carried, messages = await _read(request, key, topic)
        if len(carried) > 1:
            site.limits.charge(key, len(carried) - 1, site.now())
        receipts = await _sent(site, carried, messages, key) if carried else []
    response.headers.update(site.limits.headers(key))
    for one in receipts:
        site.counts.events.labels(one.receipt.position.topic).inc()
    given = [_given(request, one) for one in receipts]
    if len(given) == 1:
        response.headers["location"] = given[0].url
    return ReceiptsGiven(receipts=given)


async def _read(request: Request, key: ApiKey, topic: str | None) -> tuple[list[Carried], list[Message]]:
    """The events of the request and where each goes. Raises Problem."""
    headers = [(name.decode("latin-1"), value) for name, value in request.scope["headers"]]
    try:
        mode = mode_of(headers)
    except MediaTypeUnknown as error:
        raise Problem("unsupported-media-type", error.message, {"accept-post": ACCEPTED}) from error
    except PhasegateError as error:
        raise problem_of(error) from error
    body = await read_body(request, BATCH_BYTES_MAX if mode == "batched" else BYTES_MAX)
    try:
        return await run_in_threadpool(_judged, mode, headers, body, key, topic)
    except PhasegateError as error:
        raise problem_of(error) from error


ACCEPTED = "application/cloudevents+json, application/cloudevents-batch+json, application/json"


def _judged(
    mode: Mode, headers: Headers, body: bytes, key: ApiKey, topic: str | None
) -> tuple[list[Carried], list[Message]]:
    carried = read_events(mode, headers, body)
    if len(carried) > min(BATCH_EVENTS_MAX, key.burst):
        most = min(BATCH_EVENTS_MAX, key.burst)
        raise Problem("too-many-events", f"{len(carried)} events; this key may send {most} at once")
    messages = [_message(one, topic) for one in carried]
    for number, one in enumerate(carried):
        if objection := key.scope.objection(one.event):
            raise Problem("out-of-scope", f"event {number}: {objection}")
    return carried, messages


def _message(carried: Carried, wanted: str | None) -> Message:
    event = carried.event
    topic = topic_for(event, wanted)
    signature = () if carried.signature is None else ((JWS_HEADER, carried.signature),)
    headers = (CONTENT_TYPE_HEADER, *signature)
    return Message(topic, (event.subject or "").encode(), carried.value, headers, parse_instant(event.time))


async def _sent(site: Site, carried: Sequence[Carried], messages: Sequence[Message], key: ApiKey) -> list[Receipted]:
    """The receipts. Raises Problem, after which the same may be sent again: what had arrived is a duplicate then."""
    try:
        waiting = asyncio.wrap_future(site.outlet.send(carried, messages, key.id))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await waiting
    except TimeoutError:
        raise Problem(
            "unavailable", f"the broker did not answer in {ANSWER_WITHIN_S:g} s; send it again", {"retry-after": "5"}
        ) from None
    except PhasegateError as error:
        raise problem_of(error) from error


def _given(request: Request, one: Receipted) -> ReceiptGiven:
    receipt, at = one.receipt, one.receipt.position
    path = request.app.url_path_for("receipt", topic=at.topic, partition=str(at.partition), offset=str(at.offset))
    return ReceiptGiven(
        id=receipt.id,
        source=receipt.source,
        topic=at.topic,  # type: ignore[arg-type]
        partition=at.partition,
        offset=at.offset,
        received=format_instant(receipt.received_ms),
        sha256=receipt.sha256,
        log=receipt.log,
        recorded_by=format_instant(receipt.recorded_by_ms),
        url=str(path),
        token=one.token,
        note=None if one.note is None else one.note.decode(),
    )
