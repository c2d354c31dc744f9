"""The limits of a key, in whole numbers and without a clock."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.web.limits import MINUTE_MS, UNDER_WAY_MAX, UNDER_WAY_OF_ONE_MAX, Bucket, Limits
from console.web.problems import Problem
from infra.api_key import ApiKey, Scope


def key(name: str = "a", per_minute: int = 60, burst: int = 10) -> ApiKey:
    return ApiKey(name, "", b"", Scope(("urn:x",), ("*",), ("*",)), per_minute, burst, 0)


def bucket(per_minute: int, burst: int) -> Bucket:
    return Bucket(per_minute, burst, burst * MINUTE_MS, 0)


@given(
    st.integers(1, 10_000),
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 50)), max_size=50),
)
def test_no_more_passes_than_burst_and_rate_allow(per_minute: int, burst: int, asked: list[tuple[int, int]]) -> None:
    held, now, passed = bucket(per_minute, burst), 0, 0
    for pause, events in asked:
        now += pause
        if held.take(events, now) == 0:
            passed += events
        assert passed * MINUTE_MS <= burst * MINUTE_MS + now * per_minute
        assert 0 <= held.left <= burst


@given(st.integers(1, 10_000), st.integers(1, 100), st.integers(0, 100_000))
def test_after_the_wait_that_is_told_it_passes_and_not_before(per_minute: int, burst: int, at: int) -> None:
    held = bucket(per_minute, burst)
    assert held.take(burst, at) == 0
    wait = held.take(burst, at)
    assert wait > 0
    assert held.take(burst, at + wait - 1) == 1
    assert held.take(burst, at + wait) == 0


def test_a_clock_that_steps_back_gives_nothing() -> None:
    held = bucket(60, 1)
    assert held.take(1, 10_000) == 0
    assert held.take(1, 0) > 0
    assert held.take(1, 10_500) == 500


def test_keys_do_not_share_a_bucket() -> None:
    limits = Limits()
    limits.charge(key("a", burst=1), 1, 0)
    limits.charge(key("b", burst=1), 1, 0)
    with pytest.raises(Problem, match="60 events a minute, 1 at once; 1 more can be sent in 1 s"):
        limits.charge(key("a", burst=1), 1, 0)


def test_requests_under_way_are_counted_by_key_and_in_all() -> None:
    limits = Limits()
    with ExitStack() as stack:
        for number in range(UNDER_WAY_MAX):
            stack.enter_context(limits.under_way(str(number // UNDER_WAY_OF_ONE_MAX)))
        for name, code in (("0", "too-many-requests"), ("fresh", "busy")):
            with pytest.raises(Problem) as raised, limits.under_way(name):
                pass
            assert raised.value.kind.code == code
            assert raised.value.headers["retry-after"] == "1"
    with limits.under_way("0"):
        pass
