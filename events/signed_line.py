"""A signed event as one line of a file: what its source signed, byte for byte, on its way to whoever publishes it.

    {"jws":"<header value>","value":"<the value's bytes, as a JSON string>"}

The value is a string, not an object: a tool that writes JSON anew may change how an object is written, but not what a
string says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

_MEMBERS = {"jws", "value"}


def encode_signed_line(value: bytes, jws: bytes) -> bytes:
    """The line, LF included."""
    return orjson.dumps({"jws": jws.decode("ascii"), "value": value.decode()}) + b"\n"


def signed_parts(document: Mapping[str, Any]) -> tuple[bytes, bytes] | None:
    """Value and signature header of a line that was read; None for any other line, such as an event as it is."""
    if document.keys() != _MEMBERS or not all(isinstance(part, str) for part in document.values()):
        return None
    return document["value"].encode(), document["jws"].encode()
