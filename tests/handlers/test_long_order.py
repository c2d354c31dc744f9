"""A whole life in any order of its topics: the same verdicts, and the same decisions but for their basis.

Excepted is what only an amendment brings: rules and sources count from its recording on, so what needs them must come
after it in the log. Here the amended rules of the finale change nothing that a record of another topic is judged by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import permutations
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.envelope import encode
from events.record import TOPICS, Record
from tests.support.erased_history import played
from tests.support.log import Log, folded


@cache
def queues() -> dict[str, list[Record]]:
    return {topic: [record for record in played().records if record.topic == topic] for topic in TOPICS}


@cache
def expected() -> tuple[dict[tuple[str, int], tuple[str, str | None]], list[bytes]]:
    return played().outcomes(), [encode(event) for event in played().decisions]


def arrival(turns: Iterable[str]) -> list[Record]:
    """The records in the order in which `turns` names their topics; what is left at the end comes topic by topic."""
    left = {topic: iter(records) for topic, records in queues().items()}
    order = [record for topic in turns if (record := next(left[topic], None)) is not None]
    return order + [record for records in left.values() for record in records]


def check_same(records: Sequence[Record]) -> None:
    log = Log()
    for record in records:
        log.feed(record)
    outcomes, decisions = expected()
    found = log.outcomes()
    assert {at: (found[at], row) for at, row in outcomes.items() if found[at] != row} == {}
    assert sorted(encode(event) for event in log.decisions) == sorted(decisions)
    assert folded(log.stored, judging=True) == log.state


def test_the_history_holds_what_may_happen_and_replays() -> None:
    log = played()
    kinds = Counter(row for row in log.outcomes().values())
    assert {reason for _, reason in kinds} >= {
        "late", "too-early", "unknown-reference", "not-eligible", "illegal-transition", "out-of-range", "self-approval",
        "phase-closed",
    }  # fmt: skip
    assert log.outcome() == {"ash": "withdrawn", "birch": "advanced", "cedar": "eliminated"}
    assert log.outcome("again") == {"dogwood": "advanced", "elm": "eliminated"}
    assert log.state.concluded is not None
    assert not log.state.waiting
    assert [row.number for row in log.state.phases["heat"].decisions.values()] == [1, 2, 3, 4]
    report = log.replay()
    assert report.is_identical, report.first_difference


@pytest.mark.parametrize("order", list(permutations(TOPICS)), ids="-".join)
def test_topics_that_arrive_whole_one_after_the_other_give_the_same(order: tuple[str, ...]) -> None:
    check_same([record for topic in order for record in queues()[topic]])


@pytest.mark.parametrize("early", TOPICS)
@pytest.mark.parametrize("part", range(1, 9))
def test_a_topic_that_runs_ahead_gives_the_same(early: str, part: int) -> None:
    natural = [record.topic for record in played().records]
    check_same(arrival([early] * (len(queues()[early]) * part // 9) + natural))


@pytest.mark.parametrize("late", TOPICS)
@pytest.mark.parametrize("lag", [3, 10, 40, 100])
def test_a_topic_that_lags_behind_gives_the_same(late: str, lag: int) -> None:
    natural = [record.topic for record in played().records]
    ahead = [topic for topic in natural if topic != late]
    turns = ahead[:lag]
    for topic in ahead[lag:]:
        turns += [topic, late]
    check_same(arrival(turns))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(TOPICS), max_size=300))
def test_any_interleaving_gives_the_same(turns: list[str]) -> None:
    check_same(arrival(turns))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.lists(st.integers(1, 30), min_size=4, max_size=4))
def test_any_speeds_of_the_topics_give_the_same(seed: int, speeds: list[int]) -> None:
    check_same(arrival(Random(seed).choices(TOPICS, speeds, k=600)))
