"""What every database must do for snapshots. Run by `tests/infra/test_ledger_sqlite.py` and `..._postgres.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
from sqlalchemy import text

from events import merkle
from events.envelope import encode
from events.errors import Conflict
from infra.ledger import Keeping, Ledger
from infra.ledger.database import upgrade
from infra.ledger.rows import Erasing
from tests.contracts.ledger import Writing
from tests.support import small

BUILD = b"\x05" * 32
VALUE = encode(small.scores()[0])


class SnapshotContract:
    """Give `url`: the address of an empty database."""

    @pytest.fixture
    def ledger(self, url: str) -> Iterator[Ledger]:
        upgrade(url)
        with Ledger.open(url) as ledger:
            yield ledger

    def test_what_is_kept_is_found_until_something_later_is_kept(self, ledger: Ledger) -> None:
        log = Writing("p")
        assert ledger.snapshot("p") is None
        ledger.append(log.records(300))
        ledger.keep_snapshot("p", 300, Keeping(BUILD, b"three hundred"))
        ledger.append(log.records(7))
        found = ledger.snapshot("p")
        assert found is not None
        assert (found.size, found.build, found.folded, found.is_whole) == (300, BUILD, b"three hundred", True)
        assert ledger.fits("p", found), "the log has grown on top of it"
        ledger.keep_snapshot("p", 307, Keeping(BUILD, b"more"))
        found = ledger.snapshot("p")
        assert found is not None
        assert (found.size, found.root) == (307, merkle.root(log.stack))
        assert ledger.fits("p", found)
        assert list(ledger.integrity()) == []

    def test_one_that_is_not_of_these_entries_does_not_fit(self, ledger: Ledger) -> None:
        log, other = Writing("p"), Writing("q", partition=4)
        ledger.append(log.records(300))
        ledger.append(other.records(301))
        ledger.keep_snapshot("p", 300, Keeping(BUILD, b""))
        found = ledger.snapshot("p")
        assert found is not None
        ledger.append(log.records(1))
        for wrong in (replace(found, size=299), replace(found, size=302), replace(found, size=0)):
            assert not ledger.fits("p", wrong)
        assert not ledger.fits("p", replace(found, root=bytes(32)))
        assert not ledger.fits("q", found)
        assert not ledger.fits("nobody", found)

    @pytest.mark.parametrize("size", [2, 4])
    def test_who_does_not_know_the_whole_log_keeps_nothing(self, ledger: Ledger, size: int) -> None:
        ledger.append(Writing("p").records(3))
        ledger.keep_snapshot("p", 3, Keeping(BUILD, b"three"))
        with pytest.raises(Conflict, match="3 entries"):
            ledger.keep_snapshot("p", size, Keeping(BUILD, b""))
        found = ledger.snapshot("p")
        assert found is not None
        assert found.folded == b"three"
        with pytest.raises(Conflict, match="no log"):
            ledger.keep_snapshot("nobody", 1, Keeping(BUILD, b""))

    def test_it_goes_with_the_first_record_that_is_erased(self, ledger: Ledger) -> None:
        log, other = Writing("p"), Writing("q", partition=4)
        ledger.append(log.batch(log.first(value=VALUE)))
        ledger.append(other.records(2))
        ledger.keep_snapshot("p", 1, Keeping(BUILD, b"with it"))
        ledger.keep_snapshot("q", 2, Keeping(BUILD, b"of others"))
        batch = log.batch(log.first(value=VALUE))
        erasing = replace(batch.logs[0], erasing=[Erasing(*log.at, 0, by=1)])
        ledger.append(replace(batch, logs=[erasing]))
        assert ledger.snapshot("p") is None
        assert ledger.snapshot("q") is not None
        ledger.keep_snapshot("p", 2, Keeping(BUILD, b"without it"))
        assert ledger.snapshot("p") is not None

    def test_nothing_is_kept_while_a_record_is_known_to_be_erased_and_is_not_yet(self, ledger: Ledger) -> None:
        log = Writing("p")
        ledger.append(log.batch(replace(log.first(value=VALUE), is_erased=True)))
        ledger.keep_snapshot("p", 1, Keeping(BUILD, b"with it"))
        assert ledger.snapshot("p") is None

    def test_one_that_is_older_than_an_erasure_is_found_by_the_integrity_check(self, ledger: Ledger) -> None:
        log = Writing("p")
        ledger.append(log.records(2))
        ledger.keep_snapshot("p", 2, Keeping(BUILD, b""))
        with ledger._engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(
                text("INSERT INTO erasures VALUES (1, 0, NULL, 5, NULL, :digest)"), {"digest": bytes(32)}
            )
        assert [str(fault) for fault in ledger.integrity() if fault.table == "snapshots"] == [
            "snapshots[p].size: expected more than 5, which erased something, found 2"
        ]

    def test_nobody_changes_one(self, ledger: Ledger) -> None:
        ledger.append(Writing("p").records(2))
        ledger.keep_snapshot("p", 2, Keeping(BUILD, b""))
        with (
            pytest.raises(Exception, match="UPDATE of snapshots is refused"),
            ledger._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            connection.execute(text("UPDATE snapshots SET size = 1"))

    def test_its_parts_come_and_go_with_it(self, ledger: Ledger) -> None:
        ledger.append(Writing("p").records(2))
        ledger.append(Writing("q", partition=4).records(2))
        one, two, three = map(part, (b"one", b"two", b"three"))
        assert ledger.keep_snapshot("p", 2, Keeping(BUILD, b"", dict([one, two]), [one[0], two[0]]))
        assert ledger.keep_snapshot("q", 2, Keeping(BUILD, b"", dict([one]), [one[0]]))
        assert ledger.snapshot_parts("p", [two[0], one[0], two[0]]) == [b"two", b"one", b"two"]
        ledger.keep_snapshot("p", 2, Keeping(BUILD, b"", dict([three]), [two[0], three[0]]))
        assert ledger.snapshot_parts("p", [two[0], three[0]]) == [b"two", b"three"]
        with pytest.raises(Conflict, match="is gone"):
            ledger.snapshot_parts("p", [two[0], one[0]])
        assert ledger.snapshot_parts("q", [one[0]]) == [b"one"]
        assert list(ledger.integrity()) == []

    def test_a_snapshot_that_needs_a_part_that_is_gone_is_not_kept(self, ledger: Ledger) -> None:
        ledger.append(Writing("p").records(2))
        one, two = part(b"one"), part(b"two")
        ledger.keep_snapshot("p", 2, Keeping(BUILD, b"", dict([one]), [one[0]]))
        with pytest.raises(Conflict, match="1 parts"):
            ledger.keep_snapshot("p", 2, Keeping(BUILD, b"", {}, [one[0], two[0]]))
        assert ledger.snapshot_parts("p", [one[0]]) == [b"one"]

    def test_with_what_is_erased_go_all_parts(self, ledger: Ledger) -> None:
        log, (name, data) = Writing("p"), part(VALUE)
        ledger.append(log.batch(log.first(value=VALUE)))
        ledger.keep_snapshot("p", 1, Keeping(BUILD, b"with it", {name: data}, [name]))
        batch = log.batch(log.first(value=VALUE))
        ledger.append(replace(batch, logs=[replace(batch.logs[0], erasing=[Erasing(*log.at, 0, by=1)])]))
        with pytest.raises(Conflict, match="is gone"):
            ledger.snapshot_parts("p", [name])

    def test_parts_that_are_of_no_snapshot_or_say_something_else_are_found(self, ledger: Ledger) -> None:
        ledger.append(Writing("p").records(2))
        with ledger._engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(
                text("INSERT INTO snapshot_parts VALUES (1, :name, :data)"), {"name": b"n", "data": b"d"}
            )
        with pytest.raises(Conflict, match="not as it was written"):
            ledger.snapshot_parts("p", [b"n"])
        assert [str(fault) for fault in ledger.integrity()] == [
            "snapshot_parts[1].log_id: expected a snapshot, found none",
            "snapshot_parts[1/6e].data: expected what it is named by, found something else",
        ]
        with (
            pytest.raises(Exception, match="UPDATE of snapshot_parts is refused"),
            ledger._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            connection.execute(text("UPDATE snapshot_parts SET data = name"))


def part(data: bytes) -> tuple[bytes, bytes]:
    return sha256(data).digest()[:16], data
