"""Instants, durations and numbers have one canonical form; what has none is refused, and nothing is rounded."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from events.fields import Exact, Instant, Number
from events.values import format_instant, format_number, format_places, parse_duration, parse_instant, parse_number

FIRST_MS = -30_610_224_000_000
"""1000-01-01T00:00:00.000Z: years before it are not written with four digits by every platform."""
LAST_MS = 253_402_300_799_999

# --- instants ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-01-15T06:00:00.123Z", 1_768_456_800_123),
        ("2026-01-15T06:00:00.1Z", 1_768_456_800_100),
        ("2024-02-29T00:00:00.000Z", 1_709_164_800_000),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
    ],
)
def test_an_instant_is_milliseconds_since_the_epoch(text: str, ms: int) -> None:
    assert parse_instant(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-01-15", "2026-01-15 06:00:00Z", "2026-01-15t06:00:00Z", "2026-01-15T06:00:00", "2026-01-15T06:00:00z",
        "2026-01-15T06:00:00+00:00", "2026-01-15T15:00:00+09:00", "2026-01-15T06:00:00.1234Z", "2026-01-15T06:00:00.Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-15T24:00:00Z", "2026-01-15T06:00:60Z",
        "0000-01-01T00:00:00Z", " 2026-01-15T06:00:00Z", "2026-01-15T06:00:00Z\n", "２０２６-01-15T06:00:00Z",
    ],
)  # fmt: skip
def test_another_way_to_write_an_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


@given(st.integers(FIRST_MS, LAST_MS))
def test_an_instant_survives_writing_and_reading(ms: int) -> None:
    text = format_instant(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert parse_instant(text) == ms
    assert datetime.fromisoformat(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


@given(st.integers(FIRST_MS, LAST_MS), st.integers(FIRST_MS, LAST_MS))
def test_instants_sort_as_their_texts(one: int, other: int) -> None:
    assert (format_instant(one) < format_instant(other)) == (one < other)


def test_an_instant_of_an_early_year_survives_writing_and_reading() -> None:
    assert format_instant(parse_instant("0001-01-01T00:00:00.000Z")) == "0001-01-01T00:00:00.000Z"


def test_data_writes_instants_with_milliseconds() -> None:
    reader = TypeAdapter(Instant)
    assert reader.validate_python("2026-01-15T06:00:00.000Z") == "2026-01-15T06:00:00.000Z"
    with pytest.raises(ValidationError, match="must be written with milliseconds"):
        reader.validate_python("2026-01-15T06:00:00Z")


# --- durations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("P10D", 864_000), ("PT90M", 5400), ("P1DT12H", 129_600), ("PT0S", 0), ("P0D", 0), ("PT1H1M1S", 3661)],
)
def test_a_duration_is_milliseconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds * 1000


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "10D", "P1W", "P1M", "P1Y", "P-1D", "-P1D", "P1.5D", "PT1.5S", "PT1S1M", "P1D ", "P1D\n", "p1d",
        "P123456D", "P１D", "P1DT",
    ],
)  # fmt: skip
def test_another_way_to_write_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(*[st.integers(0, 99_999)] * 3, st.integers(0, 9_999_999))
def test_the_parts_of_a_duration_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    whole = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) // timedelta(milliseconds=1)
    assert parse_duration(f"P{days}DT{hours}H{minutes}M{seconds}S") == whole


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Fraction(0)), ("17.5", Fraction(35, 2)), ("-3", Fraction(-3)), ("0.1", Fraction(1, 10)),
        ("1.50", Fraction(3, 2)), ("-0", Fraction(0)), ("9" * 18 + "." + "9" * 18, Fraction(10**36 - 1, 10**18)),
    ],
)  # fmt: skip
def test_a_number_is_read_exactly(text: str, value: Fraction) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", "-", ".5", "5.", "+5", "1e3", "1E3", "NaN", "Infinity", "1/2", "1,5", "1_000", "01", "00", "-01", " 1",
        "1 ", "1\n", "１", "٣", "0x10", "--1", "1" * 19, "0." + "1" * 19,
    ],
)  # fmt: skip
def test_another_way_to_write_a_number_is_refused_by_code_and_field(text: str) -> None:
    with pytest.raises(ValueError, match="is not a plain decimal number"):
        parse_number(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Number).validate_python(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"), (Fraction(3, 2), "1.5"), (Fraction(-1, 1000), "-0.001"), (Fraction(100), "100"),
        (Fraction(1, 3), "1/3"), (Fraction(-22, 7), "-22/7"), (Fraction(7, 6), "7/6"),
        (Fraction(1, 2**10), "0.0009765625"),
        (Fraction(1, 5**4), "0.0016"), (Fraction(10**18), "1" + "0" * 18),
    ],
)  # fmt: skip
def test_a_number_has_one_canonical_text(value: Fraction, text: str) -> None:
    assert format_number(value) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_decimal_survives_writing_and_reading(decimal: Decimal) -> None:
    value = Fraction(decimal)
    text = format_number(value)
    assert parse_number(text) == value
    assert text not in ("-0", "")
    assert "." not in text or text[-1] not in "0."
    assert TypeAdapter(Number).validate_python(text) == text


@given(st.fractions())
def test_every_exact_value_has_a_text_that_gives_it_back(value: Fraction) -> None:
    text = format_number(value)
    assert Fraction(text) == value
    assert TypeAdapter(Exact).validate_python(text) == text
    assert ("/" in text) == (set(prime_factors(value.denominator)) - {2, 5} != set())


def prime_factors(number: int) -> list[int]:
    rest, found = number, list[int]()
    for prime in (2, 5):
        while rest % prime == 0:
            rest, found = rest // prime, [*found, prime]
    return found if rest == 1 else [*found, rest]


@given(st.fractions(), st.fractions())
def test_equal_values_have_equal_texts_and_others_do_not(one: Fraction, other: Fraction) -> None:
    assert (format_number(one) == format_number(other)) == (one == other)


def test_a_mean_of_many_ratios_can_still_be_written() -> None:
    """What 300 ratios to targets of 18 digits add up to; such a sum stands in an assessment."""
    draw = random.Random(1)
    total = sum((Fraction(1, draw.randrange(10**17, 10**18) | 1) for _ in range(300)), Fraction(0))
    assert "/" in format_number(total)


@given(st.integers(-(10**9), 10**9), st.integers(0, 18))
def test_a_value_is_written_with_the_places_asked_for(scaled: int, places: int) -> None:
    text = format_places(Fraction(scaled, 10**places), places)
    assert Fraction(text) == Fraction(scaled, 10**places)
    assert len(text.partition(".")[2]) == places
    assert not (scaled == 0 and text.startswith("-"))


def test_a_value_with_more_places_is_not_rounded_in_silence() -> None:
    with pytest.raises(ValueError, match="237/20 has more than 1 places; round it before it is written"):
        format_places(Fraction("11.85"), 1)
