"""Field types of a rulebook. In the document every scalar is text; here it becomes what the rules compute with."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from events.values import format_number, parse_duration, parse_instant, parse_number


class Rule(BaseModel):
    """A part of a rulebook: closed and frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _number(written: Any) -> Fraction:
    if isinstance(written, Fraction):
        return written
    if isinstance(written, int) and not isinstance(written, bool):
        return Fraction(written)
    if not isinstance(written, str):
        raise ValueError(f"{written!r} is not a number written as text, such as 17.5")  # noqa: TRY004  # pydantic's way
    return parse_number(written)


def _flag(written: Any) -> Any:
    return {"true": True, "false": False}.get(written, written) if isinstance(written, str) else written


def _instant(text: str) -> str:
    parse_instant(text)
    return text


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _language_map(texts: dict[str, str]) -> dict[str, str]:
    if not texts:
        raise ValueError("a text needs at least one language, such as {en: …}")
    return texts


Number = Annotated[
    Fraction, PlainValidator(_number), PlainSerializer(format_number), WithJsonSchema({"type": "string"})
]
"""An exact decimal of at most 18 digits on each side of the point."""

Flag = Annotated[bool, BeforeValidator(_flag)]
Instant = Annotated[str, AfterValidator(_instant)]
"""RFC 3339 UTC as written; milliseconds may be left out."""

Duration = Annotated[str, AfterValidator(_duration)]
"""ISO 8601 in days, hours, minutes and seconds, as written."""

Count = Annotated[int, Field(ge=0, le=10_000)]
Places = Annotated[int, Field(ge=0, le=18)]
Texts = Annotated[dict[str, str], AfterValidator(_language_map)]
Mode = Literal["half-up", "half-even", "down", "up"]


class Rounding(Rule):
    """How many places, and what happens to a half: `half-up` away from zero, `half-even` to the even digit; `down`
    towards zero, `up` away from it.
    """

    places: Places
    mode: Mode = "half-up"


def repeated(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, in the order of their second occurrence. Empty ones are not equal."""
    seen: set[str] = set()
    again: list[str] = []
    for name in names:
        if name and name in seen and name not in again:
            again.append(name)
        seen.add(name)
    return again
