"""The logs in one statement: what a monitor asks every few seconds, whatever their length."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, func, select, text

from infra.ledger.database import reading
from infra.ledger.reader import log_id_of, read_named
from infra.ledger.rows import Stored
from infra.ledger.tables import checkpoints, entries, logs, relays


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a log is, and up to where its checkpoints are signed (0: not at all)."""

    programme: str
    size: int
    signed: int


def read_time(engine: Engine) -> int | None:
    """What a database server's clock says (Unix milliseconds); None of a file, which has none."""
    if engine.dialect.name != "postgresql":
        return None
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)")).scalar_one())


def read_extents(engine: Engine) -> list[Extent]:
    """Of all logs in order of creation. What the rows' digests say is left to whoever goes on from a head."""
    signed = (
        select(func.coalesce(func.max(checkpoints.c.size), 0))
        .where(checkpoints.c.log_id == logs.c.id)
        .correlate(logs)
        .scalar_subquery()
    )
    with reading(engine) as connection:
        rows = connection.execute(select(logs.c.programme, logs.c.size, signed).order_by(logs.c.id)).all()
    return [Extent(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Overview:
    """What those ask who look at a ledger and rest nothing on it; each in one statement, whatever there is of it."""

    engine: Engine

    def sizes(self) -> Mapping[str, int]:
        """How long each log is."""
        with reading(self.engine) as connection:
            return {row[0]: row[1] for row in connection.execute(select(logs.c.programme, logs.c.size))}

    def signed(self, programme: str, size: int) -> int:
        """The size of the largest checkpoint of a log within its first `size` entries; 0 without one."""
        largest = select(func.coalesce(func.max(checkpoints.c.size), 0)).join(logs, logs.c.id == checkpoints.c.log_id)
        with reading(self.engine) as connection:
            wanted = largest.where(logs.c.programme == programme, checkpoints.c.size <= size)
            return int(connection.execute(wanted).scalar_one())

    def refused(self) -> Mapping[str, tuple[int, int]]:
        """Of each log with refused entries: how many were relayed to the dead letters, and how many are still to be."""
        is_relayed = entries.c.index < func.coalesce(relays.c.next_index, 0)
        wanted = (
            select(logs.c.programme, func.count().filter(is_relayed), func.count())
            .select_from(entries.join(logs).outerjoin(relays, relays.c.log_id == logs.c.id))
            .where(entries.c.verdict == "refused")
            .group_by(logs.c.programme)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(wanted).all()
        return {name: (relayed, count - relayed) for name, relayed, count in rows}

    def some(self, programme: str, indexes: Collection[int]) -> Mapping[int, Stored]:
        """These entries of a log with what hangs on them: as many statements as there are thousands of them."""
        with reading(self.engine) as connection:
            log_id = log_id_of(connection, programme)
            return {} if log_id is None else {row.index: row for row in read_named(connection, log_id, sorted(indexes))}
