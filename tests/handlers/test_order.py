"""The order in which the topics arrive changes nothing: same accepted records, same refusals, same decision (EVENTS)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import permutations
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.envelope import Envelope, encode
from events.record import TOPICS, Record
from events.values import format_instant
from handlers import decide
from tests.support import small
from tests.support.log import Log, folded, record_of
from tests.support.told import ANN, BEN, BENCH, answered, correction, entered, found, handed_in, mark, ruled

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES


def before_opening() -> list[Envelope]:
    start = OPENS - 30 * DAY
    return [
        entered("register-dog", "entrant.registered", "dogwood", start, name="dogwood", members=[]),
        entered("register-elm", "entrant.registered", "elm", start, name="elm", members=[]),
        entered("register-elm-again", "entrant.registered", "elm", start + 1, name="another", members=[]),
        entered("withdraw-elm", "entrant.withdrawn", "elm", start + 2, reason="before the phase"),
        entered("withdraw-nobody", "entrant.withdrawn", "fir", start + 3, reason="never was"),
        handed_in("too-early", "cedar", OPENS - DAY),
        mark("mark-too-early", ANN, OPENS - DAY, "dogwood", "ann"),
        mark("score-ash-art-ann", BEN, OPENS - DAY, "ash", "ben", "1"),
    ]


def while_submissions_are_open() -> list[Envelope | Record]:
    at = OPENS + 5 * DAY
    ash, birch, cedar = small.submissions()
    return [
        record_of(handed_in("too-early", "cedar", OPENS - DAY), at=at),
        cedar,
        ash,
        birch,
        ash,
        handed_in("submit-ash", "ash", at + 1, supersedes="submit-ash"),
        handed_in("cedar-again", "cedar", at + 2),
        handed_in("cedar-better", "cedar", at + 3, supersedes="too-early"),
        handed_in("cedar-fork", "cedar", at + 4, supersedes="too-early"),
        handed_in("elm-out", "ash", at + 5, entrant="elm"),
        answered("answer-to-nothing", "no-such-finding", "birch", at + 6),
        answered("submit-birch", "no-such-finding", "ash", at + 6),
        entered("withdraw-dog", "entrant.withdrawn", "dogwood", at + 7, reason="in time"),
        entered("register-late", "entrant.registered", "hazel", at + 8, name="hazel", members=[]),
    ]


def while_scores_are_open() -> list[Envelope | Record]:
    at = OPENS + 15 * DAY
    return [
        mark("mark-cy-1", BENCH, at, "ash", "cy", "70", item="speed"),
        mark("mark-cy-1", BENCH, at, "birch", "cy", "70", item="speed"),
        *small.scores(),
        small.scores()[0],
        record_of(mark("mark-too-early", ANN, OPENS - DAY, "dogwood", "ann"), at=at),
        mark("second", BENCH, at + 1, "ash", "bench", "1", item="speed"),
        mark("elm-marked", ANN, at + 1, "elm", "ann"),
        mark("fir-marked", ANN, at + 1, "fir", "ann"),
        mark("hazel-marked", ANN, at + 1, "hazel", "ann"),
        mark("too-high", ANN, at + 1, "ash", "ann", "41"),
        correction("fix-1", ANN, at + 2, "score-birch-art-ann", "36"),
        correction("fix-2", ANN, at + 3, "score-birch-art-ann", "34.5"),
        correction("fix-3", BEN, at + 3, "score-birch-art-ann", "1"),
        correction("fix-4", ANN, at + 3, "score-unknown", "1"),
        correction("fix-1", ANN, at + 4, "score-cedar-art-ann", "20"),
        correction("fix-cy", BENCH, at + 4, "mark-cy-1", "10"),
        mark("cy-speed", BENCH, at + 5, "birch", "cy", "60", item="speed"),
        *(
            mark(f"dee-{team}-{item}", BENCH, at + 6, team, "dee", "50", item=item)
            for team in small.TEAMS
            for item in ("speed", "size")
        ),
        mark("dee-ash-speed-again", BENCH, at + 7, "ash", "dee", "99", item="speed"),
        correction("fix-dee", BENCH, at + 8, "dee-ash-speed", "55"),
        found("find-birch", "birch", at),
        found("find-cedar", "cedar", at, "policy"),
        found("find-ash", "ash", at),
        found("find-ash-met", "ash", at, "policy", "met"),
        found("find-elm", "elm", at),
        found("find-odd-count", "ash", at, "weather"),
        answered("answer-birch", "find-birch", "birch", at + DAY),
        answered("answer-birch-again", "find-birch", "birch", at + DAY + 1),
        answered("answer-wrong", "find-birch", "ash", at + DAY),
        ruled("rule-birch-0", "find-birch", at + DAY - 5, "met"),
        ruled("rule-birch-1", "find-birch", at + DAY + 5, "met"),
        ruled("rule-birch-2", "find-birch", at + 4 * DAY, "not-met"),
        ruled("rule-ash-early", "find-ash", at + DAY, "not-met"),
        ruled("rule-ash", "find-ash", at + 4 * DAY, "met"),
        ruled("rule-met", "find-ash-met", at + 4 * DAY, "not-met"),
        ruled("rule-nothing", "no-such-finding", at + 4 * DAY, "met"),
    ]


def after_the_deadline_of_scores() -> list[Envelope]:
    at = DEADLINES["scores"] + 1000
    return [
        mark("late", ANN, at, "ash", "ann", "40"),
        mark("late-gus", small.OFFICE, at, "ash", "gus", "40"),
        correction("late-fix", ANN, at, "score-ash-art-ann", "40"),
        correction("late-of-late", ANN, at, "late", "39"),
        found("find-last", "cedar", DEADLINES["audits"] - 1000),
        answered("answer-last", "find-last", "cedar", DEADLINES["audits"] + DAY // 2),
    ]


def after_the_intake() -> list[Envelope]:
    at = DEADLINES["audits"] + DAY
    return [
        found("find-late", "ash", at),
        entered("withdraw-cedar", "entrant.withdrawn", "cedar", at, reason="after the markers"),
        ruled("rule-last-1", "find-last", at, "met"),
        ruled("rule-last-2", "find-last", at + 4 * DAY, "not-met"),
        ruled("rule-cedar-1", "find-cedar", at + 4 * DAY, "met"),
        ruled("rule-cedar-2", "find-cedar", at + 4 * DAY + 1, "not-met"),
    ]


@cache
def played() -> Log:
    """The small programme with everything in it that is out of rule, decisions included, as it might first be recorded."""
    log = Log()
    log.tell(small.announced(), *small.beginnings(), *before_opening())
    appoint = small.event(
        "evaluator.appointed", "appoint-dee", small.OFFICE, OPENS + DAY, evaluator="dee", panel="bench"
    )
    log.progress(OPENS + 1)
    log.tell(appoint, *while_submissions_are_open())
    log.progress(DEADLINES["submissions"] + 1)
    log.tell(*while_scores_are_open())
    log.progress(DEADLINES["submissions"] + 8 * DAY)
    late = after_the_deadline_of_scores()
    log.tell(*(event for event in late if event.time < format_instant(DEADLINES["audits"])))
    log.tell(
        small.event(
            "evaluator.appointed", "appoint-gus", small.OFFICE, DEADLINES["scores"] + 5, evaluator="gus", panel="jury"
        )
    )
    log.progress(DEADLINES["scores"] + DAY // 2)
    log.progress(DEADLINES["audits"] + 1)
    log.tell(*(event for event in late if event.time >= format_instant(DEADLINES["audits"])), *after_the_intake())
    log.progress(DEADLINES["audits"] + 6 * DAY)
    log.tell(small.signature("no-such-decision", at_ms=OPENS + 30 * DAY))
    log.tell(small.signature(decide.decision_id(small.PROGRAMME, "heat"), at_ms=OPENS + 30 * DAY))
    log.progress(OPENS + 41 * DAY)
    log.tell(entered("withdraw-ash", "entrant.withdrawn", "ash", OPENS + 42 * DAY, reason="after all"))
    log.tell(
        ruled("rule-too-late", "find-cedar", OPENS + 42 * DAY, "met"), found("find-too-late", "ash", OPENS + 42 * DAY)
    )
    return log


@cache
def queues() -> dict[str, list[Record]]:
    return {topic: [record for record in played().records if record.topic == topic] for topic in TOPICS}


def arrival(turns: Iterable[str]) -> list[Record]:
    """The records in the order in which `turns` names their topics; what is left at the end comes topic by topic."""
    left = {topic: iter(records) for topic, records in queues().items()}
    order = [record for topic in turns if (record := next(left[topic], None)) is not None]
    return order + [record for records in left.values() for record in records]


def fed(records: Sequence[Record]) -> Log:
    log = Log()
    for record in records:
        log.feed(record)
    return log


def check_same(log: Log) -> None:
    """The same outcome of every record, and the same decision, as when it was first recorded."""
    expected = played()
    assert {at: row for at, row in log.outcomes().items() if expected.outcomes()[at] != row} == {}
    assert [encode(event) for event in log.decisions] == [encode(event) for event in expected.decisions]
    assert folded(log.stored, judging=True) == log.state


def test_the_history_has_every_kind_of_outcome_and_ends_final() -> None:
    kinds = Counter(row for row in played().outcomes().values())
    assert {verdict for verdict, _ in kinds} == {"accepted", "refused", "duplicate"}
    assert {reason for _, reason in kinds} >= {
        "late", "too-early", "already-scored", "unknown-evaluator", "unknown-reference", "unknown-entrant", "id-reused",
        "not-eligible", "illegal-transition", "out-of-range", "unknown-criterion", "source-not-authorised",
    }  # fmt: skip
    assert played().state.status("heat") == "final"
    assert not played().state.waiting


@pytest.mark.parametrize("order", list(permutations(TOPICS)), ids="-".join)
def test_topics_that_arrive_whole_one_after_the_other_give_the_same(order: tuple[str, ...]) -> None:
    check_same(fed([record for topic in order for record in queues()[topic]]))


@pytest.mark.parametrize("delayed", TOPICS)
@pytest.mark.parametrize("lag", [1, 3, 10, 40])
def test_a_topic_that_lags_behind_gives_the_same(delayed: str, lag: int) -> None:
    natural = [record.topic for record in played().records]
    ahead = [topic for topic in natural if topic != delayed]
    behind = [delayed] * (len(natural) - len(ahead))
    turns = ahead[:lag]
    for topic in ahead[lag:]:
        turns += [topic, *behind[:1]]
        behind = behind[1:]
    check_same(fed(arrival(turns)))


@pytest.mark.parametrize("early", TOPICS)
def test_a_topic_that_runs_ahead_by_any_number_gives_the_same(early: str) -> None:
    natural = [record.topic for record in played().records]
    for ahead in range(1, natural.count(early) + 1):
        check_same(fed(arrival([early] * ahead + natural)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(TOPICS), min_size=0, max_size=160))
def test_any_interleaving_gives_the_same(turns: list[str]) -> None:
    check_same(fed(arrival(turns)))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 20), min_size=4, max_size=4))
def test_any_speeds_of_the_topics_give_the_same(seed: int, speeds: list[int]) -> None:
    dice = Random(seed)
    check_same(fed(arrival(dice.choices(TOPICS, speeds, k=400))))
