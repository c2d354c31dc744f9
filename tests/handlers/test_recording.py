"""What the ledger gets for a record, and when what pends is settled: once, for good, in the order of receipt."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from events.entry import Entry, decode_entry
from events.errors import Tampered
from handlers.recording import Draft, members_of, record_one
from handlers.verdicts import Refusal
from tests.handlers.test_order import played
from tests.spec import given
from tests.support import small
from tests.support.log import DEPLOYMENT, Log, record_of
from tests.support.stages import at
from tests.support.told import ANN, answered, correction, entered, found, handed_in, mark, ruled

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES
NOW = OPENS + 15 * DAY


def test_before_the_announcement_everything_waits_for_it_and_is_settled_in_the_order_of_receipt() -> None:
    log = Log()
    log.tell(*small.beginnings(), entered("w", "entrant.withdrawn", "ash", OPENS - 41 * DAY, reason="no"))
    log.tell(mark("m", "urn:nobody", NOW, "ash", "ann"))
    settles = {event.id: "accepted" for event in small.beginnings()} | {"w": "accepted", "m": "source-not-authorised"}
    given(on=log).when(small.announced()).accepted(settles=settles)


def test_a_chain_of_waiting_is_settled_in_one_go() -> None:
    """The appointment lets the first mark in, that refuses the second and lets its correction in."""
    waiting = given(
        mark("m1", small.OFFICE, NOW, "ash", "cy", "1"),
        mark("m2", small.OFFICE, NOW, "ash", "cy", "2"),
        correction("c1", small.OFFICE, NOW, "m1", "3"),
        correction("c2", small.OFFICE, NOW, "m2", "4"),
        on=at("submitted"),
    )
    appointed = small.event("evaluator.appointed", "cy", small.OFFICE, NOW, evaluator="cy", panel="jury")
    waiting.when(appointed).accepted(
        settles={"m1": "accepted", "m2": "already-scored", "c1": "accepted", "c2": "unknown-reference"}
    )


def test_a_repeat_of_a_pending_record_waits_and_is_a_duplicate_when_that_is_accepted() -> None:
    told = handed_in("s", "ash", OPENS + DAY)
    waiting = given(told, on=at("begun")).when(told).pending(on="identity")
    waiting.log.progress(OPENS + 1)
    assert waiting.log.outcomes()["submissions", 3] == ("accepted", None)
    assert waiting.log.outcomes()["submissions", 4] == ("duplicate", None)
    assert waiting.log.state.waiting == {}


def test_a_repeat_in_time_of_a_pending_record_that_was_too_early_is_accepted() -> None:
    told = handed_in("s", "ash", OPENS - DAY)
    log = at("begun")
    log.tell(told)
    given(on=log).when(record_of(told, at=OPENS + DAY)).pending(on="identity")
    log.progress(OPENS + 2)
    assert log.outcomes()["submissions", 3] == ("refused", "too-early")
    assert log.outcomes()["submissions", 4] == ("accepted", None)


def test_an_id_is_used_again_with_other_bytes_only_when_the_pending_holder_is_refused() -> None:
    log = at("begun")
    log.tell(handed_in("s", "ash", OPENS + DAY))
    given(on=log).when(handed_in("s", "ash", OPENS + DAY, title="other")).pending(on="identity")
    log.progress(OPENS + 1)
    assert log.outcomes()["submissions", 4] == ("refused", "id-reused")


def test_a_record_whose_id_is_in_doubt_holds_up_nobody_else() -> None:
    """Ash uses the id of a rebuttal of nothing again, for one of birch's finding; birch is heard all the same."""
    log = at("scored")
    log.tell(answered("x", "nothing", "ash", NOW), answered("x", "finding-birch", "ash", NOW + 1))
    given(on=log).when(answered("a", "finding-birch", "birch", NOW + 2 * DAY)).accepted()


def test_a_source_that_uses_ids_twice_holds_up_no_slot_of_another() -> None:
    log = at("submitted")
    log.tell(mark("x", small.OFFICE, NOW, "ash", "cy"), mark("x", small.OFFICE, NOW + 1, "ash", "ann", "1"))
    assert [waiting.keys[0][0] for waiting in log.state.waiting.values()] == ["evaluator", "identity"]
    given(on=log).when(mark("m", ANN, NOW + 2, "ash", "ann", "2")).accepted()
    given(on=log).when(mark("y", small.OFFICE, NOW + 2, "ash", "ann", "3")).pending(on="behind")


def test_the_end_of_a_phase_settles_what_still_waits_for_it() -> None:
    log = at("signed")
    log.tell(
        answered("a", "nothing", "ash", NOW),
        small.event("rebuttal.filed", "b", "urn:team:birch", NOW, finding="no", entrant="birch", text="no"),
    )
    log.progress(OPENS + 33 * DAY + 1)
    assert not log.state.waiting
    assert not log.state.waits
    assert not log.state.claims


def test_every_record_has_one_first_entry_and_at_most_one_settlement() -> None:
    entries = [decode_entry(stored.entry) for stored in played().stored]
    firsts = Counter((entry.topic, entry.offset) for entry in entries if entry.of is None)
    settlements = Counter(entry.of for entry in entries if entry.of is not None)
    assert set(firsts.values()) == {1}
    assert len(firsts) == len(played().records)
    assert set(settlements.values()) == {1}
    pending = {entry.index for entry in entries if entry.verdict == "pending"}
    assert settlements.keys() == pending


def test_a_settlement_keeps_the_receipt_and_the_commitment_of_the_entry_it_cites() -> None:
    entries = [decode_entry(stored.entry) for stored in played().stored]
    for entry in entries:
        if entry.of is not None:
            first = entries[entry.of]
            assert (entry.commitment, entry.received_ms, entry.offset, entry.topic, entry.type) == (
                first.commitment, first.received_ms, first.offset, first.topic, first.type,
            )  # fmt: skip


def test_while_a_draft_is_out_the_state_is_what_is_known_with_exactly_that_entry() -> None:
    log = Log()
    log.tell(*small.beginnings())
    sizes = [
        (draft.index, log.state.size)
        for draft in record_one(log.state, replace(record_of(small.announced()), offset=0), DEPLOYMENT)
    ]
    assert sizes == [(index, index + 1) for index in range(6, 13)]


def test_a_clock_that_steps_back_does_not_turn_the_order_of_a_topic() -> None:
    """The first mark of a slot stays the first, although the second is stamped before it."""
    log = at("begun")
    log.tell(mark("m1", ANN, NOW + 1, "ash", "ann", "1"), mark("m2", ANN, NOW, "ash", "ann", "2"))
    log.progress(OPENS + 1)
    (standing,) = log.state.phases["heat"].marks.values()
    assert standing.ids == ("m1",)


def test_a_producers_stamp_stops_the_recorder_where_the_broker_was_to_stamp() -> None:
    log = Log()
    broker = small.announced(clock="broker")
    log.feed(replace(record_of(broker), received_by="broker", offset=0))
    with pytest.raises(Tampered, match="stamped by its producer"):
        log.tell(small.beginnings()[0])


def test_the_public_entry_has_no_text_of_the_senders() -> None:
    record = record_of(replace(small.scores()[0], type="phasegate.secret plan"), "scores")
    (draft,) = given(on=at("submitted")).when(record).drafts
    entry = Entry(*members_of(draft, "0" * 64))
    assert (entry.type, entry.reason) == (None, "unknown-type")


def test_a_reason_outside_the_table_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Refusal("nonsense", "")


def test_a_flood_of_one_slot_is_settled_in_about_linear_time() -> None:
    log = at("submitted")
    records = [record_of(mark(f"m{n}", small.OFFICE, NOW, "ash", "cy")) for n in range(300)]
    log.tell(*records)
    appointed = small.event("evaluator.appointed", "cy", small.OFFICE, NOW, evaluator="cy", panel="jury")
    drafts: list[Draft] = log.tell(appointed)
    assert [draft.verdict.reason for draft in drafts[2:] if isinstance(draft.verdict, Refusal)] == [
        "already-scored"
    ] * 299


def test_two_findings_and_their_rulings_wait_for_the_opening_together() -> None:
    log = at("begun")
    log.tell(
        found("f1", "ash", OPENS + 2),
        found("f2", "ash", OPENS + 2, "policy"),
        ruled("r1", "f1", OPENS + 4 * DAY, "met"),
    )
    assert len(log.state.waiting) == 3
    log.progress(OPENS + 1)
    assert list(log.state.phases["heat"].findings) == ["f1", "f2"]
    assert [ruling.event.id for ruling in log.state.phases["heat"].findings["f1"].rulings] == ["r1"]
