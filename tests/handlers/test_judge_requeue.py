"""Sending a refused record again: what is put on record about it, and that the record itself is judged like any other."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from events.envelope import decode
from tests.spec import given
from tests.support import small
from tests.support.erasing import erasure
from tests.support.log import PARTITION, Log, folded, record_of
from tests.support.requeueing import AT, MARK, Place, misshapen, requeue
from tests.support.rooted import RootedLog
from tests.support.told import ANN, mark

DAY = small.DAY


def opened() -> RootedLog:
    log = RootedLog()
    log.tell(small.announced(), *small.beginnings())
    log.progress(small.OPENS + 1)
    log.tell(*small.submissions())
    log.progress(small.DEADLINES["submissions"] + 1)
    return log


def refused() -> tuple[RootedLog, Place]:
    log = opened()
    (draft,) = log.tell(misshapen())
    assert "schema-invalid" in str(draft.verdict)
    return log, ("scores", PARTITION, draft.record.offset)


def test_that_a_refused_record_is_sent_again_is_put_on_record() -> None:
    log, place = refused()
    given(on=log).when(requeue(place)).accepted()
    (only,) = log.state.requeued.items()
    assert (only[0], only[1].as_id) == (place, MARK.id)


def test_the_corrected_record_under_the_same_id_is_accepted_and_counts() -> None:
    log, place = refused()
    log.tell(requeue(place))
    given(on=log).when(MARK).accepted()
    assert log.state.phases["heat"].marks["ash", "bench", "speed", "bench"].ids == (MARK.id,)
    assert log.replay().is_identical
    assert folded(log.stored, judging=True) == log.state


def test_the_same_bytes_sent_again_are_judged_anew_and_refused_again() -> None:
    log, place = refused()
    log.tell(requeue(place))
    given(on=log).when(misshapen()).refused("schema-invalid")


def test_a_record_that_was_late_stays_late_when_it_is_sent_again() -> None:
    log = opened()
    log.progress(small.DEADLINES["scores"] + 1)
    late = mark("late", ANN, small.DEADLINES["scores"] + DAY // 2, "ash", "ann")
    (draft,) = log.tell(late)
    assert "late" in str(draft.verdict)
    again = requeue(("scores", PARTITION, draft.record.offset), as_id="late", at_ms=small.DEADLINES["scores"] + DAY)
    given(on=log).when(again).accepted()
    given(on=log).when(record_of(late, at=small.DEADLINES["scores"] + DAY)).refused("late")


def test_a_record_is_sent_again_once_and_what_it_was_sent_as_in_its_turn() -> None:
    log, place = refused()
    log.tell(requeue(place))
    given(on=log).when(requeue(place, "requeue-2")).refused(
        "illegal-transition", "sent again as score-ash-speed-bench already"
    )
    log.tell(misshapen())
    given(on=log).when(requeue(("scores", PARTITION, place[2] + 1), "requeue-3")).accepted()


@pytest.mark.parametrize("repeated", [False, True])
def test_what_was_not_refused_is_not_sent_again(repeated: bool) -> None:
    log = opened()
    drafts = log.tell(*[MARK] * (2 if repeated else 1))
    place = ("scores", PARTITION, drafts[-1].record.offset)
    given(on=log).when(requeue(place)).refused("illegal-transition", "was not refused")


def test_a_position_of_nobody_is_refused_and_one_not_read_yet_is_waited_for() -> None:
    log, place = refused()
    offset = sum(record.topic == "decisions" for record in log.records)
    given(on=log).when(requeue(("decisions", PARTITION, offset))).refused("unknown-reference")
    given(on=log).when(requeue(("scores", PARTITION, place[2] + 1), "requeue-2")).pending("record")
    drafts = log.tell(misshapen())
    assert [type(draft.verdict).__name__ for draft in drafts] == ["Refusal", "Accepted"]


def test_a_record_that_pends_is_waited_for() -> None:
    log = Log()
    log.tell(small.announced(), *small.beginnings())
    early = mark("early", ANN, small.OPENS - DAY, "ash", "ann")
    (draft,) = log.tell(early)
    place = ("scores", PARTITION, draft.record.offset)
    given(on=log).when(requeue(place, as_id="early", at_ms=small.OPENS - DAY + 5)).pending("record")
    log.progress(small.OPENS + 1)
    assert log.state.requeued.keys() == {place}  # It came too early.


def test_a_second_one_of_the_same_record_waits_behind_the_first() -> None:
    log, place = refused()
    ahead = ("scores", PARTITION, place[2] + 1)
    given(on=log).when(requeue(ahead)).pending("record")
    given(on=log).when(requeue(ahead, "requeue-2")).pending("behind")
    drafts = log.tell(misshapen())
    assert [getattr(draft.verdict, "reason", "accepted") for draft in drafts[1:]] == ["accepted", "illegal-transition"]


def test_nobody_but_the_office_says_it() -> None:
    log, place = refused()
    given(on=log).when(record_of(requeue(place), signed=False)).refused("signature-missing")
    by_jury = replace(requeue(place), source=ANN)
    given(on=log).when(record_of(by_jury, signed=True)).refused("source-not-authorised")


def test_it_needs_a_reason() -> None:
    log, place = refused()
    said = requeue(place)
    said.data["reason"] = ""
    given(on=log).when(said).refused("schema-invalid", "reason")


def test_a_refused_record_can_be_erased_also_when_it_was_sent_again() -> None:
    log, place = refused()
    log.tell(requeue(place), MARK)
    given(on=log).when(erasure(place, at_ms=AT + DAY)).accepted()


def test_the_topics_may_be_read_in_any_order() -> None:
    log, place = refused()
    log.tell(requeue(place), MARK, requeue(place, "requeue-2"))
    for order in permutations(("submissions", "scores", "audits", "decisions")):
        again = Log()
        for record in sorted(log.records, key=lambda record: order.index(record.topic)):
            again.feed(record)
        assert again.outcomes() == log.outcomes()
        assert again.state.requeued.keys() == {place}


def test_what_is_said_twice_is_a_duplicate() -> None:
    log, place = refused()
    log.tell(requeue(place))
    given(on=log).when(requeue(place)).duplicate()
    assert decode(log.records[-1].value).id == "requeue-1"
