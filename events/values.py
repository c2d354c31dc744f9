"""Instants, durations and exact numbers as they are written in events."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DURATION = re.compile(r"P(?!$)(?:(\d{1,5})D)?(?:T(?!$)(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,7})S)?)?", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?", re.ASCII)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000

# Every event has several instants, and a log is read whole: the parts of an instant are looked up, not computed.
_MINUTES = [f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440)]
_SECONDS = [f"{second:02d}" for second in range(60)]
_MILLIS = [f".{ms:03d}Z" for ms in range(1000)]
_MINUTE_MS = {text: minute * 60_000 for minute, text in enumerate(_MINUTES)}
_SECOND_MS = {text: second * 1000 for second, text in enumerate(_SECONDS)}
_FRACTION_MS = {
    "Z": 0,
    **{f".{tenths}Z": tenths * 100 for tenths in range(10)},
    **{f".{hundredths:02d}Z": hundredths * 10 for hundredths in range(100)},
    **{text: ms for ms, text in enumerate(_MILLIS)},
}


def parse_instant(text: str) -> int:
    """Unix milliseconds of an RFC 3339 UTC instant (`Z`, at most milliseconds). Raises ValueError."""
    try:
        return _day_ms(text[:10]) + _MINUTE_MS[text[10:17]] + _SECOND_MS[text[17:19]] + _FRACTION_MS[text[19:]]
    except (KeyError, ValueError):
        raise ValueError(f"{text!r} is not an RFC 3339 UTC instant such as 2026-01-15T06:00:00.000Z") from None


@lru_cache(maxsize=4096)
def _day_ms(text: str) -> int:
    if _DATE.fullmatch(text) is None:
        raise ValueError(text)
    return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * _DAY_MS


def format_instant(ms: int) -> str:
    """RFC 3339 UTC with milliseconds, the one form in which instants are written."""
    day, rest = divmod(ms, _DAY_MS)
    minute, rest = divmod(rest, 60_000)
    return f"{_day(day)}{_MINUTES[minute]}{_SECONDS[rest // 1000]}{_MILLIS[rest % 1000]}"


@lru_cache(maxsize=4096)
def _day(day: int) -> str:
    return date.fromordinal(day + _EPOCH_DAY).isoformat()


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


def is_between(low: Fraction, value: Fraction, high: Fraction) -> bool:
    """Whether low <= value <= high, by cross-multiplication: comparing Fractions asks five times what the other one is."""
    above, below = value.numerator, value.denominator
    return low.numerator * below <= above * low.denominator and above * high.denominator <= high.numerator * below


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
