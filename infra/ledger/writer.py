"""Appending: one transaction, heads and positions moved by compare-and-swap.

Everything that `integrity` checks later holds already when it is written: columns equal the entry's members, the
commitment opens, the frontier is that of the bytes. A recorder with a defect is refused here instead of being found
out by an auditor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from events.entry import Entry, commitment, decode_entry
from events.errors import Conflict, Refused, Tampered
from events.merkle import append as grow
from events.merkle import leaf_hash, pack_stack, unpack_stack
from infra.ledger.rows import Batch, LogAppend, NewEntry
from infra.ledger.tables import digest, entries, logs, openings, positions

Row = tuple[Any, ...]


def append_batch(connection: Connection, batch: Batch) -> None:
    """Writes a batch in the transaction of `connection`. Raises Conflict or Refused; the caller rolls back."""
    new = [_checked(log) for log in batch.logs]
    _check_positions(batch, new)
    for log in sorted(batch.logs, key=lambda log: log.programme):
        log_id = _move_head(connection, log)
        numbered = list(enumerate(log.entries, log.expected_size))
        _insert(connection, entries, [_entry_row(log_id, i, new) for i, new in numbered])
        private = [(i, new) for i, new in numbered if new.opening is not None or new.detail is not None]
        _insert(connection, openings, [_opening_row(log_id, i, new) for i, new in private])
    for (topic, partition), (expected, new_offset) in sorted(batch.positions.items()):
        _move_position(connection, topic, partition, expected, new_offset)


def _checked(log: LogAppend) -> list[Entry]:
    """The entries of a log, decoded, when everything about them agrees. Raises Refused."""
    if not log.entries or not log.programme or "\0" in log.programme + log.origin:
        raise Refused(f"nothing to append to {log.programme!r}, or a name that no database can hold")
    decoded = []
    for index, new in enumerate(log.entries, log.expected_size):
        try:
            entry = decode_entry(new.entry)
        except Tampered as error:
            raise Refused(f"{log.programme}[{index}]: {error.message}") from error
        if problem := _problem(index, new, entry):
            raise Refused(f"{log.programme}[{index}] cannot be appended: {problem}", hint="a defect of the caller")
        decoded.append(entry)
    return decoded


def _problem(index: int, new: NewEntry, entry: Entry) -> str:
    """Where columns, opening and bytes of a new entry disagree, or nothing."""
    found = (index, new.topic, new.partition, new.offset, new.of, new.verdict)
    expected = (entry.index, entry.topic, entry.partition, entry.offset, entry.of, entry.verdict)
    if found != expected:
        return f"its bytes say {expected}, its columns {found}"
    if (new.opening is None) != (new.of is not None):
        return "a first entry has an opening, a settlement has none"
    if new.opening is not None and commitment(new.opening) != entry.commitment:
        return f"its commitment is {entry.commitment}, its opening gives {commitment(new.opening)}"
    return ""


def _check_positions(batch: Batch, new: Sequence[list[Entry]]) -> None:
    """Each partition's new offset is one past the last first entry, and none of them lies before the expected one."""
    first: dict[tuple[str, int], int] = {}
    last: dict[tuple[str, int], int] = {}
    for decoded in new:
        for entry in decoded:
            if entry.of is None:
                at = (entry.topic, entry.partition)
                last[at] = max(last.get(at, -1), entry.offset)
                first[at] = min(first.get(at, entry.offset), entry.offset)
    moves = {at: (expected, new_offset - 1) for at, (expected, new_offset) in batch.positions.items()}
    if last != {at: new_last for at, (_, new_last) in moves.items()}:
        raise Refused(f"positions must move one past the last first entries {last}, found {dict(batch.positions)}")
    for at, offset in first.items():
        if offset < moves[at][0]:
            raise Conflict(f"{at[0]}/{at[1]}/{offset} lies before the expected offset {moves[at][0]}")


def _move_head(connection: Connection, log: LogAppend) -> int:
    """The log's id, after its size and frontier have moved from expected to new. Raises Conflict when they stood
    elsewhere."""
    row = connection.execute(
        select(logs.c.id, logs.c.origin, logs.c.size, logs.c.stack).where(logs.c.programme == log.programme)
    ).one_or_none()
    size = row.size if row else 0
    if size != log.expected_size:
        raise Conflict(f"the log of {log.programme!r} has {size} entries, expected {log.expected_size}")
    if row and row.origin != log.origin:
        raise Refused(f"the log of {log.programme!r} has origin {row.origin!r}, not {log.origin!r}")
    _check_stack(log, list(unpack_stack(row.stack, size)) if row else [])
    stack, new_size = pack_stack(log.stack), size + len(log.entries)
    head = digest(log.programme, log.origin, new_size, stack)
    if row is None:
        values = {"programme": log.programme, "origin": log.origin, "size": new_size, "stack": stack, "digest": head}
        created = connection.execute(insert(logs).values(values).returning(logs.c.id))
        return int(created.scalar_one())
    moved = connection.execute(
        update(logs).where(logs.c.id == row.id, logs.c.size == size).values(size=new_size, stack=stack, digest=head)
    )
    if moved.rowcount != 1:
        raise Conflict(f"the log of {log.programme!r} grew past {size} entries meanwhile")
    return int(row.id)


def _check_stack(log: LogAppend, stack: list[bytes]) -> None:
    for index, new in enumerate(log.entries, log.expected_size):
        grow(stack, index, leaf_hash(new.entry))
    if tuple(stack) != log.stack:
        raise Refused(
            f"the frontier given for {log.programme!r} is not that of its entries at {log.expected_size}+"
            f"{len(log.entries)}", hint="read the head again; a cached frontier is stale",
        )  # fmt: skip


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


def _entry_row(log_id: int, index: int, new: NewEntry) -> Row:
    return log_id, index, new.entry, new.topic, new.partition, new.offset, new.of, new.verdict


def _opening_row(log_id: int, index: int, new: NewEntry) -> Row:
    detail = None if new.detail is None else _storable(new.detail)
    if new.opening is None:
        return log_id, index, None, None, None, None, detail, digest(log_id, index, None, None, None, None, detail)
    salt, key, headers, value = new.opening.salt, new.opening.key, new.opening.headers, new.opening.value
    row = (log_id, index, salt, key, headers, value, detail)
    return *row, digest(*row)


def _storable(detail: str) -> str:
    """A detail may quote what a sender wrote: U+0000 and lone surrogates, which databases refuse, are replaced."""
    return detail.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _insert(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Rows in column order, past SQLAlchemy's parameter processing: it would cost more than the database does."""
    if not rows:
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join([mark] * len(table.columns))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", rows)
