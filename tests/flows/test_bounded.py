"""Whoever asks is answered in time, by whatever came of it."""

from __future__ import annotations

import threading

import pytest

from events.errors import Refused, Unavailable
from flows.bounded import within


def test_what_does_not_answer_in_time_is_unavailable() -> None:
    never = threading.Event()
    with pytest.raises(Unavailable, match=r"the database did not answer within 0\.05 s"):
        within(0.05, "the database", never.wait)
    never.set()


def test_an_answer_and_an_error_come_through_as_they_are() -> None:
    def refuses() -> None:
        raise Refused("a rule said no")

    def times_out() -> None:
        raise TimeoutError("its own")

    assert within(60, "x", lambda: 7) == 7
    with pytest.raises(Refused, match="a rule said no"):
        within(60, "x", refuses)
    with pytest.raises(TimeoutError, match="its own"):
        within(60, "x", times_out)
