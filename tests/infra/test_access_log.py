"""The access log in the database: lines that are bound to each other, and go in their time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.errors import Refused, Tampered
from infra.access import Access, AccessStore, Place
from infra.ledger.database import upgrade


def line(n: int, programme: str | None = "p") -> Access:
    return Access(1000 + n, "kim", "read", programme, "GET", f"/{n}", 200, "127.0.0.1")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest) -> Iterator[AccessStore]:
    address: str = request.getfixturevalue(f"{request.param}_database")
    upgrade(address)
    with AccessStore.open(address) as opened:
        opened.log.append([line(n) for n in range(5)])
        opened.log.append([line(n, None) for n in range(5, 9)])
        yield opened


def test_lines_are_bound_to_each_other_and_go_on_from_a_place_that_was_noted(kept: AccessStore) -> None:
    noted = kept.log.verify()
    assert noted.index == 9
    kept.log.append([line(9)])
    assert kept.log.verify(noted).index == 10
    with pytest.raises(Tampered, match="does not go on"):
        kept.log.verify(Place(10, bytes(32)))
    assert [one["path"] for one in kept.log.last(2, "p")] == ["/4", "/9"]


def test_what_is_older_is_deleted_and_the_rest_still_verifies(kept: AccessStore) -> None:
    noted = kept.log.verify()
    assert kept.log.cut(1003, 5000) == 3
    assert kept.log.cut(1003, 5000) == 0
    assert kept.log.verify(noted) == noted
    with pytest.raises(Refused, match="deleted"):
        kept.log.verify(Place(1, bytes(32)))
    assert kept.log.cut(9000, 5001) == 6
    kept.log.append([line(9)])
    assert kept.log.verify(noted).index == 10
    assert [one["index"] for one in kept.log.last(5)] == [9]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_log SET line = replace(line, 'kim', 'lee') WHERE \"index\" = 3",
        'DELETE FROM access_log WHERE "index" = 3',
        "UPDATE access_log SET programme = 'q' WHERE \"index\" = 3",
        'DELETE FROM access_log WHERE "index" >= 7',
    ],
)
def test_no_line_is_changed_or_deleted_and_where_triggers_are_off_it_is_found(tmp_path: Path, change: str) -> None:
    address = f"sqlite:///{tmp_path}/ledger.sqlite"
    upgrade(address)
    with AccessStore.open(address) as opened:
        opened.log.append([line(n) for n in range(9)])
        noted = opened.log.verify()
        database = sqlite3.connect(tmp_path / "ledger.sqlite")
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            database.execute(change)
        database.rollback()
        for trigger in ("access_log_no_update", "access_log_no_delete"):
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(change)
        database.commit()
        database.close()
        with pytest.raises(Tampered):
            opened.log.verify(noted)
