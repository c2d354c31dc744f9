"""What people send from the command line: the announcement of a programme, and events that they have in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from events.bus import Bus, Clock, Message
from events.envelope import CONTENT_TYPE_HEADER, JWS_HEADER, Envelope, Malformed, parse_object
from events.errors import NotFound, Refused, Unavailable
from events.record import TOPICS, Position
from events.rulebook import Rulebook, digest
from events.signed_line import signed_parts
from events.values import format_instant, parse_instant
from flows.scenario import ANNOUNCED, topic_of
from flows.tracing import following, of_environment
from handlers.engines import NEWEST
from infra.keys import SigningKey

CHUNK = 2000
"""Events that are sent before progress is told."""


def uuid7(ms: int) -> str:
    """A new id that sorts by time (RFC 9562, 5.7): 48 bits of Unix milliseconds, the rest by chance."""
    chance = int.from_bytes(os.urandom(10), "big")
    high, low = chance >> 68, chance & (1 << 62) - 1
    return str(UUID(int=ms << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def announcement(rulebook: Rulebook, document: Mapping[str, Any], clock: Clock, now_ms: int) -> Envelope:
    """The event that begins a programme, in the name of the source that its rulebook calls the office."""
    office = next((row.source for row in rulebook.sources if row.role == "office"), None)
    data: dict[str, Any] = {"rulebook": dict(document), "digest": digest(document), "clock": clock, "engine": NEWEST}
    if rulebook.title is not None:
        data["title"] = dict(rulebook.title)
    source = office or f"urn:phasegate:{rulebook.programme}:office"
    return Envelope(uuid7(now_ms), source, ANNOUNCED, rulebook.programme, format_instant(now_ms), data)


@dataclass(frozen=True, slots=True)
class Line:
    """An event of a file, ready to be sent. `id` and `type` are as it says itself."""

    number: int
    id: Any
    type: Any
    message: Message


def read_lines(path: Path, clock: Clock, key: SigningKey | None) -> list[Line]:
    """The events of an NDJSON file; empty lines are left out. `key` signs those that are not signed already: a signed line
    (`events.signed_line`) is sent with the bytes and the signature that it has. Raises NotFound, or Refused at the first
    line that is no JSON object, names no programme (`subject`), or whose topic follows from nothing. What else may be wrong
    with an event the recorder says, on record.
    """
    try:
        rows = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint="check the path") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error
    return [
        _line(row.strip(), f"{path}:{number}", number, clock, key) for number, row in enumerate(rows, 1) if row.strip()
    ]


def _line(row: bytes, where: str, number: int, clock: Clock, key: SigningKey | None) -> Line:
    document = _parsed(row, where, number)
    signed = signed_parts(document)
    value, signature = (row, None) if signed is None else signed
    event = document if signed is None else _parsed(value, where, number)
    topic = event.pop("topic", None) if signed is None else None
    if topic is None:
        topic = topic_of(str(event.get("type")), where)
    else:
        value = orjson.dumps(event)
    if topic not in TOPICS:
        raise Refused(
            f"{where}: {topic!r} is no topic; there are {', '.join(TOPICS)}", hint="nothing was sent", line=number
        )
    subject = event.get("subject")
    if not isinstance(subject, str) or not subject:
        raise Refused(f"{where}: subject is {subject!r}; it names the programme", hint="nothing was sent", line=number)
    if signature is None and key is not None:
        signature = key.jws(value)
    signed_as = () if signature is None else ((JWS_HEADER, signature),)
    headers = (CONTENT_TYPE_HEADER, *signed_as, following(of_environment()).header())
    stamp_ms = None if clock == "broker" else _instant(event.get("time"), where)
    return Line(number, event.get("id"), event.get("type"), Message(topic, subject.encode(), value, headers, stamp_ms))


def _parsed(row: bytes, where: str, number: int) -> dict[str, Any]:
    try:
        return parse_object(row)
    except Malformed as malformed:
        raise Refused(f"{where}: {malformed.message}", hint="nothing was sent; correct the line", line=number) from None


def _instant(time: object, where: str) -> int:
    try:
        return parse_instant(str(time))
    except ValueError as error:
        raise Refused(f"{where}: in scenario time an event is stamped by its own `time`: {error}") from None


def send(bus: Bus, lines: Sequence[Line], advance: Callable[[int], None]) -> list[Position]:
    """Publishes all, in order; their positions. Raises Unavailable: then it is open which arrived, and the whole file may
    be sent again, for duplicates are recognised.
    """
    positions: list[Position] = []
    publisher = bus.publisher()
    try:
        for start in range(0, len(lines), CHUNK):
            positions += publisher.publish([line.message for line in lines[start : start + CHUNK]])
            advance(len(positions))
    except Unavailable as error:
        error.hint = f"{len(positions)} of {len(lines)} events are surely stored; publish the file again. {error.hint}"
        raise
    finally:
        publisher.close()
    return positions
