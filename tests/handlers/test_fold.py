"""Folding: anywhere the log is cut, stored and taken up again, what is known is the same as had it never been put away."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import Tampered
from events.record import TOPICS
from handlers.fold import Folder, fold
from handlers.state import State
from tests.handlers.test_order import arrival, fed, played, queues
from tests.support import small
from tests.support.log import DEPLOYMENT, Log, folded


@cache
def tangled(seed: int) -> Log:
    """The history of `test_order`, its topics shuffled."""
    return fed(arrival(Random(seed).choices(TOPICS, k=400)))


def looked_at(state: State) -> State:
    """What a reader knows that only looks and decides: nothing of identities and of what pends."""
    return replace(state, seen={}, waiting={}, waits={}, claims={}, places={})


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20), st.floats(0, 1))
def test_a_log_folded_in_two_parts_is_the_log_folded_at_once(seed: int, share: float) -> None:
    entries = tangled(seed).stored
    cut = round(len(entries) * share)
    folder = Folder(small.PROGRAMME)
    for stored in entries[:cut]:
        folder.apply(stored)
    assert folder.state == fold(small.PROGRAMME, entries[:cut])
    for stored in entries[cut:]:
        folder.apply(stored)
    assert folder.state == fold(small.PROGRAMME, entries) == looked_at(tangled(seed).state)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 110))
def test_a_recorder_that_starts_again_anywhere_knows_what_it_knew(seed: int, stop: int) -> None:
    """What pends is judged again at a restart: it must still pend, and wait for the same."""
    records = arrival(Random(seed).choices(TOPICS, k=400))
    before = fed(records[:stop])
    restored = folded(before.stored, judging=True)
    assert restored == before.state
    after = Log(restored, [*before.stored], [*before.records], dict(before.commitments), [*before.decisions])
    for record in records[stop:]:
        after.feed(record)
    assert after.state == fed(records).state


@pytest.mark.parametrize("topic", TOPICS)
def test_a_recorder_may_start_again_after_every_single_record(topic: str) -> None:
    others = [record for name in TOPICS if name != topic for record in queues()[name]]
    log = Log()
    for record in [*queues()[topic], *others]:
        log.feed(record)
        assert folded(log.stored, judging=True) == log.state


def test_a_topic_sent_twice_adds_duplicates_and_refusals_and_changes_nothing_that_counts() -> None:
    log = fed(played().records)
    known = fold(small.PROGRAMME, log.stored)
    outcomes = log.outcomes()
    ends = {topic: len(records) for topic, records in queues().items()}
    for record in played().records:
        again = replace(record, offset=record.offset + ends[record.topic])
        (draft,) = log.feed(again)
        verdict, _ = outcomes[record.topic, record.offset]
        assert type(draft.verdict).__name__.lower() in (
            {"duplicate"} if verdict == "accepted" else {"duplicate", "refusal"}
        )
    after = fold(small.PROGRAMME, log.stored)
    assert replace(after, size=known.size) == known


def test_an_entry_that_does_not_follow_the_one_before_stops_the_fold() -> None:
    with pytest.raises(Tampered, match="entry 1 follows entry -1"):
        fold(small.PROGRAMME, played().stored[1:])


def test_an_accepted_entry_without_its_record_stops_the_fold() -> None:
    first = replace(played().stored[0], opening=None)
    with pytest.raises(Tampered, match="record is not there"):
        fold(small.PROGRAMME, [first])


def test_an_entry_that_claims_to_pend_and_by_the_log_does_not_stops_the_recorder() -> None:
    log = Log()
    log.tell(small.announced(), *small.beginnings())
    entry = log.stored[-1].entry.replace(b'"accepted"', b'"pending"')
    forged = [*log.stored[:-1], replace(log.stored[-1], entry=entry)]
    folder = Folder(small.PROGRAMME, judging=True)
    for stored in forged:
        folder.apply(stored)
    with pytest.raises(Tampered, match="by the log itself"):
        folder.finish(DEPLOYMENT)
