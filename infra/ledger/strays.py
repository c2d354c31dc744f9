"""Rows that belong to nothing: of logs that are not there, and cursors beyond their log."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from infra.ledger.reader import query
from infra.ledger.rows import Fault
from infra.ledger.snapshots import faults as stray_snapshots
from infra.ledger.tiles import stray_tiles


def strays(connection: Connection) -> Iterator[Fault]:
    """Rows of logs that are not there, and openings without an entry."""
    known = {row[0] for row in query(connection, "SELECT id FROM logs")}
    for table in ("entries", "openings", "erasures", "checkpoints", "relays"):
        for (log_id,) in query(connection, f"SELECT DISTINCT log_id FROM {table}"):  # noqa: S608  # names from the line above
            if log_id not in known:
                yield Fault(table, str(log_id), "log_id", "a log", "none")
    yield from stray_tiles(connection, known)
    yield from stray_snapshots(connection, known)
    for log_id, next_index, size in query(
        connection, "SELECT r.log_id, r.next_index, l.size FROM relays r JOIN logs l ON l.id = r.log_id"
    ):
        if not 0 <= next_index <= size:
            yield Fault("relays", str(log_id), "next_index", f"0..{size}", str(next_index))
