"""W3C trace context, level 1: the header `traceparent` of a record. It says which sending a record belongs to, for whoever
follows one through logs of several systems; nothing is judged or decided by it.

Source: https://www.w3.org/TR/trace-context/, 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

HEADER = "traceparent"
_FORM = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a trace: ids in lower-case hex, of 32 and 16 digits; flags of 2."""

    trace: str
    span: str
    flags: str = "01"

    def text(self) -> str:
        return f"00-{self.trace}-{self.span}-{self.flags}"

    def header(self) -> tuple[str, bytes]:
        return HEADER, self.text().encode()


def parse(value: bytes) -> Span | None:
    """None for whatever is not of the form: then there is no trace, as the standard asks."""
    found = _FORM.fullmatch(value)
    return None if found is None else Span(*(group.decode() for group in found.groups()))


def id_of(text: str) -> str:
    """The id of a trace that a person gives: alone, or in a traceparent. Raises ValueError."""
    span = parse(text.encode())
    if span is not None:
        return span.trace
    if not re.fullmatch(r"(?!0{32})[0-9a-f]{32}", text):
        raise ValueError(f"{text!r} is neither the 32 hex digits of a trace nor a traceparent")
    return text


def span_of(headers: Iterable[tuple[str, bytes]]) -> Span | None:
    """What a record says; None without the header, with several of them, or with one that cannot be read."""
    found = [value for name, value in headers if name.lower() == HEADER]
    return parse(found[0]) if len(found) == 1 else None
