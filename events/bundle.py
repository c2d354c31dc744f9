"""The bundle: what an auditor gets of one log, as files that stand for themselves.

    checkpoint                  the signed note
    tile/<L>/<N>[.p/<W>]        the tree
    tile/entries/<N>[.p/<W>]    the entries
    openings.ndjson             what commitments open to, one JSON line each, by index
    positions.json              whose the offsets between this log's own are
    handovers/<size>            each checkpoint below that two keys of the log signed
    deployment.json             what judging again needs: partitions, the office's public keys
    rulebooks/<sha256>.json     each rulebook that was announced
    schemas/<type>.json         JSON Schemas of the events
    README.txt                  how to check it
    SHA256SUMS                  of every other file

Every JSON file or line equals its RFC 8785 form, so nothing has two spellings.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
import rfc8785

from events.entry import NUMBER_MAX, SALT_BYTES, Opening
from events.errors import Refused, Tampered
from events.note import ED25519, VerifierKey, format_vkey, parse_vkey, signature_lines, unverified
from events.record import TOPICS

CHECKPOINT = "checkpoint"
OPENINGS = "openings.ndjson"
POSITIONS = "positions.json"
DEPLOYMENT = "deployment.json"
README = "README.txt"
SUMS = "SHA256SUMS"
PLAIN_FILES = (CHECKPOINT, OPENINGS, POSITIONS, DEPLOYMENT, README)
RULEBOOK = re.compile(r"rulebooks/[0-9a-f]{64}\.json")
HANDOVER = re.compile(r"handovers/([1-9][0-9]{0,15})")
SCHEMA = re.compile(r"schemas/[a-z][a-z0-9.]{0,99}\.json")

CONTROL = "control"
"""The owner of offsets that no record has."""

_OWNER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}|unrouted/(?:submissions|scores|audits|decisions)/(?:0|[1-9][0-9]{0,5})")
_HEX = re.compile(r"[0-9a-f]{64}")


def canonical(document: Any) -> bytes:
    """The RFC 8785 form."""
    return rfc8785.dumps(document)


_SORTED = orjson.OPT_SORT_KEYS
_TEXTS = {"index", "salt", "key", "headers", "value"}
"""The members of nearly every opening: nothing in it is other than text. Then its line is what is dumped of it again."""


def encode_opening(index: int, opening: Opening) -> bytes:
    """One line of openings.ndjson, LF included. The salt is hexadecimal; what is absent is null."""
    document: dict[str, Any] = {"index": index, "salt": opening.salt.hex()}
    for name, data in (("key", opening.key), ("headers", opening.headers), ("value", opening.value)):
        _put(document, name, data)
    return orjson.dumps(document, option=_SORTED) + b"\n"


def _put(document: dict[str, Any], name: str, data: bytes | None) -> None:
    try:
        document[name] = None if data is None else data.decode()
    except UnicodeDecodeError:
        document[f"{name}_base64"] = base64.b64encode(data or b"").decode()


def decode_opening(line: bytes, where: str) -> tuple[int, Opening]:
    """Index and opening of a line without its LF. Raises Tampered unless it is exactly what `encode_opening` writes."""
    try:
        document = orjson.loads(line)
        if document.keys() == _TEXTS and orjson.dumps(document, option=_SORTED) == line:
            return _all_text(document)
        index, salt = document["index"], bytes.fromhex(document["salt"])
        key, headers, value = (_take(document, name) for name in ("key", "headers", "value"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Tampered(f"{where} is not an opening: {line[:200]!r} ({error!r})", file=OPENINGS) from error
    if type(index) is not int or not 0 <= index <= NUMBER_MAX or headers is None or len(salt) != SALT_BYTES:
        raise Tampered(f"{where} has no index, salt of {SALT_BYTES} bytes, or headers: {line[:200]!r}", file=OPENINGS)
    opening = Opening(salt, key, headers, value)
    if encode_opening(index, opening) != line + b"\n":
        raise Tampered(f"{where} is not in RFC 8785 form, or has other members", file=OPENINGS, index=index)
    return index, opening


def _all_text(document: Mapping[str, Any]) -> tuple[int, Opening]:
    """An opening whose members are those of text, as nearly all are. Raises ValueError for what `encode_opening` would not
    write; AttributeError and TypeError for members of another kind.
    """
    index, salt = document["index"], bytes.fromhex(document["salt"])
    if (
        type(index) is not int
        or not 0 <= index <= NUMBER_MAX
        or len(salt) != SALT_BYTES
        or salt.hex() != document["salt"]
    ):
        raise ValueError(f"index {index!r}, salt of {len(salt)} bytes")
    return index, Opening(salt, _bytes(document["key"]), document["headers"].encode(), _bytes(document["value"]))


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _take(document: Mapping[str, Any], name: str) -> bytes | None:
    if name in document:
        return _bytes(document[name])
    return base64.b64decode(document[f"{name}_base64"], validate=True)


@dataclass(frozen=True, slots=True)
class Place:
    """One partition of one topic in a log: the offset after its last record here, and the ranges below it that are
    others': (from, to, owner), `to` excluded.
    """

    topic: str
    partition: int
    next: int
    others: tuple[tuple[int, int, str], ...]


def encode_positions(places: Sequence[Place]) -> bytes:
    """The bytes of positions.json: `[[topic, partition, next, [[from, to, owner], …]], …]`, by topic and partition."""
    ordered = sorted(places, key=lambda place: (place.topic, place.partition))
    return canonical([[p.topic, p.partition, p.next, [list(one) for one in p.others]] for p in ordered])


def decode_positions(data: bytes) -> list[Place]:
    """What positions.json says. Raises Tampered unless ranges are in order, as long as possible, and within `next`."""
    try:
        places = [
            Place(topic, partition, following, tuple((start, end, owner) for start, end, owner in others))
            for topic, partition, following, others in orjson.loads(data)
        ]
        same = encode_positions(places) == data
    except (ValueError, TypeError) as error:
        raise Tampered(f"{POSITIONS} cannot be read: {error}", file=POSITIONS) from error
    for place in places:
        if problem := _place_problem(place):
            raise Tampered(f"{POSITIONS}: {place.topic}/{place.partition}: {problem}", file=POSITIONS)
    if not same or len({(place.topic, place.partition) for place in places}) != len(places):
        raise Tampered(f"{POSITIONS} is not in RFC 8785 form, or names a partition twice", file=POSITIONS)
    return places


def _place_problem(place: Place) -> str:
    numbers = [place.partition, place.next, *(n for start, end, _ in place.others for n in (start, end))]
    if place.topic not in TOPICS or any(type(n) is not int or not 0 <= n <= NUMBER_MAX for n in numbers):
        return "a topic or a number that cannot be"
    last, owner_before = 0, ""
    for start, end, owner in place.others:
        if not last <= start < end < place.next:
            return f"the range {start}..{end} does not follow {last}, or does not lie below {place.next}"
        if type(owner) is not str or (owner != CONTROL and _OWNER.fullmatch(owner) is None):
            return f"{owner!r} owns no offsets"
        if start == last and owner == owner_before:
            return f"the ranges at {start} are one"
        last, owner_before = end, owner
    return ""


@dataclass(frozen=True, slots=True)
class DeploymentFile:
    """What judging again needs to know, as the exporter says: replay shows whether it fits. `view` names the part of the
    records that the bundle shows; empty when it holds all that were not erased.
    """

    partitions: int
    office: tuple[VerifierKey, ...]
    view: str = ""


def encode_deployment(partitions: int, office: Sequence[VerifierKey], view: str = "") -> bytes:
    """The bytes of deployment.json."""
    named = {"view": view} if view else {}
    return canonical({"office": sorted(map(format_vkey, office)), "partitions": partitions, **named})


def decode_deployment(data: bytes) -> DeploymentFile:
    """What deployment.json says."""
    try:
        document = orjson.loads(data)
        office, partitions, view = document["office"], document["partitions"], document.get("view", "")
        keys = tuple(parse_vkey(text) for text in office)
        same = isinstance(view, str) and encode_deployment(partitions, keys, view) == data
    except (ValueError, TypeError, KeyError, AttributeError, Refused) as error:
        raise Tampered(f"{DEPLOYMENT} cannot be read: {error}", file=DEPLOYMENT) from error
    if not same:
        raise Tampered(f"{DEPLOYMENT} is not in RFC 8785 form, or has other members", file=DEPLOYMENT)
    if type(partitions) is not int or not 1 <= partitions <= 1000 or any(key.algorithm != ED25519 for key in keys):
        raise Tampered(f"{DEPLOYMENT}: {partitions!r} partitions, or a key that signs no events", file=DEPLOYMENT)
    return DeploymentFile(partitions, keys, view)


def is_handover(note: bytes) -> bool:
    """Whether two keys stand under a checkpoint in the name of its log: an old one and the one after it. Unverified."""
    origin = unverified(note).origin
    return len({identifier for name, identifier, _ in signature_lines(note) if name == origin}) > 1


def handover_path(size: int) -> str:
    """Where the hand-over of this size is in a bundle."""
    return f"handovers/{size}"


def rulebook_file(document: Any) -> tuple[str, bytes]:
    """The path and bytes of an announced rulebook: named by the SHA-256 of its RFC 8785 form, its digest in the log."""
    data = canonical(document)
    return f"rulebooks/{sha256(data).hexdigest()}.json", data


def encode_sums(sums: Mapping[str, str]) -> bytes:
    """The bytes of SHA256SUMS, as `sha256sum -c` reads them, by path."""
    return b"".join(f"{sums[path]}  {path}\n".encode() for path in sorted(sums))


def decode_sums(data: bytes) -> dict[str, str]:
    """Path -> SHA-256 in hex. Raises Tampered on any other spelling."""
    found = {}
    for line in data.removesuffix(b"\n").split(b"\n"):
        digest, _, path = line.decode("ascii", "replace").partition("  ")
        if _HEX.fullmatch(digest) is None or not path or path in found:
            raise Tampered(f"{SUMS}: not a line of sums: {line[:200]!r}", file=SUMS)
        found[path] = digest
    if encode_sums(found) != data:
        raise Tampered(f"{SUMS} is not in the order of its paths", file=SUMS)
    return found
