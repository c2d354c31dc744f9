"""One byte changed anywhere in a ledger: `phasegate replay` stops with exit 3 and says where."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Table

from console.main import main
from infra.access import tables as access_tables
from infra.ledger import Keeping, intake_tables
from infra.ledger.tables import metadata
from infra.memory_bus import MemoryBus
from tests.contracts.ledger import PART
from tests.support import small
from tests.support.deployment import environment
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.stage import Stage, memory_stage, play, stage

SEED = 20260115
PER_COLUMN = 10
"""Changes tried of each column; of 40 columns."""

REQUIRED = 150

PRIMARY = {table.name: tuple(column.name for column in table.primary_key) for table in metadata.sorted_tables}
INTAKE = {table.name for table in (intake_tables.api_keys, intake_tables.api_key_revocations, intake_tables.receipts)}
BESIDE = INTAKE | {name for name, table in vars(access_tables).items() if isinstance(table, Table)}
"""What the HTTP intake and signing in keep beside the log: no evidence, and nothing that replay rests on."""

COLUMNS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if table.name not in BESIDE | {"tiles"}
]
"""A tile is kept once 256 entries fill it: tests/infra/test_ledger_tiles.py changes its columns in a log of that size."""

Row = dict[str, Any]


class Database(Protocol):
    """A ledger in the hands of somebody with all rights: no trigger and no key stops a change."""

    def rows(self, table: str) -> list[Row]: ...
    def change(self, table: str, row: Row, column: str, value: object) -> bool: ...


@dataclass
class File:
    """A copy of a SQLite ledger without its triggers."""

    connection: sqlite3.Connection

    def rows(self, table: str) -> list[Row]:
        cursor = self.connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def change(self, table: str, row: Row, column: str, value: object) -> bool:
        where = " AND ".join(f'"{name}" = ?' for name in PRIMARY[table])
        statement = f'UPDATE {table} SET "{column}" = ? WHERE {where}'
        try:
            self.connection.execute(statement, (value, *(row[name] for name in PRIMARY[table])))
        except sqlite3.IntegrityError:  # NULL where none may be, or a key that another row has
            return False
        return True


@dataclass
class Server:
    """A PostgreSQL ledger with its triggers switched off for this connection."""

    connection: psycopg.Connection[Row]

    def rows(self, table: str) -> list[Row]:
        return self.connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()

    def change(self, table: str, row: Row, column: str, value: object) -> bool:
        where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in PRIMARY[table])
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(
            sql.Identifier(table), sql.Identifier(column), where
        )
        try:
            self.connection.execute(statement, (value, *(row[name] for name in PRIMARY[table])))
        except (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError):
            return False
        return True


def everything(on: Stage) -> None:
    """The small programme, with what it lacks to fill every column: a record before its announcement, refusals, erasures."""
    early, *_ = small.beginnings()
    on.tell(early)
    play(on)
    stranger = small.scores()[0]
    late = small.event("score.recorded", "late", stranger.source, small.OPENS + 60 * small.DAY, **stranger.data)
    on.tell(late)
    ledger = on.parts.ledger
    on.tell(erasure(*(place_of(first_entry(ledger, event_id)) for event_id in (late.id, stranger.id))))
    on.parts.ledger.bind(on.parts.bus.prefix, on.parts.bus.partitions, on.parts.bus.clock, "cluster")
    ledger.keep_snapshot(small.PROGRAMME, ledger.heads()[0].size, Keeping(b"build", b"folded", *PART))
    on.recorder.close()
    on.parts.close()


@pytest.fixture
def replayed(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """`phasegate replay small-cup --json` in this process on a database: exit code and document."""

    def replay(database: str) -> tuple[int, dict[str, Any]]:
        for name, value in environment(tmp_path / "home", database).items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = main(["replay", small.PROGRAMME, "--json"])
        document: dict[str, Any] = json.loads(capfd.readouterr().out)
        return code, document

    return replay


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[str, File]]:
    (tmp_path / "kept").mkdir()
    everything(memory_stage(tmp_path / "kept"))
    copy = tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(tmp_path / "kept" / "ledger.sqlite")) as kept, closing(sqlite3.connect(copy)) as to:
        kept.backup(to)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        for pragma in ("foreign_keys = OFF", "ignore_check_constraints = ON", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield f"sqlite:///{copy}", File(connection)


@pytest.fixture
def server(postgres_database: str) -> Iterator[tuple[str, Server]]:
    everything(stage(MemoryBus("test", 4, "scenario", lambda: 0), postgres_database))
    plain = postgres_database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE streams DROP CONSTRAINT IF EXISTS streams_one_row")
        yield postgres_database, Server(connection)


def with_a_byte_changed(value: Any, dice: random.Random) -> Any:
    """The value with one bit of one byte flipped; something where there was nothing."""
    match value:
        case None:
            return dice.choice((0, "x", b"\x00"))
        case int():
            return value ^ 1 << dice.randrange(32)
        case str():
            at = dice.randrange(len(value))
            return value[:at] + chr(ord(value[at]) ^ dice.choice((1, 2, 4))) + value[at + 1 :]
        case bytes():
            at = dice.randrange(len(value)) if value else 0
            return value[:at] + bytes([(value[at] if value else 0) ^ 1 << dice.randrange(8)]) + value[at + 1 :]
        case _:
            raise AssertionError(value)


def tampered(database: Database, per_column: int) -> Iterator[tuple[str, Row, str, Any]]:
    """Makes one change after the other, each taken back when the next is asked for: table, row before, column, value."""
    dice = random.Random(SEED)
    for table, column in COLUMNS:
        rows = database.rows(table)
        assert rows, f"{table} has no row to change"
        made = 0
        for _ in range(per_column * 50):
            row = dice.choice([row for row in rows if row[column] is not None] or rows) if made else dice.choice(rows)
            value = with_a_byte_changed(row[column], dice)
            if made == per_column or not database.change(table, row, column, value):
                continue
            made += 1
            yield table, row, column, value
            assert database.change(table, {**row, column: value}, column, row[column])
        assert made == per_column, f"only {made} changes of {table}.{column} were let in by the database"


def complaints(replay: Any, url: str, database: Database, per_column: int) -> tuple[int, list[str]]:
    """How many changes were tried, and those that replay did not answer as promised."""
    tried, wrong = 0, []
    for table, row, column, value in tampered(database, per_column):
        tried += 1
        code, document = replay(url)
        said = document.get("error", {}).get("details", {})
        if code != 3 or not names(said, table, row, column, value):
            wrong.append(f"{table}.{column} of {key_of(table, row)} made {value!r}: exit {code}, {document}")
    return tried, wrong


def names(said: dict[str, Any], table: str, row: Row, column: str, value: Any) -> bool:
    """Whether the fault is laid at this row, by the name that it had or has now, in the column or the one that vouches
    for it (a digest, a commitment).
    """
    if said.get("table") != table or not said["column"]:
        return False
    return any(is_in(said["key"], known) for known in (key_of(table, row), key_of(table, {**row, column: value})))


def is_in(key: str, known: set[str]) -> bool:
    """Faults name a row; or, where the tree alone shows the change, the entries of the smallest subtree that it is in."""
    if found := re.fullmatch(r"(.*)\[(\d+)\.\.(\d+)\]", key):
        first, last = int(found[2]), int(found[3])
        return any(f"{found[1]}[{index}]" in known for index in range(first, last + 1))
    return key in known


def key_of(table: str, row: Row) -> set[str]:
    """How faults name a row: by its primary key, or by the log's programme and the place in it."""
    plain = "/".join(value.hex() if isinstance(value := row[name], bytes) else str(value) for name in PRIMARY[table])
    match table:
        case "snapshot_parts":
            return {plain, str(row["log_id"])}
        case "logs":
            return {plain, row["programme"]}
        case "entries" | "openings":
            return {plain, f"{small.PROGRAMME}[{row['index']}]"}
        case "checkpoints":
            return {plain, f"{small.PROGRAMME}@{row['size']}"}
        case _:
            return {plain}


def test_one_byte_changed_in_any_column_of_any_table_is_named_by_replay(file: tuple[str, File], replayed: Any) -> None:
    url, database = file
    assert replayed(url)[0] == 0
    tried, wrong = complaints(replayed, url, database, PER_COLUMN)
    assert tried >= REQUIRED
    assert not wrong, f"{len(wrong)} of {tried}, seed {SEED}:\n" + "\n".join(wrong)
    assert replayed(url)[0] == 0, "taken back, every change leaves the ledger as it was"


@pytest.mark.postgres
def test_the_same_on_postgresql(server: tuple[str, Server], replayed: Any) -> None:
    url, database = server
    assert replayed(url)[0] == 0
    tried, wrong = complaints(replayed, url, database, 1)
    assert tried == len(COLUMNS)
    assert not wrong, f"{len(wrong)} of {tried}, seed {SEED}:\n" + "\n".join(wrong)


def test_tables_of_another_version_are_not_taken_for_this_one(file: tuple[str, File], replayed: Any) -> None:
    """The one table that is not the ledger's own says which there are: those of a later phasegate are not read (exit 6)."""
    url, database = file
    database.connection.execute("UPDATE alembic_version SET version_num = '0011'")
    code, document = replayed(url)
    assert (code, "0011" in document["error"]["message"]) == (6, True)
