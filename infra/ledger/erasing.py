"""Deleting openings: the one thing that is ever deleted. The entry, its commitment and the tree stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine

from events.derived import identity_hash
from events.envelope import decode_accepted
from events.errors import Refused
from infra.ledger.database import reading
from infra.ledger.reader import log_id_of, query
from infra.ledger.rows import Erased, Erasing
from infra.ledger.snapshot_parts import forget
from infra.ledger.tables import digest

_FOUND = """
SELECT e."index", e.verdict, s."index", s.verdict, o.value
FROM entries e LEFT JOIN entries s ON s.log_id = e.log_id AND s."of" = e."index"
LEFT JOIN openings o ON o.log_id = e.log_id AND o."index" = e."index"
WHERE e.log_id = ? AND e.topic = ? AND e.partition = ? AND e."offset" = ? AND e."of" IS NULL
"""
_KNOWN = 'SELECT settled, identity FROM erasures WHERE log_id = ? AND "index" = ? AND "by" IS NULL'
_ALL = """
SELECT x."index", x."by", x.identity FROM erasures x WHERE x.log_id = ? AND x."index" >= ? ORDER BY x."index"
"""
_INSERT = 'INSERT INTO erasures (log_id, "index", settled, "by", identity, digest) VALUES (?, ?, ?, ?, ?, ?)'
_UPDATE = 'UPDATE erasures SET settled = ?, "by" = ?, digest = ? WHERE log_id = ? AND "index" = ?'
_DELETE = 'DELETE FROM openings WHERE log_id = ? AND ("index" = ? OR "index" = ?)'


def erase(connection: Connection, log_id: int, erasing: Sequence[Erasing]) -> None:
    """Deletes what these records hold, in the transaction of `connection`. Raises Refused for one that the log does not
    have: the judge accepts no such erasure.
    """
    if erasing:
        forget(connection, log_id)  # It was folded with what goes now.
    for one in erasing:
        found = query(connection, _FOUND, log_id, one.topic, one.partition, one.offset)
        if not found:
            raise Refused(f"there is no record {one.topic}/{one.partition}/{one.offset} to erase", hint="a defect")
        index, verdict, settled, settled_as, value = found[0]
        known = query(connection, _KNOWN, log_id, index)
        if known:  # It was never kept.
            row = (log_id, index, settled, one.by, known[0][1])
            execute(connection, _UPDATE, settled, one.by, digest(*row), log_id, index)
        else:
            identity = _identity(value) if "accepted" in (verdict, settled_as) else None
            row = (log_id, index, settled, one.by, identity)
            execute(connection, _INSERT, *row, digest(*row))
        execute(connection, _DELETE, log_id, index, -1 if settled is None else settled)


def forgo(connection: Connection, log_id: int, index: int, value: bytes | None, verdict: str) -> None:
    """Notes an entry whose opening is not kept, because its record is known to be erased."""
    row = (log_id, index, None, None, _identity(value) if verdict in ("accepted", "pending") else None)
    execute(connection, _INSERT, *row, digest(*row))


def _identity(value: bytes | None) -> bytes:
    event = decode_accepted(value or b"")
    return identity_hash(event.source, event.id)


def execute(connection: Connection, statement: str, *parameters: object) -> None:
    """A driver-level statement; `?` marks a parameter on both databases."""
    if connection.dialect.name != "sqlite":
        statement = statement.replace("?", "%s")
    connection.exec_driver_sql(statement, parameters)


def read_erased(engine: Engine, programme: str, start: int = 0) -> Iterator[Erased]:
    """Every erased record of a log from an entry on, by index."""
    with reading(engine) as connection:
        log_id = log_id_of(connection, programme)
        rows = [] if log_id is None else query(connection, _ALL, log_id, start)
    return (Erased(*row) for row in rows)
