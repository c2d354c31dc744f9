"""How notes, proofs and witnesses write numbers, hashes and texts: one spelling each, everything else is refused.

Each rule stands against a trap that was met in real parsers: `int` takes `1_0` and Arabic digits, base64 decoders skip
junk and unused bits, `splitlines` splits at U+2028.
"""

from __future__ import annotations

import base64
import binascii
import re

from events.errors import Tampered
from events.merkle import HASH_BYTES

NUMBER_MAX = 2**63 - 1

_NUMBER = re.compile(rb"0|[1-9][0-9]{0,18}")


def read_number(field: bytes, what: str) -> int:
    """The number that these bytes are: `0|[1-9][0-9]*`, at most 2^63 - 1. `what` names it in the error."""
    if _NUMBER.fullmatch(field) is None or int(field) > NUMBER_MAX:
        raise Tampered(f"{what} {field[:40]!r} is not a plain decimal number up to {NUMBER_MAX}")
    return int(field)


def read_base64(field: bytes) -> bytes:
    """Standard base64 whose re-encoding is itself: no junk, no unused bits. Raises ValueError."""
    try:
        decoded = base64.b64decode(field, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{field[:200]!r} is not base64") from error
    if base64.b64encode(decoded) != field:
        raise ValueError(f"{field[:200]!r} is not canonical base64")
    return decoded


def read_hash(field: bytes, what: str) -> bytes:
    """A hash of exactly 32 bytes in base64. `what` names it in the error."""
    try:
        found = read_base64(field)
    except ValueError as error:
        raise Tampered(f"{what}: {error}") from error
    if len(found) != HASH_BYTES:
        raise Tampered(f"{what} has {len(found)} bytes, not {HASH_BYTES}")
    return found


def read_text(data: bytes) -> str:
    """UTF-8, strictly."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Tampered(f"not UTF-8: {data[:100]!r}") from error


def write_hash(found: bytes) -> bytes:
    """A hash in base64."""
    return base64.b64encode(found)
