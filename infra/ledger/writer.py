"""Appending: one transaction, heads and positions moved by compare-and-swap.

Everything that `integrity` checks later holds when it is written, because it is made here, once: an entry's bytes from
the columns, its commitment from its opening, the frontier from the bytes and the frontier stored before. So a recorder
with a defect cannot write what contradicts itself. `integrity` and signing read the bytes back and compute all of it a
second time, on a path of their own.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from events.entry import commitment, encode_members
from events.errors import Conflict, Refused
from events.merkle import append as grow
from events.merkle import leaf_hash, pack_stack, unpack_stack
from infra.ledger.erasing import erase, forgo
from infra.ledger.rows import Batch, Fault, LogAppend, NewEntry
from infra.ledger.tables import digest, entries, logs, opening_digest, openings, positions

Row = tuple[Any, ...]

ROWS_AT_ONCE = 1000
"""Rows of one statement in SQLite: times eight columns, well below its limit of 32,766 parameters."""


def append_batch(connection: Connection, batch: Batch) -> None:
    """Writes a batch in the transaction of `connection`. Raises Conflict or Refused; the caller rolls back.

    Logs and positions are moved in one order by every writer, so that two wait for each other and do not deadlock.
    """
    offsets: dict[tuple[str, int], list[int]] = defaultdict(list)
    for log in sorted(batch.logs, key=lambda log: log.programme):
        _append_log(connection, log, offsets)
    _check_positions(batch, offsets)
    for (topic, partition), (expected, new_offset) in sorted(batch.positions.items()):
        _move_position(connection, topic, partition, expected, new_offset)


def _append_log(connection: Connection, log: LogAppend, offsets: dict[tuple[str, int], list[int]]) -> None:
    """Appends to one log; notes the offsets of first entries by partition."""
    if not log.entries or not log.programme or "\0" in log.programme + log.origin:
        raise Refused(f"nothing to append to {log.programme!r}, or a name that no database can hold")
    log_id, stack = _head(connection, log)
    written = []
    for index, new in enumerate(log.entries, log.expected_size):
        written.append(data := _written(log.programme, index, new))
        grow(stack, index, leaf_hash(data))
        if new.of is None:
            offsets[new.topic, new.partition].append(new.offset)
    log_id = _move_head(connection, log, log_id, stack)
    numbered = list(enumerate(log.entries, log.expected_size))
    rows = [
        (log_id, index, data, new.topic, new.partition, new.offset, new.of, new.verdict)
        for (index, new), data in zip(numbered, written, strict=True)
    ]
    insert_rows(connection, entries, rows)
    kept = [(i, e) for i, e in numbered if (e.opening is not None or e.detail is not None) and not e.is_erased]
    insert_rows(connection, openings, [_opening_row(log_id, i, e) for i, e in kept])
    for index, new in numbered:
        if new.is_erased and new.opening is not None:
            forgo(connection, log_id, index, new.opening.value, new.verdict)
    erase(connection, log_id, log.erasing)


def _written(programme: str, index: int, new: NewEntry) -> bytes:
    """The bytes of a new entry: the only place where they are made for a ledger."""
    committed = new.commitment if new.opening is None else commitment(new.opening)
    if (new.opening is None) != (new.of is not None) or (new.commitment is None) != (new.of is None) or not committed:
        problem = "a first entry has an opening, a settlement the commitment of the entry that it cites"
        raise Refused(f"{programme}[{index}] cannot be appended: {problem}", hint="a defect of the caller")
    return encode_members(
        (index, new.topic, new.partition, new.offset, new.received_ms, new.received_by, new.verdict, committed, new.type,
         new.reason, new.of)
    )  # fmt: skip


def _check_positions(batch: Batch, offsets: dict[tuple[str, int], list[int]]) -> None:
    """Each partition's new offset is one past its last first entry, and none of them lies before the expected one."""
    wanted = {at: new - 1 for at, (_, new) in batch.positions.items()}
    last = {at: max(found) for at, found in offsets.items()}
    if last != wanted:
        raise Refused(f"positions must move one past the last first entries {last}, found {dict(batch.positions)}")
    for (topic, partition), found in offsets.items():
        expected = batch.positions[topic, partition][0]
        if min(found) < expected:
            raise Conflict(f"{topic}/{partition}/{min(found)} lies before the expected offset {expected}")


def _head(connection: Connection, log: LogAppend) -> tuple[int | None, list[bytes]]:
    """Id and frontier of the log. Raises Conflict unless it has the expected size, Tampered when the row is not as it was
    written: the frontier stored in it is what the new entries go on top of.
    """
    wanted = select(logs.c.id, logs.c.origin, logs.c.size, logs.c.stack, logs.c.digest)
    row = connection.execute(wanted.where(logs.c.programme == log.programme)).one_or_none()
    size = row.size if row else 0
    if size != log.expected_size:
        raise Conflict(f"the log of {log.programme!r} has {size} entries, expected {log.expected_size}")
    if row is None:
        return None, []
    if row.origin != log.origin:
        raise Refused(f"the log of {log.programme!r} has origin {row.origin!r}, not {log.origin!r}")
    if row.digest != (expected := digest(log.programme, row.origin, size, row.stack)):
        raise Fault("logs", log.programme, "digest", expected.hex(), row.digest.hex()).error()
    return row.id, list(unpack_stack(row.stack, size))


def _move_head(connection: Connection, log: LogAppend, log_id: int | None, frontier: list[bytes]) -> int:
    """The log's id, after its size and frontier have moved from expected to new. Raises Conflict when they stood
    elsewhere.
    """
    stack, size = pack_stack(frontier), log.expected_size + len(log.entries)
    values = {"size": size, "stack": stack, "digest": digest(log.programme, log.origin, size, stack)}
    if log_id is None:
        values |= {"programme": log.programme, "origin": log.origin}
        return int(connection.execute(insert(logs).values(values).returning(logs.c.id)).scalar_one())
    moved = connection.execute(update(logs).where(logs.c.id == log_id, logs.c.size == log.expected_size).values(values))
    if moved.rowcount != 1:
        raise Conflict(f"the log of {log.programme!r} grew past {log.expected_size} entries meanwhile")
    return log_id


def _move_position(connection: Connection, topic: str, partition: int, expected: int, new_offset: int) -> None:
    at = (positions.c.topic == topic) & (positions.c.partition == partition)
    values = {"next_offset": new_offset, "digest": digest(topic, partition, new_offset)}
    moved = connection.execute(update(positions).where(at, positions.c.next_offset == expected).values(values))
    if moved.rowcount == 1:
        return
    found = connection.execute(select(positions.c.next_offset).where(at)).scalar_one_or_none()
    if found is not None or expected != 0:
        raise Conflict(f"the next offset of {topic}/{partition} is {found or 0}, expected {expected}")
    connection.execute(insert(positions).values(topic=topic, partition=partition, **values))


def _opening_row(log_id: int, index: int, new: NewEntry) -> Row:
    detail = None if new.detail is None else _storable(new.detail)
    if new.opening is None:
        row: Row = (log_id, index, None, None, None, None, detail)
    else:
        opening = new.opening
        row = (log_id, index, opening.salt, opening.key, opening.headers, opening.value, detail)
    return *row, opening_digest(row)


def _storable(detail: str) -> str:
    """A detail may quote what a sender wrote: U+0000 and lone surrogates, which databases refuse, are replaced."""
    return detail.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def insert_rows(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Rows in column order, past SQLAlchemy's parameter processing: it would cost more than the database does. SQLite
    gets many rows per statement: each one costs a turn of the interpreter's lock, which the recorder's judging holds.
    """
    if connection.dialect.name != "sqlite":
        if rows:
            connection.exec_driver_sql(_insertion(table, 1).replace("?", "%s"), rows)
        return
    for start in range(0, len(rows), ROWS_AT_ONCE):
        chunk = rows[start : start + ROWS_AT_ONCE]
        connection.exec_driver_sql(_insertion(table, len(chunk)), tuple(chain.from_iterable(chunk)))


@lru_cache(maxsize=64)
def _insertion(table: Table, rows: int) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = f"({', '.join('?' * len(table.columns))})"
    return f"INSERT INTO {table.name} ({columns}) VALUES {', '.join([marks] * rows)}"  # noqa: S608  # our own names
