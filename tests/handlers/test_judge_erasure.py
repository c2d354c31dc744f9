"""What may be erased, and when: by what stands before the erasure, whatever is read first."""

from __future__ import annotations

import pytest

from events.envelope import Envelope, decode
from events.record import TOPICS
from tests.spec import given
from tests.support import small
from tests.support.erasing import AFTER, erasure
from tests.support.log import PARTITION, Log, record_of
from tests.support.rooted import RootedLog
from tests.support.told import ANN, correction, mark

DAY = small.DAY


def place(log: Log, event_id: str) -> tuple[str, int, int]:
    """Where the first record with this event id stands."""
    record = next(record for record in log.records if decode(record.value).id == event_id)
    return record.topic, record.partition, record.offset


def decided(*, finished: bool) -> RootedLog:
    """The small programme, to its decision or to its conclusion."""
    log = RootedLog()
    log.tell(small.announced(), *small.beginnings())
    log.progress(small.OPENS + 1)
    log.tell(*small.submissions())
    log.progress(small.DEADLINES["submissions"] + 1)
    log.tell(*small.scores(), small.finding(), small.rebuttal())
    log.progress(small.DEADLINES["audits"] + 1)
    log.tell(small.ruling())
    log.progress(small.OPENS + 22 * DAY)
    if finished:
        decision = log.state.phases["heat"].decision
        assert decision is not None
        log.tell(small.signature(decision.fact.event.id))
        log.progress(small.OPENS + 33 * DAY + 1)
        assert log.state.concluded is not None
    return log


THE_MARK = small.scores()[0].id


@pytest.mark.parametrize("event_id", [THE_MARK, "register-ash", "submit-ash", small.finding().id, small.ruling().id])
def test_whatever_people_said_can_be_erased_at_the_end(event_id: str) -> None:
    log = decided(finished=True)
    given(on=log).when(erasure(place(log, event_id))).accepted()


@pytest.mark.parametrize("event_id", [THE_MARK, "submit-ash", "register-ash", small.finding().id])
def test_nothing_that_a_phase_has_read_is_erased_before_it_is_final(event_id: str) -> None:
    log = decided(finished=False)
    said = erasure(place(log, event_id), at_ms=small.OPENS + 23 * DAY)
    given(on=log).when(said).refused("illegal-transition", "heat|not concluded")


@pytest.mark.parametrize("event_id", ["announced", "appoint-ann"])
def test_what_the_office_said_is_never_erased(event_id: str) -> None:
    log = decided(finished=True)
    given(on=log).when(erasure(place(log, event_id))).refused("not-eligible", "never erased")


@pytest.mark.parametrize("topic", TOPICS)
def test_a_marker_is_never_erased(topic: str) -> None:
    log = decided(finished=True)
    marker = next(
        record for record in log.records if record.topic == topic and b"intake.marked" in (record.value or b"")
    )
    said = erasure((marker.topic, marker.partition, marker.offset))
    given(on=log).when(said).refused("not-eligible")


def test_an_erasure_is_never_erased() -> None:
    log = decided(finished=True)
    then = given(on=log).when(erasure(place(log, THE_MARK))).accepted()
    then.when(erasure(place(log, "erase-1"), event_id="erase-2")).refused("not-eligible")


def test_a_refused_record_can_be_erased_at_once() -> None:
    log = decided(finished=False)
    then = given(on=log).when(mark("odd", ANN, small.OPENS + 23 * DAY, "ash", "ann", "4000")).refused("out-of-range")
    then.when(erasure(place(log, "odd"), at_ms=small.OPENS + 24 * DAY)).accepted()


def test_a_repeat_can_be_erased_before_what_it_repeats() -> None:
    log = decided(finished=False)
    then = given(on=log).when(small.scores()[0]).duplicate()
    topic, partition, _ = place(log, THE_MARK)
    last = log.records[-1].offset
    then.when(erasure((topic, partition, last), at_ms=small.OPENS + 24 * DAY)).accepted()


def test_a_position_that_is_not_read_yet_is_waited_for_also_after_the_conclusion() -> None:
    log = decided(finished=True)
    offset = sum(record.topic == "scores" for record in log.records)
    waits = given(on=log).when(erasure(("scores", PARTITION, offset))).pending("record")
    late = correction("late", ANN, AFTER + 1, "score-unknown", "1")
    drafts = log.tell(late)
    assert [draft.of is None for draft in drafts] == [True, False]
    assert type(drafts[1].verdict).__name__ == "Accepted"
    assert waits.log.state.erased.keys() == {("scores", PARTITION, offset)}


def test_a_position_that_is_not_this_programmes_is_refused_once_it_is_passed() -> None:
    log = decided(finished=True)
    offset = sum(record.topic == "scores" for record in log.records)
    given(on=log).when(erasure(("scores", PARTITION, offset))).pending("record")
    record = record_of(correction("late", ANN, AFTER + 1, "score-unknown", "1"))
    record.offset = offset + 1
    drafts = log.feed(record)
    assert "unknown-reference" in str(drafts[1].verdict)


def test_a_position_that_was_passed_is_refused_at_once() -> None:
    log = decided(finished=True)
    record = record_of(correction("late", ANN, AFTER + 1, "score-unknown", "1"))
    record.offset = 10_000
    log.feed(record)
    given(on=log).when(erasure(("scores", PARTITION, 9_999))).refused("unknown-reference")


def test_its_own_position_and_those_behind_it_are_refused() -> None:
    log = decided(finished=True)
    offset = sum(record.topic == "decisions" for record in log.records)
    given(on=log).when(erasure(("decisions", PARTITION, offset))).refused("unknown-reference")


def test_a_record_that_pends_is_waited_for() -> None:
    log = Log()
    log.tell(small.announced(), *small.beginnings())
    early = mark("early", ANN, small.OPENS - DAY, "ash", "ann")
    then = given(on=log).when(early).pending("phase")
    then.when(erasure(place(log, "early"), at_ms=small.OPENS - DAY + 5)).pending("record")
    drafts = log.progress(small.OPENS + 1)
    assert drafts
    assert log.state.erased.keys() == {place(log, "early")}  # It came too early, and no phase has read it.


@pytest.mark.parametrize("said", [
    erasure(("scores", PARTITION, 0), ("scores", PARTITION, 0)),
    erasure(("scores", PARTITION, 0), event_id="none", grounds=""),
    erasure(event_id="empty"),
])  # fmt: skip
def test_what_names_nothing_or_a_record_twice_is_refused(said: Envelope) -> None:
    given(on=decided(finished=True)).when(said).refused("schema-invalid")


def test_nobody_but_the_office_erases() -> None:
    log = decided(finished=True)
    said = erasure(place(log, THE_MARK))
    given(on=log).when(record_of(said, signed=False)).refused("signature-missing")


def test_a_later_erasure_of_the_same_record_waits_behind_an_earlier_one() -> None:
    log = decided(finished=True)
    offset = sum(record.topic == "scores" for record in log.records)
    then = given(on=log).when(erasure(("scores", PARTITION, offset))).pending("record")
    then.when(erasure(("scores", PARTITION, offset), event_id="erase-2")).pending("behind")
    drafts = log.tell(correction("late", ANN, AFTER + 1, "score-unknown", "1"))
    assert [getattr(draft.verdict, "reason", "accepted") for draft in drafts[1:]] == ["accepted", "illegal-transition"]
