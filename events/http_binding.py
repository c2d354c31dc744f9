"""CloudEvents over HTTP: the values of records that a request carries.

Source: CloudEvents 1.0.2, HTTP protocol binding 3; JSON event format 4 (batch). In structured and batched mode the
value of a record is, byte for byte, what was sent. In binary mode it is made here: the attributes in order of name, and
the body where `data` stands, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from events.envelope import CONTENT_TYPE, JWS_HEADER, Envelope, Malformed, decode, parse_object, short
from events.errors import Refused
from events.names import TYPES

BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
BINARY_CONTENT_TYPE = "application/json"

Mode = Literal["structured", "batched", "binary"]
Headers = Sequence[tuple[str, bytes]]
"""Names in lower case, in the order of the request, repetitions kept."""

_MODES: dict[str, Mode] = {CONTENT_TYPE: "structured", BATCH_CONTENT_TYPE: "batched", BINARY_CONTENT_TYPE: "binary"}
_UTF8 = ("", "charset=utf-8", 'charset="utf-8"')
_PREFIX = "ce-"
_NAME = re.compile(r"[a-z0-9]{1,64}")
_NOT_IN_A_HEADER = frozenset({"data", "datacontenttype"})
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})?")

# A string that is never closed is taken to the end at once; so no body costs more than one pass.
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)


class MediaTypeUnknown(Refused):
    """The request says that its body is something that is not read here."""


@dataclass(frozen=True, slots=True)
class Carried:
    """An event as it will stand on Kafka: its bytes, what they say, and the signature over them, if one was sent."""

    value: bytes
    event: Envelope
    signature: bytes | None = None


def mode_of(headers: Headers) -> Mode:
    """How the request carries its events. Raises MediaTypeUnknown, or Malformed for a repeated content type."""
    said = _single(headers, "content-type")
    media_type, _, parameters = (said or b"").decode("latin-1").lower().replace(" ", "").partition(";")
    mode = _MODES.get(media_type)
    if mode is None or parameters not in _UTF8:
        known = ", ".join(_MODES)
        raise MediaTypeUnknown(f"content-type is {short(said)}; read are {known}, in UTF-8")
    coding = _single(headers, "content-encoding")
    if coding not in (None, b"identity"):
        raise MediaTypeUnknown(f"content-encoding is {short(coding)}; bodies are not unpacked here")
    return mode


def read_events(mode: Mode, headers: Headers, body: bytes) -> list[Carried]:
    """The events of a request, each of them well-formed. Raises Malformed for the first that is not."""
    signature = _single(headers, JWS_HEADER)
    if signature is not None and mode != "structured":
        raise Malformed(
            "signature-invalid", f"{JWS_HEADER} signs the bytes of one event: send it alone, as {CONTENT_TYPE}"
        )
    match mode:
        case "structured":
            return [Carried(body, decode(body), signature)]
        case "batched":
            return [_numbered(number, value) for number, value in enumerate(_elements(body))]
        case "binary":
            value = _from_headers(headers, body)
            return [Carried(value, decode(value))]


def topic_for(event: Envelope, wanted: str | None) -> str:
    """The topic of an event; `wanted` chooses where its type may stand on several. Raises Malformed."""
    row = TYPES.get(event.type)
    if row is None:
        raise Malformed("unknown-type", f"the type {short(event.type)} is not in the table of stored names")
    topic = row.topics[0] if wanted is None and len(row.topics) == 1 else wanted
    if topic not in row.topics:
        where = ", ".join(row.topics)
        raise Malformed("wrong-topic", f"{event.type} stands on {where}; the request says {short(wanted)}")
    if not event.subject:
        raise Malformed("unknown-programme", "the event has no subject; it names the programme")
    return topic


def _numbered(number: int, value: bytes) -> Carried:
    try:
        return Carried(value, decode(value))
    except Malformed as malformed:
        raise Malformed(malformed.reason, f"event {number} of the batch: {malformed.message}") from None


def _elements(body: bytes) -> Iterator[bytes]:
    """The elements of a JSON array as they were sent. That each is JSON, whoever decodes it sees."""
    text = body.strip(b" \t\r\n")
    if not (text.startswith(b"[") and text.endswith(b"]")):
        raise Malformed("not-json", "a batch is a JSON array of events")
    depth, start, commas = 0, 1, 0
    for found in _STRUCTURE.finditer(text):
        mark = found.group()
        depth += (mark in (b"[", b"{")) - (mark in (b"]", b"}"))
        if depth == 0 and found.end() != len(text):
            raise Malformed("not-json", f"the batch goes on after its end at byte {found.end()}")
        if depth == 0 or (depth == 1 and mark == b","):
            element = text[start : found.start()].strip(b" \t\r\n")
            if element or commas or mark == b",":
                yield element
            start, commas = found.end(), commas + 1
    if depth:
        raise Malformed("not-json", "the batch ends before its array does")


def _from_headers(headers: Headers, body: bytes) -> bytes:
    """The value of an event in binary mode. The body is one JSON object, so what stands around it stays around it."""
    parse_object(body)
    members = {"data": body, "datacontenttype": b'"application/json"'}
    for name, raw in headers:
        attribute = name.removeprefix(_PREFIX)
        if attribute == name:
            continue
        if _NAME.fullmatch(attribute) is None or attribute in _NOT_IN_A_HEADER:
            raise Malformed("not-cloudevents", f"the header {short(name)} maps to no attribute")
        if attribute in members:
            raise Malformed("duplicate-header", f"the header {short(name)} appears more than once")
        members[attribute] = orjson.dumps(_header_text(name, raw))
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), members[name]) for name in sorted(members)) + b"}"


def _header_text(name: str, raw: bytes) -> str:
    """The text of an attribute: quotes taken off, then one round of percent-decoding (HTTP binding 3.1.3.2)."""
    value = raw.strip(b" \t")
    if (quoted := _QUOTED.fullmatch(value)) is not None:
        value = _ESCAPED.sub(rb"\1", quoted[1])
    if any(found[1] is None for found in _PERCENT.finditer(value)):
        raise Malformed("not-cloudevents", f"the header {short(name)} has a % without two hexadecimal digits")
    try:
        return _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), value).decode()
    except UnicodeDecodeError:
        raise Malformed("not-cloudevents", f"the header {short(name)} is not UTF-8 once it is decoded") from None


def _single(headers: Headers, name: str) -> bytes | None:
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise Malformed("duplicate-header", f"the header {name!r} appears {len(values)} times; send it once")
    return values[0] if values else None
