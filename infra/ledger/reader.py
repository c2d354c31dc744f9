"""Reading entries and what hangs on them. Entries never change, so a read in chunks is a consistent read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from events.entry import Opening
from events.merkle import unpack_stack
from infra.ledger.database import reading
from infra.ledger.rows import Fault, Head, Stored
from infra.ledger.tables import digest, entries, logs

CHUNK = 1000
"""Rows per query: a reader that stops in the middle holds no transaction open, hence no WAL and no vacuum back."""

NAMED = 1000
"""Entries that one statement names: SQLite takes 32,766 parameters, PostgreSQL 65,535."""

_READ_BARE = """
SELECT e."index", e.entry FROM entries e
WHERE e.log_id = ? AND e."index" >= ? AND e."index" < ? ORDER BY e."index"
"""
_READ_OPENED = """
SELECT e."index", e.entry, o.salt, o.key, o.headers, o.value, o.detail
FROM entries e LEFT JOIN openings o ON o.log_id = e.log_id AND o."index" = e."index"
WHERE e.log_id = ? AND e."index" >= ? AND e."index" < ? ORDER BY e."index"
"""
_READ_VALUES = """
SELECT e."index", e.entry, o.value
FROM entries e LEFT JOIN openings o ON o.log_id = e.log_id AND o."index" = e."index"
WHERE e.log_id = ? AND e."index" >= ? AND e."index" < ? ORDER BY e."index"
"""
_READ_REFUSED = """
SELECT e."index", e.entry, o.salt, o.key, o.headers, o.value, o.detail
FROM entries e LEFT JOIN openings o ON o.log_id = e.log_id AND o."index" = e."index"
WHERE e.log_id = ? AND e."index" >= ? AND e.verdict = 'refused' ORDER BY e."index" LIMIT ?
"""

_READ_NAMED = """
SELECT e."index", e.entry, o.salt, o.key, o.headers, o.value, o.detail
FROM entries e LEFT JOIN openings o ON o.log_id = e.log_id AND o."index" = e."index"
WHERE e.log_id = ? AND e."index" IN ({}) ORDER BY e."index"
"""


def query(connection: Connection, statement: str, *parameters: object) -> Sequence[Any]:
    """All rows of a driver-level query, as the driver gives them; `?` marks a parameter on both databases."""
    if connection.dialect.name != "sqlite":
        statement = statement.replace("?", "%s")
    cursor = connection.exec_driver_sql(statement, parameters).cursor
    return cursor.fetchall()


def log_id_of(connection: Connection, programme: str) -> int | None:
    """The id of a programme's log."""
    return connection.execute(select(logs.c.id).where(logs.c.programme == programme)).scalar_one_or_none()


def read_heads(engine: Engine, programme: str | None = None) -> list[Head]:
    """The heads of all logs in order of creation, or of one. Raises Tampered for a row that is not as it was written:
    nobody shall go on from it, and a log that was renamed shall not pass for one that is not there.
    """
    wanted = select(logs.c.programme, logs.c.origin, logs.c.size, logs.c.stack, logs.c.digest).order_by(logs.c.id)
    if programme is not None:
        wanted = wanted.where(logs.c.programme == programme)
    with reading(engine) as connection:
        rows = connection.execute(wanted).all()
    for row in rows:
        if row.digest != (expected := digest(*row[:4])):
            raise Fault("logs", row.programme, "digest", expected.hex(), row.digest.hex()).error()
    return [Head(row.programme, row.origin, row.size, unpack_stack(row.stack, row.size)) for row in rows]


def read_entries(engine: Engine, programme: str, start: int, stop: int | None, opened: bool) -> Iterator[Stored]:
    """The entries start..stop in index order, a chunk per query."""
    statement, stored = (_READ_OPENED, _opened) if opened else (_READ_BARE, _bare)
    for rows in _chunks(engine, statement, programme, start, stop):
        yield from map(stored, rows)


def read_values(
    engine: Engine, programme: str, start: int, stop: int | None
) -> Iterator[tuple[int, bytes, bytes | None]]:
    """(index, entry, value of the record) of the entries start..stop, as the driver gives them."""
    for rows in _chunks(engine, _READ_VALUES, programme, start, stop):
        yield from rows


def _chunks(engine: Engine, statement: str, programme: str, start: int, stop: int | None) -> Iterator[Sequence[Any]]:
    with reading(engine) as connection:
        log_id = log_id_of(connection, programme)
    while log_id is not None and (stop is None or start < stop):
        end = start + CHUNK if stop is None else min(stop, start + CHUNK)
        with reading(engine) as connection:
            rows = query(connection, statement, log_id, start, end)
        yield rows
        if len(rows) < end - start:
            return
        start = end


def read_refused(engine: Engine, programme: str, index: int, limit: int) -> list[Stored]:
    """Refused entries from `index` on."""
    with reading(engine) as connection:
        log_id = log_id_of(connection, programme)
        return [] if log_id is None else list(map(_opened, query(connection, _READ_REFUSED, log_id, index, limit)))


def read_named(connection: Connection, log_id: int, indexes: Sequence[int]) -> Iterator[Stored]:
    """The entries of these indexes, by index."""
    for begin in range(0, len(indexes), NAMED):
        some = indexes[begin : begin + NAMED]
        yield from map(_opened, query(connection, _READ_NAMED.format(",".join("?" * len(some))), log_id, *some))


def read_attribution(engine: Engine, topic: str, partition: int, stop: int) -> list[tuple[int, str]]:
    """(offset, programme) of every first entry of a partition below `stop`, by offset."""
    wanted = (
        select(entries.c.offset, logs.c.programme)
        .join(logs, logs.c.id == entries.c.log_id)
        .where(entries.c.topic == topic, entries.c.partition == partition, entries.c.offset < stop)
        .where(entries.c.of.is_(None))
        .order_by(entries.c.offset)
    )
    with reading(engine) as connection:
        return [(row[0], row[1]) for row in connection.execute(wanted)]


def _bare(row: Any) -> Stored:
    return Stored(row[0], row[1], None, None)


def _opened(row: Any) -> Stored:
    index, entry, salt, key, headers, value, detail = row
    return Stored(index, entry, None if salt is None else Opening(salt, key, headers, value), detail)
