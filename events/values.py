"""Instants, durations and exact numbers as they are written in events."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{1,3})?Z", re.ASCII)
_DURATION = re.compile(r"P(?!$)(?:(\d{1,5})D)?(?:T(?!$)(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,7})S)?)?", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # written with Z, which isoformat would write as +00:00


def parse_instant(text: str) -> int:
    """Unix milliseconds of an RFC 3339 UTC instant (`Z`, at most milliseconds). Raises ValueError."""
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an RFC 3339 UTC instant such as 2026-01-15T06:00:00.000Z")
    since = datetime.fromisoformat(text) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def format_instant(ms: int) -> str:
    """RFC 3339 UTC with milliseconds, the one form in which instants are written."""
    return (_NAIVE_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def parse_duration(text: str) -> int:
    """Milliseconds of an ISO 8601 duration in days, hours, minutes, seconds (`P10D`, `PT90M`). Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as P10D or PT90M")
    days, hours, minutes, seconds = (int(g or 0) for g in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


@lru_cache(maxsize=4096)
def parse_number(text: str) -> Fraction:
    """The exact value of a decimal string: no exponent, at most 18 digits on each side. Raises ValueError."""
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a plain decimal number of at most 18 digits on each side of the point")
    return Fraction(text)


def format_number(value: Fraction) -> str:
    """Canonical text of an exact value: shortest terminating decimal without trailing zeros or `-0`, else `p/q`."""
    numerator, denominator = value.numerator, value.denominator
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{_digits(numerator)}/{_digits(denominator)}"
    return format_places(value, max(twos, fives))


def parse_exact(text: str) -> Fraction:
    """The value that `format_number` wrote: a decimal, or `p/q`, of any length. Raises ValueError."""
    numerator, _, denominator = text.partition("/")
    try:
        return Fraction(Decimal(numerator)) / (Fraction(Decimal(denominator)) if denominator else 1)
    except (InvalidOperation, ZeroDivisionError):
        raise ValueError(f"{text[:80]!r} is not an exact number such as 2.5 or 1/3") from None


def _digits(whole: int) -> str:
    """Decimal digits without the interpreter's limit on converting long integers to text."""
    return format(Decimal(whole), "f")


def format_places(value: Fraction, places: int) -> str:
    """Decimal text with exactly `places` places. The value must have no more of them; round first."""
    scaled = value * 10**places
    if scaled.denominator != 1:
        raise ValueError(f"{value} has more than {places} places; round it before it is written")
    digits = _digits(abs(scaled.numerator)).rjust(places + 1, "0")
    sign = "-" if scaled.numerator < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"
