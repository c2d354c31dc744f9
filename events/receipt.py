"""The receipt of the HTTP intake: a signed promise that a record was taken in and will stand in the log.

A signed note (C2SP signed-note) of two lines: `phasegate-receipt/v1`, and one JSON object in its RFC 8785 form. It is for
the day on which somebody says that nothing was received: the record's place, its hash and the broker's stamp, under the
intake's key. Whoever has it, and a checkpoint of the log that was signed after `recorded_by` and has no entry for that
place, has proof that the promise was broken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import orjson

from events.envelope import Envelope
from events.errors import Refused, Tampered
from events.note import VerifierKey, open_note
from events.record import TOPICS, Position
from events.values import format_instant, parse_instant

SUFFIX = ".receipt"
FIRST_LINE = b"phasegate-receipt/v1"
RECORDED_WITHIN_MS = 24 * 3_600_000
"""The longest time between receipt and entry that a receipt promises: the day that logs of certificates promise too."""

_MEMBERS = ("id", "log", "offset", "partition", "received", "recorded_by", "sha256", "source", "topic")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was taken in. `log` is the origin of the log it will stand in; `sha256` of the value, in hex; times are Unix
    milliseconds.
    """

    position: Position
    received_ms: int
    id: str
    source: str
    sha256: str
    log: str

    @property
    def recorded_by_ms(self) -> int:
        return self.received_ms + RECORDED_WITHIN_MS


def receipt_of(position: Position, received_ms: int, event: Envelope, value: bytes, log: str) -> Receipt:
    """The receipt of an event that stands at a position."""
    return Receipt(position, received_ms, event.id, event.source, sha256(value).hexdigest(), log)


def receipt_text(receipt: Receipt) -> bytes:
    """The text that is signed."""
    at = receipt.position
    values = (
        receipt.id, receipt.log, at.offset, at.partition, format_instant(receipt.received_ms),
        format_instant(receipt.recorded_by_ms), receipt.sha256, receipt.source, at.topic,
    )  # fmt: skip
    return FIRST_LINE + b"\n" + orjson.dumps(dict(zip(_MEMBERS, values, strict=True))) + b"\n"


def open_receipt(note: bytes, keys: Iterable[VerifierKey]) -> Receipt:
    """The receipt in a note that one of the keys signed. Raises Tampered."""
    text, _ = open_note(note, keys)
    first, _, line = text.partition(b"\n")
    if first != FIRST_LINE:
        raise Tampered(f"not a receipt: it begins with {first[:60]!r}, not {FIRST_LINE.decode()!r}")
    try:
        document = orjson.loads(line)
        receipt = Receipt(
            Position(document["topic"], document["partition"], document["offset"]),
            parse_instant(document["received"]), document["id"], document["source"], document["sha256"], document["log"],
        )  # fmt: skip
        known = receipt.position.topic in TOPICS and receipt_text(receipt) == text
    except (ValueError, KeyError, TypeError, Refused) as error:
        raise Tampered(f"not a receipt: {line[:200]!r} ({error!r})") from error
    if not known:
        raise Tampered(f"not the text of a receipt: {line[:200]!r}")
    return receipt
