"""The header as the W3C writes it; anything else is no trace, and no error."""

from __future__ import annotations

import pytest

from events.traceparent import Span, parse, span_of

TEXT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_what_is_read_is_written_again() -> None:
    span = parse(TEXT)
    assert span == Span("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01")
    assert span is not None
    assert span.header() == ("traceparent", TEXT)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1",
        TEXT + b"-extra",
        TEXT.upper(),
        b"01" + TEXT[2:],
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
        b"\xff" * 55,
    ],
)
def test_whatever_else_stands_there_is_no_trace(text: bytes) -> None:
    assert parse(text) is None


def test_a_record_has_a_trace_when_it_says_one_once() -> None:
    assert span_of([("content-type", b"x"), ("Traceparent", TEXT)]) == parse(TEXT)
    assert span_of([("content-type", b"x")]) is None
    assert span_of([("traceparent", TEXT), ("traceparent", TEXT)]) is None
