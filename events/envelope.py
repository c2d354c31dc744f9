"""CloudEvents 1.0 in structured mode: the bytes of a record's value, read strictly and written canonically.

Source: CloudEvents 1.0.2, JSON event format; Kafka protocol binding 3.3 (structured content mode).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from events.errors import Refused
from events.values import parse_instant

CONTENT_TYPE = "application/cloudevents+json"
CONTENT_TYPE_HEADER = ("content-type", b"application/cloudevents+json; charset=UTF-8")
JWS_HEADER = "phasegate-jws"
SCHEMA_BASE = "https://phasegate.example/schemas/"

BYTES_MAX = 512 * 1024
"""The largest value, in bytes; topics accept somewhat more, so that a larger one is refused on record."""

DEPTH_MAX = 64
"""The deepest nesting of objects and arrays in a value."""

_REQUIRED = ("id", "source", "type", "specversion")
_ATTRIBUTES = frozenset(
    {*_REQUIRED, "subject", "time", "data", "datacontenttype", "dataschema", "correlationid", "causationid"}
)
"""Everything else in an event is an extension."""

SOURCE_MAX = 256
"""The longest source, in characters; rulebooks name none that is longer."""

INTEGER_MAX = 2**53 - 1

_OPTIONAL = frozenset({str, type(None)})
"""The types of an attribute that may be absent. What `orjson` reads has no subclasses of them."""

_EVENT_ID = re.compile(r"[!-~]{1,128}")

_PLAIN = (CONTENT_TYPE_HEADER,)
_SINGLE_HEADERS = ("content-type", JWS_HEADER)


class Malformed(Refused):
    """The record is not an event that could be judged further. `reason` is a code of `events.reasons`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class Envelope:
    """A CloudEvent. `time` is the producer's claim; `data` is as sent, not yet checked against its schema. Nobody changes
    one; it is not frozen because a frozen one takes three times as long to make.
    """

    id: str
    source: str
    type: str
    subject: str | None
    time: str
    data: dict[str, Any]
    correlationid: str | None = None
    causationid: str | None = None
    extensions: dict[str, Any] = field(default_factory=dict)


def encode(event: Envelope) -> bytes:
    """The canonical bytes of an event: sorted members, no spaces. Equal events have equal bytes."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "datacontenttype": "application/json",
        "dataschema": schema_uri(event.type),
        "data": event.data,
        **event.extensions,
    }
    optional = {"subject": event.subject, "correlationid": event.correlationid, "causationid": event.causationid}
    document |= {name: value for name, value in optional.items() if value is not None}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def schema_uri(name: str) -> str:
    """The URI of the published JSON Schema of a type; an identifier, and the file name under `events/schemas/`."""
    return f"{SCHEMA_BASE}{name}.json"


def check_headers(headers: Sequence[tuple[str, bytes]]) -> None:
    """Raises Malformed unless there is one content type, that of structured mode, and at most one signature."""
    if tuple(headers) == _PLAIN:
        return
    names = [name.lower() for name, _ in headers]
    for name in _SINGLE_HEADERS:
        if names.count(name) > 1:
            raise Malformed("duplicate-header", f"the header {name!r} appears {names.count(name)} times; send it once")
    content_type = next((value for name, value in headers if name.lower() == "content-type"), b"")
    media_type, _, parameters = content_type.lower().replace(b" ", b"").partition(b";")
    if media_type != CONTENT_TYPE.encode() or parameters not in (b"", b"charset=utf-8", b'charset="utf-8"'):
        raise Malformed("not-cloudevents", f"content-type is {short(content_type)}; send {CONTENT_TYPE} in UTF-8")


def decode(value: bytes | None) -> Envelope:
    """Reads a value strictly. Raises Malformed with the reason code; see `events.reasons`."""
    document = parse_object(value)
    take = document.pop
    event_id, source, type_name, version = [take(name, None) for name in _REQUIRED]
    texts = type(event_id) is type(source) is type(type_name) is str
    if not (texts and version == "1.0" and event_id and source and type_name):
        _refuse_attributes(event_id, source, type_name, version)
    if _EVENT_ID.fullmatch(event_id) is None:
        raise Malformed("schema-invalid", f"id is {short(event_id)}; it must be 1 to 128 printable ASCII characters")
    if len(source) > SOURCE_MAX:
        raise Malformed("schema-invalid", f"source has {len(source)} characters; at most {SOURCE_MAX} are read")
    subject = take("subject", None)
    if type(subject) not in _OPTIONAL:
        raise _no_text("subject", subject)
    time = _time(take("time", None))
    data = _data(document)
    correlation, causation = take("correlationid", None), take("causationid", None)
    if type(correlation) not in _OPTIONAL:
        raise _no_text("correlationid", correlation)
    if type(causation) not in _OPTIONAL:
        raise _no_text("causationid", causation)
    return Envelope(event_id, source, type_name, subject, time, data, correlation, causation, document)


def decode_accepted(value: bytes | None) -> Envelope:
    """What `decode` gives, for a value that it has read before: nothing is checked again. Raises ValueError or KeyError
    for most others.
    """
    document = orjson.loads(value or b"")
    get, more = document.get, {}
    if not document.keys() <= _ATTRIBUTES:
        more = {name: member for name, member in document.items() if name not in _ATTRIBUTES}
    return Envelope(
        document["id"], document["source"], document["type"], get("subject"), document["time"], document["data"],
        get("correlationid"), get("causationid"), more,
    )  # fmt: skip


def _refuse_attributes(*attributes: object) -> None:
    """Raises Malformed for the first attribute that is no text, then for an empty one or another version."""
    for name, attribute in zip(_REQUIRED, attributes, strict=True):
        if not isinstance(attribute, str) or not attribute:
            raise Malformed("not-cloudevents", f"the attribute {name!r} is {short(attribute)}; it must be a text")
        if name == "specversion" and attribute != "1.0":
            raise Malformed("not-cloudevents", f"specversion is {short(attribute)}; only 1.0 is read")


def parse_object(value: bytes | None) -> dict[str, Any]:
    """A JSON object from bytes: no duplicate member names, not too deep, not too large. Raises Malformed."""
    if value is None:
        raise Malformed("not-json", "the record has no value; a value must be a CloudEvent in JSON")
    if len(value) > BYTES_MAX:
        raise Malformed("too-large", f"the value has {len(value)} bytes; at most {BYTES_MAX} are read")
    if value.count(b"{") + value.count(b"[") > DEPTH_MAX and (depth := _depth(value)) > DEPTH_MAX:
        raise Malformed("too-deep", f"the value nests {depth} levels deep; at most {DEPTH_MAX} are read")
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Malformed("not-json", f"the value is not JSON in UTF-8: {error}") from error
    if not isinstance(document, dict):
        raise Malformed("not-cloudevents", f"the value is a JSON {type(document).__name__}; it must be an object")
    if not _is_compact(document, value):
        json.loads(value, object_pairs_hook=_without_duplicates, parse_int=_integer)
    return document


def _is_compact(document: dict[str, Any], value: bytes) -> bool:
    """The compact form of what was read is the value itself: nothing was dropped, and no integer is too long."""
    try:
        return orjson.dumps(document, option=orjson.OPT_STRICT_INTEGER) == value
    except TypeError:  # an integer beyond 2^53 - 1
        return False


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise Malformed("duplicate-json-key", f"the member {short(name)} appears more than once in one object")
        members[name] = value
    return members


def _integer(text: str) -> int:
    """RFC 8785 numbers are IEEE doubles: a larger integer would not survive another reader."""
    if len(text) > 17 or abs(int(text)) > INTEGER_MAX:
        raise Malformed("schema-invalid", f"the integer {short(text)} is beyond 2^53 - 1; send it as a text")
    return int(text)


def short(value: object) -> str:
    """A value of the sender's in a message of ours: at most about 200 characters, whatever was sent."""
    return repr(value if not isinstance(value, str | bytes) else value[:120])[:200]


def _depth(value: bytes) -> int:
    """The nesting depth of brackets outside strings, as a JSON reader would meet them."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in value:
        if in_string:
            escaped, in_string = (not escaped and byte == 0x5C), (escaped or byte != 0x22)
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _no_text(name: str, value: object) -> Malformed:
    return Malformed("schema-invalid", f"the attribute {name!r} is {short(value)}; it must be a text")


def _time(time: object) -> str:
    try:
        parse_instant(time if type(time) is str else "")
    except ValueError:
        raise Malformed(
            "schema-invalid", f"time is {short(time)}; it must be an instant in UTC such as 2026-01-15T06:00:00.000Z"
        ) from None
    return str(time)


def _data(document: dict[str, Any]) -> dict[str, Any]:
    take = document.pop
    media_type = take("datacontenttype", "application/json")
    if media_type != "application/json":
        raise Malformed("schema-invalid", f"datacontenttype is {short(media_type)}; it must be application/json")
    take("dataschema", None)
    data = take("data", None)
    if type(data) is not dict or "data_base64" in document:
        raise Malformed("schema-invalid", "data must be a JSON object; data_base64 and other forms are not read")
    return data
