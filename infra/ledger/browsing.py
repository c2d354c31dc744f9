"""What the browser of a log asks besides the entries themselves: how many there are of each verdict, and what settled which."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine, func, select

from infra.ledger.database import reading
from infra.ledger.reader import log_id_of
from infra.ledger.tables import entries


def count_verdicts(engine: Engine, programme: str, size: int) -> Mapping[str, int]:
    """The first `size` entries by verdict; under `waiting` those that are pending and that none of them settles."""
    counts = select(entries.c.verdict, func.count(), func.count(entries.c.of)).group_by(entries.c.verdict)
    with reading(engine) as connection:
        log_id = log_id_of(connection, programme)
        rows = connection.execute(counts.where(entries.c.log_id == log_id, entries.c.index < size)).all()
    found = {verdict: count for verdict, count, _ in rows}
    return found | {"waiting": found.get("pending", 0) - sum(settlements for _, _, settlements in rows)}


def read_settlements(engine: Engine, programme: str, start: int, stop: int, size: int) -> Mapping[int, int]:
    """The entries start..stop (stop excluded) that one of the first `size` entries settles, with that one."""
    wanted = select(entries.c.of, entries.c.index).where(entries.c.of >= start, entries.c.of < stop)
    with reading(engine) as connection:
        log_id = log_id_of(connection, programme)
        rows = connection.execute(wanted.where(entries.c.log_id == log_id, entries.c.index < size))
        return {row[0]: row[1] for row in rows}
