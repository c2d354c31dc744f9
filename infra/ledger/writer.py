"""Appending: one transaction, heads and positions moved by compare-and-swap.

Everything that `integrity` checks later holds already when it is written: columns equal the entry's members, the
commitment opens, the frontier is that of the bytes. A recorder with a defect is refused here instead of being found
out by an auditor.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from events.entry import commitment, decode_members
from events.errors import Conflict, Refused, Tampered
from events.merkle import append as grow
from events.merkle import leaf_hash, pack_stack, unpack_stack
from infra.ledger.rows import Batch, LogAppend, NewEntry
from infra.ledger.tables import digest, entries, logs, opening_digest, openings, positions

Row = tuple[Any, ...]


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
    for index, new in enumerate(log.entries, log.expected_size):
        if problem := _problem(index, new):
            raise Refused(f"{log.programme}[{index}] cannot be appended: {problem}", hint="a defect of the caller")
        grow(stack, index, leaf_hash(new.entry))
        if new.of is None:
            offsets[new.topic, new.partition].append(new.offset)
    if tuple(stack) != log.stack:
        raise Refused(f"the frontier given for {log.programme!r} is not that of its entries", hint="read it again")
    log_id = _move_head(connection, log, log_id)
    numbered = list(enumerate(log.entries, log.expected_size))
    rows = [(log_id, i, e.entry, e.topic, e.partition, e.offset, e.of, e.verdict) for i, e in numbered]
    insert_rows(connection, entries, rows)
    private = [_opening_row(log_id, i, e) for i, e in numbered if e.opening is not None or e.detail is not None]
    insert_rows(connection, openings, private)


def _problem(index: int, new: NewEntry) -> str:
    """Where columns, opening and bytes of a new entry disagree, or nothing."""
    try:
        said = decode_members(new.entry)
    except Tampered as error:
        return error.message
    found = (index, new.topic, new.partition, new.offset, new.verdict, new.of)
    expected = (said[0], said[1], said[2], said[3], said[6], said[10])
    if found != expected:
        return f"its bytes say {expected}, its columns {found}"
    if (new.opening is None) != (new.of is not None):
        return "a first entry has an opening, a settlement has none"
    if new.opening is not None and commitment(new.opening) != said[7]:
        return f"its commitment is {said[7]}, its opening gives {commitment(new.opening)}"
    return ""


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
    """Id and frontier of the log. Raises Conflict unless it has the expected size."""
    row = connection.execute(
        select(logs.c.id, logs.c.origin, logs.c.size, logs.c.stack).where(logs.c.programme == log.programme)
    ).one_or_none()
    size = row.size if row else 0
    if size != log.expected_size:
        raise Conflict(f"the log of {log.programme!r} has {size} entries, expected {log.expected_size}")
    if row is None:
        return None, []
    if row.origin != log.origin:
        raise Refused(f"the log of {log.programme!r} has origin {row.origin!r}, not {log.origin!r}")
    return row.id, list(unpack_stack(row.stack, size))


def _move_head(connection: Connection, log: LogAppend, log_id: int | None) -> int:
    """The log's id, after its size and frontier have moved from expected to new. Raises Conflict when they stood
    elsewhere.
    """
    stack, size = pack_stack(log.stack), log.expected_size + len(log.entries)
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
    """Rows in column order, past SQLAlchemy's parameter processing: it would cost more than the database does."""
    if not rows:
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join([mark] * len(table.columns))
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608  # names of our own tables
    connection.exec_driver_sql(statement, rows)
