"""What `integrity` must see on every database: any one changed byte, anywhere, and rows that went or came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, and_, create_engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from events.errors import Tampered
from infra.ledger import Ledger
from infra.ledger.database import database_url, upgrade
from infra.ledger.tables import checkpoints, entries, logs, metadata, openings, positions
from tests.contracts.ledger import KEY, Writing, filled


class TamperingContract:
    """Give `url`: the address of an empty database."""

    @pytest.fixture
    def ledger(self, url: str) -> Iterator[Ledger]:
        upgrade(url)
        with Ledger.open(url) as ledger:
            yield ledger

    @pytest.fixture
    def intruder(self, url: str, ledger: Ledger) -> Iterator[Connection]:
        """A connection of somebody with all rights: no trigger and no foreign key stops it, each statement is final."""
        filled(ledger)
        ledger.append(Writing("q", partition=7).records(3))
        engine = create_engine(database_url(url))  # not ours: no transaction begins by itself
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET session_replication_role = replica"))
            else:
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                for (name,) in found.fetchall():
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            yield connection
        engine.dispose()

    def test_any_change_of_any_column_of_any_row_is_found(self, ledger: Ledger, intruder: Connection) -> None:
        assert not seen(ledger)
        tried = 0
        for table in metadata.sorted_tables:
            for row in intruder.execute(select(table)).all():
                for column in table.columns:
                    for value in changed(row._mapping[column.name], str(column.type)):
                        if not replaced(intruder, table, row, {column.name: value}):
                            continue
                        where = f"{table.name}.{column.name} of {row}: {value!r}"
                        assert seen(ledger), where
                        restore(intruder, table, row, {column.name: value})
                        tried += 1
        assert tried > 500
        assert not seen(ledger)

    @pytest.mark.parametrize("table", [entries, openings, positions, checkpoints, logs], ids=str)
    def test_a_row_that_went_is_found(self, ledger: Ledger, intruder: Connection, table: Table) -> None:
        for row in intruder.execute(select(table)).all():
            if table is checkpoints or (table is openings and row.salt is None):
                continue  # nothing here says there was one: outsiders hold it, or it can be judged again
            intruder.execute(delete(table).where(same(table, row)))
            assert seen(ledger), row
            intruder.execute(insert(table).values(row._asdict()))
        assert not seen(ledger)

    def test_nothing_is_appended_on_top_of_a_head_that_was_altered(self, ledger: Ledger, intruder: Connection) -> None:
        log = Writing("q", partition=7)
        log.records(3)
        more = log.records(1)
        intruder.execute(update(logs).where(logs.c.programme == "q").values(stack=bytes(64)))
        with pytest.raises(Tampered, match=r"logs\[q\].digest"):
            ledger.append(more)

    def test_entries_that_changed_places_are_found(self, ledger: Ledger, intruder: Connection) -> None:
        for table in (entries, openings):
            move = update(table).where(table.c.log_id == 2)
            for old, new in ((0, 9), (1, 0), (9, 1)):
                intruder.execute(move.where(table.c.index == old).values(index=new))
        assert {fault.column for fault in ledger.integrity()} >= {"index", "stack"}

    def test_a_fault_names_row_column_and_both_values(self, ledger: Ledger, intruder: Connection) -> None:
        intruder.execute(update(entries).where(entries.c.log_id == 1, entries.c.index == 1).values(verdict="pending"))
        (fault,) = ledger.integrity("p")
        assert str(fault) == "entries[p[1]].verdict: expected 'refused', found 'pending'"
        assert fault.error().details["table"] == "entries"

    def test_nothing_is_signed_over_changed_bytes(self, ledger: Ledger, intruder: Connection) -> None:
        row = intruder.execute(select(entries).where(entries.c.log_id == 2, entries.c.index == 1)).one()
        intruder.execute(
            update(entries).where(same(entries, row)).values(entry=row.entry.replace(b"broker", b"Broker"))
        )
        with pytest.raises(Tampered, match="root"):
            ledger.sign("q", KEY)
        intruder.execute(delete(entries).where(same(entries, row)))
        with pytest.raises(Tampered, match="missing"):
            ledger.sign("q", KEY)
        assert ledger.checkpoints("q") == []


def seen(ledger: Ledger) -> bool:
    try:
        return any(True for _ in ledger.integrity(keys=[KEY.verifier]))
    except Tampered:
        return True


def changed(value: Any, kind: str) -> Iterator[Any]:
    """Other values that the column could hold: one byte changed, one more, one less, absent."""
    match value:
        case None:
            yield {"BIGINT": 0, "TEXT": "", "BLOB": b""}[kind]
            yield {"BIGINT": 1, "TEXT": "x", "BLOB": b"\xff\xff\xff\xff"}[kind]
        case int():
            yield from (value + 1, value - 1, value ^ 1, value + 2**32, None)
        case str():
            yield from (value[:-1] + chr(ord(value[-1]) ^ 1), value + " ", value[1:], None)
        case bytes() if not value:
            yield from (b"\x00", None)
        case _:
            for at in {*range(0, len(value), max(1, len(value) // 12)), len(value) - 1}:
                yield value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
            yield from (value + b"\x00", value[:-1], None)


def same(table: Table, row: Row[Any], new: dict[str, Any] | None = None) -> Any:
    """The condition that finds a row by its primary key, after `new` was put into it."""
    found = {**row._mapping, **(new or {})}
    clauses = [column == found[column.name] for column in table.primary_key]
    return and_(*clauses)


def replaced(intruder: Connection, table: Table, row: Row[Any], new: dict[str, Any]) -> bool:
    """Whether the database lets the value in at all."""
    if new == {name: row._mapping[name] for name in new}:
        return False
    try:
        intruder.execute(update(table).where(same(table, row)).values(new))
    except (IntegrityError, DBAPIError):
        return False
    return True


def restore(intruder: Connection, table: Table, row: Row[Any], new: dict[str, Any]) -> None:
    old = {name: row._mapping[name] for name in new}
    intruder.execute(update(table).where(same(table, row, new)).values(old))
