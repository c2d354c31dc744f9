"""Sending a refused record again: the message that goes out, and the verdict that it would get now."""

from __future__ import annotations

from typing import Any, Literal

from events.bus import Message
from events.entry import decode_headers
from events.envelope import CONTENT_TYPE_HEADER, JWS_HEADER, Malformed, parse_object
from events.errors import Refused
from events.record import Record, partition_for
from events.signed_line import signed_parts
from flows.erasures import Erasures
from flows.reading import Reading
from flows.refused import RefusedRecord
from flows.scenario import topic_of
from handlers.fold import Folder
from handlers.recording import record_one
from handlers.verdicts import Verdict
from infra.keys import SigningKey


def same_again(row: RefusedRecord) -> Message:
    """The record as it came. Only its place is another: the partition of its key, and the topic of its type where that is
    bound to one. Raises Refused where it was erased, or its bytes are no event that could be named.
    """
    opening = row.opening
    if opening is None:
        raise Refused(f"the record of entry {row.begun.index} was erased", hint="a corrected one: --value FILE")
    topic = row.begun.topic
    if row.refusing.reason == "wrong-topic":
        topic = topic_of(str(_parsed(opening.value, "its value").get("type")), "its value")
    return Message(topic, opening.key, opening.value, decode_headers(opening.headers), None)


def corrected(programme: str, row: RefusedRecord, value: bytes, key: SigningKey | None) -> Message:
    """A record with the bytes that a person gives: an event, or a signed line. It has the headers that an event needs; the
    signature of the record before where the bytes are still the same. Raises Refused.
    """
    document = _parsed(value, "the file")
    signed = signed_parts(document)
    if signed is not None:
        value, document = signed[0], _parsed(signed[0], "the signed line")
    if document.get("subject") != programme:
        said = document.get("subject")
        raise Refused(f"subject is {said!r}; it names the programme, {programme!r}", hint="nothing was sent")
    signature = key.jws(value) if key is not None else None if signed is None else signed[1]
    if signature is None and row.opening is not None and row.opening.value == value:
        signature = dict(decode_headers(row.opening.headers)).get(JWS_HEADER)
    headers = (CONTENT_TYPE_HEADER, *(() if signature is None else ((JWS_HEADER, signature),)))
    topic = _topic(str(document.get("type")), row)
    return Message(topic, programme.encode(), value, headers, None)


def _topic(name: str, row: RefusedRecord) -> str:
    """The one topic of the type; that of the record before where the type may stand on several."""
    try:
        return topic_of(name, "the file")
    except Refused:
        return row.begun.topic


def id_of(message: Message) -> str:
    """The id of the event that is sent. Raises Refused where the bytes have none: then it could not be named on record."""
    found = _parsed(message.value, "its value").get("id")
    if not isinstance(found, str) or not found:
        raise Refused(f"the id of the event is {found!r}", hint="send a corrected record: --value FILE")
    return found


def _parsed(value: bytes | None, where: str) -> dict[str, Any]:
    try:
        return parse_object(value)
    except Malformed as malformed:
        hint = "correct it: phasegate refused PROGRAMME INDEX --out FILE, then requeue … --value FILE"
        raise Refused(f"{where} is no event: {malformed.message}", hint=hint) from None


def verdict_now(reading: Reading, programme: str, message: Message, at_ms: int) -> Verdict:
    """The verdict that a record would get if it were stamped at `at_ms` (Unix milliseconds) and stood behind all that is
    recorded, by the same code that the recorder runs. What is sent meanwhile may change it.
    """
    deployment = reading.deployment()
    folder = Folder(programme, judging=True, hidden=Erasures(reading.ledger, programme).look)
    for stored in reading.ledger.read(programme):
        folder.apply(stored)
    state = folder.finish(deployment)
    partition = partition_for(message.key or b"", deployment.partitions)
    at = (message.topic, partition)
    offset = reading.ledger.positions([at]).get(at, 0)
    stamped_by: Literal["producer", "broker"] = "producer" if state.clock == "scenario" else "broker"
    record = Record(message.topic, partition, offset, at_ms, stamped_by, message.key, message.headers, message.value)
    return next(record_one(state, record, deployment)).verdict
