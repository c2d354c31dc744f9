"""The entry: what the public log says about one record, and the salted commitment to what the record held.

The bytes are RFC 8785 canonical JSON. They are written and read here by one fixed layout, because a leaf that a general
JSON reader would accept in two spellings has two hashes.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Literal, cast, get_args

import orjson

from events.envelope import CONTENT_TYPE_HEADER
from events.errors import Refused, Tampered
from events.record import TOPICS, ReceivedBy
from events.values import format_instant, parse_instant

Verdict = Literal["accepted", "refused", "duplicate", "pending"]

BYTES_MAX = 65_535
"""The longest entry: tiles write its length as uint16."""

NUMBER_MAX = 2**53 - 1
"""The largest index, offset or partition: RFC 8785 numbers are IEEE doubles."""

RECEIVED_MAX = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last instant that RFC 3339 can write."""

SALT_BYTES = 32

_ABSENT = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct(">I")
_NAME = r"[a-z0-9][a-z0-9.-]*"
_NUMBER = r"0|[1-9][0-9]{0,15}"
_COMMITMENT = re.compile("[0-9a-f]{64}")
_LAYOUT = re.compile(
    rf'{{"commitment":"([0-9a-f]{{64}})","index":({_NUMBER})(?:,"of":({_NUMBER}))?,"offset":({_NUMBER})'
    rf',"partition":({_NUMBER})(?:,"reason":"({_NAME})")?,"received":"([0-9T:-]{{19}}\.[0-9]{{3}}Z)"'
    rf',"received_by":"(broker|producer)","topic":"({"|".join(TOPICS)})"(?:,"type":"({_NAME})")?'
    rf',"verdict":"({"|".join(get_args(Verdict))})"}}'
)


@dataclass(slots=True)
class Entry:
    """One leaf. `received_ms` is Unix milliseconds; `reason` stands exactly on refusals; `type` only when it is a
    stored name; `of` is the index of the pending first entry that this one settles, absent on first entries.
    """

    index: int
    topic: str
    partition: int
    offset: int
    received_ms: int
    received_by: str
    verdict: Verdict
    commitment: str
    type: str | None = None
    reason: str | None = None
    of: int | None = None


Members = tuple[int, str, int, int, int, str, Verdict, str, str | None, str | None, int | None]
"""The members of an entry, in the order of its fields."""


def encode_entry(entry: Entry) -> bytes:
    """The canonical bytes of an entry. Raises Refused when a member has no canonical form or contradicts another."""
    return encode_members(_members(entry))


def encode_members(members: Members) -> bytes:
    """`encode_entry` without an Entry: for those who write every entry of a log."""
    index, topic, partition, offset, received_ms, received_by, verdict, commitment, name, reason, of = members
    if wrong := _unwritable(index, offset, received_ms, commitment, of) or _contradiction(members):
        raise _not_written(wrong)
    cited = "" if of is None else f',"of":{of}'
    middle, end = _recurring(topic, partition, received_by, verdict, name, reason)
    data = (
        f'{{"commitment":"{commitment}","index":{index}{cited},"offset":{offset}{middle}{format_instant(received_ms)}{end}'
    ).encode("ascii")
    if len(data) > BYTES_MAX:
        raise Refused(f"entry {index} has {len(data)} bytes; at most {BYTES_MAX} can be written")
    return data


@lru_cache(maxsize=1024, typed=True)
def _recurring(
    topic: str, partition: int, received_by: str, verdict: str, name: str | None, reason: str | None
) -> tuple[str, str]:
    """The parts of an entry that are the same in most entries of a log: what stands before and after the stamp. Raises
    Refused for what `_LAYOUT` would not read back.
    """
    if topic not in TOPICS or received_by not in get_args(ReceivedBy) or verdict not in get_args(Verdict):
        raise _not_written(f"topic {topic!r}, received_by {received_by!r}, verdict {verdict!r}")
    if type(partition) is not int or not 0 <= partition <= NUMBER_MAX:
        raise _not_written(f"partition {partition!r}")
    for text in (name, reason):
        if text is not None and re.fullmatch(_NAME, text) is None:
            raise _not_written(f"the name {text!r}")
    why = "" if reason is None else f',"reason":"{reason}"'
    what = "" if name is None else f',"type":"{name}"'
    middle = f',"partition":{partition}{why},"received":"'
    return middle, f'","received_by":"{received_by}","topic":"{topic}"{what},"verdict":"{verdict}"}}'


def _not_written(wrong: str) -> Refused:
    return Refused(f"an entry cannot be written: {wrong[:300]}", hint="see Entry for what each member may be")


def decode_entry(data: bytes) -> Entry:
    """The entry that these bytes are. Raises Tampered unless they are exactly what `encode_entry` writes."""
    return Entry(*decode_members(data))


def decode_members(data: bytes) -> Members:
    """The members of `Entry`, in its order, without building one: for those who read every entry of a log."""
    match = _LAYOUT.fullmatch(data.decode("latin-1")) if len(data) <= BYTES_MAX else None
    if match is None:
        raise Tampered(f"not the canonical bytes of an entry: {data[:300]!r}")
    commitment, index, of, offset, partition, reason, received, received_by, topic, name, verdict = match.groups()
    try:
        received_ms = parse_instant(received)
    except ValueError as error:
        raise Tampered(f"an entry has the instant {received!r}, which does not exist") from error
    members = (
        int(index), topic, int(partition), int(offset), received_ms, received_by,
        cast(Verdict, verdict), commitment, name, reason, None if of is None else int(of),
    )  # fmt: skip
    if contradiction := _contradiction(members):
        raise Tampered(f"entry {index}: {contradiction}: {data[:300]!r}")
    return members


def _members(e: Entry) -> Members:
    return (
        e.index, e.topic, e.partition, e.offset, e.received_ms, e.received_by, e.verdict, e.commitment, e.type,
        e.reason, e.of,
    )  # fmt: skip


def _unwritable(index: int, offset: int, received_ms: int, commitment: str, of: int | None) -> str:
    """The first member, of those that differ from entry to entry, that `_LAYOUT` would not read back, or nothing."""
    if not (type(index) is type(offset) is int and index >= 0 and offset >= 0):
        return f"index {index!r}, offset {offset!r}"
    if not 0 <= received_ms <= RECEIVED_MAX:
        return f"received_ms {received_ms}; it must lie in 0..{RECEIVED_MAX}"
    if _COMMITMENT.fullmatch(commitment) is None:
        return f"commitment {commitment!r}"
    if of is not None and (type(of) is not int or of < 0):
        return f"of {of!r}"
    return ""


def _contradiction(members: Members) -> str:
    """Why the members cannot stand together, or nothing."""
    index, _, partition, offset, _, _, verdict, _, _, reason, of = members
    if (reason is not None) != (verdict == "refused"):
        return f"verdict {verdict!r} with reason {reason!r}; a reason stands exactly on refusals"
    if index > NUMBER_MAX or offset > NUMBER_MAX or partition > NUMBER_MAX:
        return f"index, partition and offset must not exceed {NUMBER_MAX}"
    if of is not None and (of >= index or verdict == "pending"):
        return f"it settles entry {of} as {verdict!r}; a settlement comes later and is final"
    return ""


@dataclass(slots=True)
class Opening:
    """What a commitment commits to. `headers` are the bytes of `encode_headers`; key and value may be absent."""

    salt: bytes
    key: bytes | None
    headers: bytes
    value: bytes | None


_PLAIN_HEADERS = (CONTENT_TYPE_HEADER,)
_PLAIN = orjson.dumps([[name, base64.b64encode(value).decode()] for name, value in _PLAIN_HEADERS])
"""The headers of nearly every unsigned record."""


def encode_headers(headers: Iterable[tuple[str, bytes]]) -> bytes:
    """RFC 8785 JSON array of [name, base64 value], in record order, repetitions kept."""
    if (headers := tuple(headers)) == _PLAIN_HEADERS:
        return _PLAIN
    pairs = [(name, base64.b64encode(value).decode()) for name, value in headers]
    try:
        return orjson.dumps(pairs) if pairs else b"[]"
    except TypeError as error:  # a lone surrogate in a header name
        raise Refused(f"a header name is not Unicode text: {error}") from error


def decode_headers(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """The headers that these bytes are. Raises Tampered unless they are exactly what `encode_headers` writes."""
    if data == _PLAIN:
        return _PLAIN_HEADERS
    try:
        headers = tuple((name, base64.b64decode(value, validate=True)) for name, value in orjson.loads(data))
        canonical = encode_headers(headers) if all(type(name) is str for name, _ in headers) else b""
    except (ValueError, TypeError, AttributeError, Refused) as error:
        raise Tampered(f"not the canonical bytes of headers: {data[:200]!r} ({error})") from error
    if canonical != data:
        raise Tampered(f"headers are not in canonical form: expected {canonical[:200]!r}, found {data[:200]!r}")
    return headers


def commitment(opening: Opening) -> str:
    """SHA-256(salt || len(key) || key || len(headers) || headers || value), in hex. Lengths are uint32 big-endian;
    for an absent key or value 0xFFFFFFFF stands in its place.

    The value is last and has no length, so an absent value and the four bytes FF FF FF FF share a commitment. Neither
    is JSON and both are refused alike; the ledger's own digest of an opening tells them apart.
    """
    if len(opening.salt) != SALT_BYTES:
        raise Refused(f"a salt has {SALT_BYTES} bytes, this one {len(opening.salt)}; draw it with secrets.token_bytes")
    key, value, headers = opening.key, opening.value, opening.headers
    head = _ABSENT if key is None else _LENGTH.pack(len(key)) + key
    tail = _ABSENT if value is None else value
    return sha256(b"".join((opening.salt, head, _LENGTH.pack(len(headers)), headers, tail))).hexdigest()


__all__ = [
    "BYTES_MAX", "NUMBER_MAX", "RECEIVED_MAX", "SALT_BYTES", "Entry", "Members", "Opening", "ReceivedBy", "Verdict",
    "commitment", "decode_entry", "decode_headers", "decode_members", "encode_entry", "encode_headers", "encode_members",
]  # fmt: skip
