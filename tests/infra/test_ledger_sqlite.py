"""The ledger in a SQLite file."""

from __future__ import annotations

import sqlite3

import pytest

from events.errors import Refused, Unavailable
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.contracts.ledger import LedgerContract, Writing
from tests.contracts.snapshots import SnapshotContract
from tests.contracts.tampering import TamperingContract


class TestSqliteLedger(LedgerContract):
    @pytest.fixture
    def url(self, sqlite_database: str) -> str:
        return sqlite_database


class TestSqliteSnapshots(SnapshotContract):
    @pytest.fixture
    def url(self, sqlite_database: str) -> str:
        return sqlite_database


class TestSqliteTampering(TamperingContract):
    @pytest.fixture
    def url(self, sqlite_database: str) -> str:
        return sqlite_database


def test_commits_are_synced_and_keys_checked(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger._engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}


def test_replacing_a_row_is_refused_like_deleting_it(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.append(Writing("p").records(1))
    with pytest.raises(Exception, match="the ledger only grows"), sqlite_ledger._engine.begin() as connection:
        connection.exec_driver_sql("INSERT OR REPLACE INTO entries SELECT * FROM entries")


def test_a_locked_database_is_unavailable(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.ledger.database._PRAGMAS", ("busy_timeout = 50",))
    other = sqlite3.connect(str(sqlite_ledger._engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Ledger(sqlite_ledger._engine) as ledger:
        ledger.close()
        with pytest.raises(Unavailable, match="locked") as error:
            ledger.append(Writing("p").records(1))
    assert "write lock" in error.value.hint
    other.close()


def test_a_full_disk_is_unavailable_and_nothing_is_written(sqlite_ledger: Ledger) -> None:
    log = Writing("p")
    sqlite_ledger.append(log.records(5))
    with sqlite_ledger._engine.connect() as connection:  # the pool hands out this connection again
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match="full") as error:
        sqlite_ledger.append(log.records(2000))
    assert "disk space" in error.value.hint
    assert [head.size for head in sqlite_ledger.heads()] == [5]
    assert list(sqlite_ledger.integrity()) == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "no url"])
def test_addresses_that_cannot_hold_a_ledger_are_refused(url: str) -> None:
    with pytest.raises(Refused):
        upgrade(url)
