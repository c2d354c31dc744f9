"""What every database must do for the ledger. Run by `tests/infra/test_ledger_sqlite.py` and `..._postgres.py`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
from sqlalchemy import text

from events import merkle
from events.entry import Entry, Opening, Verdict, commitment, encode_entry, encode_headers
from events.errors import Conflict, NotFound, PhasegateError, Refused, Tampered, Unavailable
from events.note import open_checkpoint, open_note
from events.record import Position
from infra.keys import from_seed
from infra.ledger import Batch, Fault, Keeping, Ledger, LogAppend, NewEntry, by_position
from infra.ledger.database import connect, is_blank, upgrade

KEY = from_seed("phasegate.example/any", b"\x01" * 32)
P1 = ("scores", 3)


class Writing:
    """What a recorder knows of one log: builds the batches that it would append."""

    def __init__(self, programme: str, partition: int = 3) -> None:
        self.programme, self.at = programme, ("scores", partition)
        self.origin = f"phasegate.example/{programme}"
        self.stack: list[bytes] = []
        self.size = self.offset = 0
        self.appended: list[tuple[NewEntry, bytes]] = []

    def first(self, verdict: Verdict = "accepted", value: bytes | None = b"{}", detail: str | None = None) -> NewEntry:
        """The next record's entry."""
        opening = Opening(bytes([self.size % 256]) * 32, b"k", encode_headers([("a", b"\x00")]), value)
        self.offset += 1
        return self._grown(self._entry(verdict, self.offset - 1, opening, detail))

    def settlement(
        self, of: NewEntry, index: int, verdict: Verdict = "accepted", detail: str | None = None
    ) -> NewEntry:
        """The entry that settles a pending one."""
        assert of.opening is not None
        new = self._entry(verdict, of.offset, None, detail)
        return self._grown(replace(new, of=index, commitment=commitment(of.opening)))

    def _entry(self, verdict: Verdict, offset: int, opening: Opening | None, detail: str | None) -> NewEntry:
        stamp, reason = 1_768_456_800_000 + offset, "late" if verdict == "refused" else None
        return NewEntry(*self.at, offset, stamp, "broker", verdict, None, reason, opening, detail)

    def _grown(self, new: NewEntry) -> NewEntry:
        """The bytes and the tree as they must become, worked out here from the format and not by the ledger."""
        committed = new.commitment if new.opening is None else commitment(new.opening)
        assert committed is not None
        said = (new.topic, new.partition, new.offset, new.received_ms, new.received_by, new.verdict)
        data = encode_entry(Entry(self.size, *said, committed, None, new.reason, new.of))
        merkle.append(self.stack, self.size, merkle.leaf_hash(data))
        self.size += 1
        self.appended.append((new, data))
        return new

    def log(self, *entries: NewEntry) -> LogAppend:
        return LogAppend(self.programme, self.origin, self.size - len(entries), entries)

    def batch(self, *entries: NewEntry) -> Batch:
        """A batch of these newest entries."""
        firsts = sum(new.of is None for new in entries)
        moves = {self.at: (self.offset - firsts, self.offset)} if firsts else {}
        return Batch([self.log(*entries)], moves)

    def records(self, count: int) -> Batch:
        return self.batch(*[self.first() for _ in range(count)])


PART = ({sha256(b"part").digest()[:16]: b"part"}, [sha256(b"part").digest()[:16]])


def filled(ledger: Ledger) -> Writing:
    """Every kind of row, in every table."""
    log = Writing("p")
    ledger.bind("phasegate", 12, "broker", "c1")
    pending = log.first("pending")
    ledger.append(log.batch(pending, log.first("refused", b"[]", "a detail"), log.first("accepted", None)))
    ledger.append(log.batch(log.settlement(pending, 0, "accepted", "settled"), log.first()))
    ledger.sign("p", KEY)
    ledger.set_relay_cursor("p", 2)
    ledger.keep_snapshot("p", 5, Keeping(b"build", b"folded", *PART))
    return log


class LedgerContract:
    """Give `url`: the address of an empty database."""

    @pytest.fixture
    def ledger(self, url: str) -> Iterator[Ledger]:
        upgrade(url)
        with Ledger.open(url) as ledger:
            yield ledger

    # ------------------------------------------------------------------------------------------------ schema, binding
    def test_open_creates_nothing_and_says_how_to(self, url: str) -> None:
        with pytest.raises(Unavailable) as error:
            Ledger.open(url)
        assert error.value.hint == "phasegate db upgrade"

    def test_upgrading_twice_changes_nothing(self, url: str, ledger: Ledger) -> None:
        ledger.append(Writing("p").records(2))
        upgrade(url)
        assert [head.size for head in ledger.heads()] == [2]

    def test_a_place_is_read_by_offset_across_logs_each_record_with_what_settled_it_by_then(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(by_position, "CHUNK", 2)
        log, other = filled(ledger), Writing("q")
        other.offset = log.offset
        ledger.append(Batch([other.log(*[other.first() for _ in range(3)])], {P1: (4, 7)}))
        standing = ledger.standing()
        assert (standing.sizes, standing.positions) == ({"p": 5, "q": 3}, {P1: 7})
        found = list(ledger.read_place(*P1, 6, standing.sizes))
        assert [(one.programme, one.offset) for one in found] == [("p", n) for n in range(4)] + [("q", 4), ("q", 5)]
        assert [one.entry for one in found[:3]] == [data for _, data in log.appended[:3]]
        assert [one.settlement for one in found] == [log.appended[3][1]] + [None] * 5
        assert [one.opening for one in found] == [
            new.opening for new, _ in (log.appended + other.appended) if new.of is None
        ][:6]
        assert all(one.settlement is None for one in ledger.read_place(*P1, 6, {"p": 3}))

    def test_a_database_is_blank_until_its_tables_are_made(self, url: str) -> None:
        assert is_blank(url)
        upgrade(url)
        assert not is_blank(url)

    def test_a_ledger_records_one_bus_for_ever(self, ledger: Ledger) -> None:
        assert ledger.stream() is None
        bound = ledger.bind("phasegate", 12, "broker")
        assert ledger.bind("phasegate", 12, "broker") == bound == ledger.stream()
        for other in [("else", 12, "broker"), ("phasegate", 6, "broker"), ("phasegate", 12, "scenario")]:
            with pytest.raises(Refused, match=r"phasegate.*else|12.*6|broker.*scenario"):
                ledger.bind(*other)
        assert ledger.bind("phasegate", 12, "broker", "c1").cluster_id == "c1"
        with pytest.raises(Refused, match=r"c1.*c2"):
            ledger.bind("phasegate", 12, "broker", "c2")
        assert list(ledger.integrity()) == []

    # ------------------------------------------------------------------------------------------------------ appending
    def test_what_is_appended_is_read_back_in_order_byte_for_byte(self, ledger: Ledger) -> None:
        log = Writing("p")
        ledger.append(log.records(1500))
        ledger.append(log.batch(log.first("refused", None, "why\0 not \ud800"), log.first("duplicate", b"\xff" * 4)))
        found = list(ledger.read("p"))
        assert [s.index for s in found] == list(range(1502))
        assert [s.entry for s in found] == [data for _, data in log.appended]
        assert [s.opening for s in found] == [new.opening for new, _ in log.appended]
        assert (found[-2].detail, found[-1].detail) == ("why� not ?", None)
        assert [s.index for s in ledger.read("p", 998, 1003, with_openings=False)] == [998, 999, 1000, 1001, 1002]
        assert all(s.opening is None for s in ledger.read("p", 0, 3, with_openings=False))
        assert list(ledger.read("unknown")) == []
        values = [(s.index, s.entry, s.opening.value) for s in found if s.opening is not None]
        assert list(ledger.read_values("p")) == values
        assert list(ledger.read_values("p", 998, 1003)) == values[998:1003]

    def test_heads_and_positions_move_with_the_entries(self, ledger: Ledger) -> None:
        a, b = Writing("a"), Writing("b", partition=4)
        ledger.append(a.records(3))
        ledger.append(Batch([a.log(a.first()), b.log(b.first(), b.first())], {a.at: (3, 4), b.at: (0, 2)}))
        assert [(h.programme, h.origin, h.size) for h in ledger.heads()] == [("a", a.origin, 4), ("b", b.origin, 2)]
        assert ledger.head("a") is not None
        assert ledger.head("b").stack == tuple(b.stack)  # type: ignore[union-attr]  # it is there, as shown above
        assert ledger.head("c") is None
        assert ledger.positions([a.at, b.at, ("audits", 0)]) == {a.at: 4, b.at: 2, ("audits", 0): 0}

    def test_two_programmes_share_a_partition_and_attribution_says_whose_each_offset_is(self, ledger: Ledger) -> None:
        a, b = Writing("a"), Writing("b")
        ledger.append(a.records(2))
        b.offset = 2
        ledger.append(b.records(1))
        a.offset = 3
        ledger.append(a.records(1))
        assert ledger.attribution("scores", 3, 4) == [(0, "a"), (1, "a"), (2, "b"), (3, "a")]
        assert ledger.attribution("scores", 3, 1) == [(0, "a")]
        assert ledger.find(Position("scores", 3, 2)) == ("b", 0)
        assert ledger.find(Position("scores", 3, 9)) is None
        assert list(ledger.integrity()) == []

    def test_a_settlement_cites_its_entry_and_moves_no_position(self, ledger: Ledger) -> None:
        log = Writing("p")
        pending = log.first("pending")
        ledger.append(log.batch(pending))
        ledger.append(log.batch(log.settlement(pending, 0, "refused", "late by a day")))
        first, settled = ledger.read("p")
        assert first.opening == pending.opening
        assert (settled.opening, settled.detail) == (None, "late by a day")
        assert ledger.find(Position("scores", 3, 0)) == ("p", 0)
        assert ledger.positions([P1]) == {P1: 1}
        assert list(ledger.integrity()) == []
        with pytest.raises(Conflict):
            ledger.append(log.batch(log.settlement(pending, 0)))

    def test_another_expected_size_or_position_is_a_conflict_and_writes_nothing(self, ledger: Ledger) -> None:
        log, stale = Writing("p"), Writing("p")
        ledger.append(log.records(2))
        with pytest.raises(Conflict, match=r"has 2 entries, expected 0"):
            ledger.append(stale.records(1))
        batch = log.records(1)
        with pytest.raises(Conflict, match=r"next offset of scores/3 is 2, expected 1"):
            ledger.append(replace(batch, positions={P1: (1, 3)}))
        other = Writing("q")
        with pytest.raises(Conflict):  # the record stands in p already
            ledger.append(other.records(1))
        assert [(h.programme, h.size) for h in ledger.heads()] == [("p", 2)]
        ledger.append(batch)
        assert list(ledger.integrity()) == []

    def test_a_batch_that_contradicts_itself_is_refused(self, ledger: Ledger) -> None:
        log = Writing("p")
        new = log.first()
        good = log.batch(new)
        assert new.opening is not None
        bad = {
            "stands exactly on refusals": replace(new, verdict="refused"),
            "topic 'elsewhere'": replace(new, topic="elsewhere"),
            "salt has 32 bytes": replace(new, opening=replace(new.opening, salt=b"x")),
            "a first entry has an opening": replace(new, opening=None),
            "the commitment of the entry": replace(new, commitment="0" * 64),
        }
        for words, entry in bad.items():
            with pytest.raises(Refused, match=words):
                ledger.append(Batch([replace(good.logs[0], entries=[entry])], good.positions))
        with pytest.raises(Refused, match="positions"):
            ledger.append(Batch(good.logs, {P1: (0, 2)}))
        with pytest.raises(Refused, match="nothing to append"):
            ledger.append(Batch([replace(good.logs[0], entries=[])], good.positions))
        ledger.append(good)
        with pytest.raises(Refused, match="origin"):
            ledger.append(Batch([replace(log.log(log.first()), origin="else.example/p")], {P1: (1, 2)}))

    def test_of_writers_at_the_same_place_exactly_one_wins(self, ledger: Ledger) -> None:
        outcomes: list[PhasegateError | None] = []
        start = threading.Barrier(4)

        def write(batch: Batch) -> None:
            start.wait()
            try:
                ledger.append(batch)
                outcomes.append(None)
            except PhasegateError as error:
                outcomes.append(error)

        for size in range(0, 15, 3):
            writers = []
            for _ in range(4):
                log = Writing("p")
                for _ in range(size):
                    log.first()
                writers.append(threading.Thread(target=write, args=[log.records(3)]))
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
        assert outcomes.count(None) == 5
        assert {type(error) for error in outcomes if error} == {Conflict}
        assert list(ledger.integrity()) == []

    def test_readers_go_on_while_one_thread_writes(self, ledger: Ledger) -> None:
        log = Writing("p")
        ledger.append(log.records(10))
        done, seen = threading.Event(), [0]
        faults: list[Fault] = []

        def read() -> None:
            while not done.is_set():
                seen.append(sum(1 for _ in ledger.read("p")))
                faults.extend(ledger.integrity())

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(40):
            ledger.append(log.records(10))
        done.set()
        reader.join()
        assert (seen, faults) == (sorted(seen), [])
        assert sum(1 for _ in ledger.read("p")) == 410

    # -------------------------------------------------------------------------------------------------------- relaying
    def test_refused_entries_are_relayed_from_a_cursor(self, ledger: Ledger) -> None:
        log = Writing("p")
        verdicts: list[Verdict] = ["refused", "accepted", "refused", "refused"]
        ledger.append(log.batch(*[log.first(verdict) for verdict in verdicts]))
        assert ledger.relay_cursor("p") == 0
        assert [s.index for s in ledger.refused_after("p", 0, 2)] == [0, 2]
        ledger.set_relay_cursor("p", 1)
        ledger.set_relay_cursor("p", 3)
        assert ledger.relay_cursor("p") == 3
        assert [(s.index, s.opening is None) for s in ledger.refused_after("p", 3, 9)] == [(3, False)]
        assert list(ledger.integrity()) == []
        with pytest.raises(NotFound):
            ledger.set_relay_cursor("unknown", 1)

    # --------------------------------------------------------------------------------------------------------- signing
    def test_heads_are_signed_under_their_origin_and_every_checkpoint_is_kept(self, ledger: Ledger) -> None:
        log = Writing("p")
        ledger.append(log.records(3))
        first = ledger.sign("p", KEY)
        assert (first.origin, first.size, first.root) == (log.origin, 3, merkle.root(log.stack))
        assert ledger.sign("p", KEY) == first
        ledger.append(log.records(4))
        second = ledger.sign("p", KEY)
        stored = ledger.checkpoints("p")
        assert [s.size for s in stored] == [3, 7]
        assert [open_checkpoint(s.note, [KEY.named(log.origin).verifier]) for s in stored] == [first, second]
        assert list(ledger.integrity(keys=[KEY.verifier])) == []
        other = from_seed("x", b"\x09" * 32)
        assert {fault.column for fault in ledger.integrity(keys=[other.verifier])} == {"note"}
        with pytest.raises(Tampered):
            ledger.sign("p", other)
        with pytest.raises(NotFound):
            ledger.sign("unknown", KEY)

    def test_a_new_key_signs_on_when_the_old_one_is_trusted(self, ledger: Ledger) -> None:
        log = Writing("p")
        ledger.append(log.records(1))
        ledger.sign("p", KEY)
        ledger.append(log.records(1))
        new = from_seed("x", b"\x09" * 32)
        assert ledger.sign("p", new, trusted=[KEY.named(log.origin).verifier]).size == 2

    def test_the_first_checkpoint_of_a_new_key_is_signed_by_both(self, ledger: Ledger) -> None:
        log, new = Writing("p"), from_seed("x", b"\x09" * 32)
        keys = [key.named(log.origin).verifier for key in (KEY, new)]
        for signer, before, size in ((KEY, None, 1), (new, KEY, 2), (new, KEY, 3), (new, None, 4)):
            ledger.append(log.records(1))
            assert ledger.sign("p", signer, before=before).size == size
        signers = [open_note(stored.note, keys)[1] for stored in ledger.checkpoints("p")]
        assert [set(found) for found in signers] == [{keys[0]}, set(keys), {keys[1]}, {keys[1]}]
        assert list(ledger.integrity(keys=keys)) == []
        ledger.append(log.records(1))
        with pytest.raises(Tampered):  # what the log signed last is by neither of these
            ledger.sign("p", from_seed("y", b"\x0a" * 32), before=KEY)

    def test_of_two_signers_one_signs_and_the_other_is_told(self, ledger: Ledger) -> None:
        log = Writing("p")
        outcomes: list[object] = []

        def sign() -> None:
            try:
                outcomes.append(ledger.sign("p", KEY).size)
            except Conflict:
                outcomes.append("conflict")

        for _ in range(5):
            ledger.append(log.records(2))
            signers = [threading.Thread(target=sign) for _ in range(3)]
            for signer in signers:
                signer.start()
            for signer in signers:
                signer.join()
        assert set(outcomes) - {"conflict"} == {2, 4, 6, 8, 10}
        assert [s.size for s in ledger.checkpoints("p")] == [2, 4, 6, 8, 10]
        assert list(ledger.integrity(keys=[KEY.verifier])) == []

    # -------------------------------------------------------------------------------------------------------- defences
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE entries SET verdict = 'refused'",
            "DELETE FROM entries",
            "UPDATE checkpoints SET size = 9",
            "DELETE FROM checkpoints",
            "UPDATE openings SET detail = 'x'",
            "DELETE FROM openings",
            "UPDATE logs SET origin = 'x'",
            "UPDATE logs SET size = 1",
            "DELETE FROM logs",
            "UPDATE positions SET next_offset = 1",
            "DELETE FROM positions",
            "UPDATE streams SET partitions = 1",
            "DELETE FROM streams",
        ],
    )
    def test_the_database_itself_refuses_what_is_not_growth(self, url: str, ledger: Ledger, statement: str) -> None:
        filled(ledger)
        engine = connect(url)
        with pytest.raises(Exception, match="the ledger only grows"), engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()
        assert list(ledger.integrity(keys=[KEY.verifier])) == []
