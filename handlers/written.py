"""A rulebook as written, read piece by piece: what cannot be read is None here, and told of by the models elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from events.rulebook_fields import Count, Instant, Number
from events.values import parse_instant

_T = TypeVar("_T")
_COUNT: TypeAdapter[int] = TypeAdapter(Count)
_INSTANT: TypeAdapter[str] = TypeAdapter(Instant)
_NUMBER: TypeAdapter[Fraction] = TypeAdapter(Number)


def listed(written: Any) -> list[Any]:
    return written if isinstance(written, list) else []


def mapped(written: Any) -> Mapping[str, Any]:
    return written if isinstance(written, dict) else {}


def texts(written: Any) -> list[str]:
    """The texts of a list."""
    return [text for text in listed(written) if isinstance(text, str)]


def id_of(written: Any) -> str:
    found = mapped(written).get("id")
    return found if isinstance(found, str) else ""


def fits(kind: TypeAdapter[_T], written: Any) -> _T | None:
    """The piece as the models read it."""
    try:
        return kind.validate_python(written)
    except ValidationError:
        return None


def number(written: Any) -> Fraction | None:
    return fits(_NUMBER, written)


def count(written: Any) -> int | None:
    return fits(_COUNT, written)


def instant(written: Any) -> int | None:
    """Unix milliseconds."""
    text = fits(_INSTANT, written)
    return None if text is None else parse_instant(text)


def counts(criterion: Any) -> bool:
    """The criterion counts towards what it is part of."""
    return mapped(criterion).get("counts", True) not in (False, "false")
