"""The logs in one statement: what a monitor asks every few seconds, whatever their length."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select, text

from infra.ledger.database import reading
from infra.ledger.tables import checkpoints, logs


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
