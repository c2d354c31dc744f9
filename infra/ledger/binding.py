"""Which bus a ledger records: said once, and refused when it is to be another."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, insert, select, update

from events.errors import Refused
from infra.ledger.database import reading, writing
from infra.ledger.rows import Stream
from infra.ledger.tables import digest, streams


def bind(engine: Engine, wanted: Stream) -> Stream:
    """The same again does nothing; a cluster id may be added later. Raises Refused where another bus is recorded."""
    with writing(engine) as connection:
        found = _found(connection)
        agreed = _agreed(found, wanted)
        columns = (agreed.prefix, agreed.partitions, agreed.clock, agreed.cluster_id)
        if found is None:
            connection.execute(insert(streams).values((1, *columns, digest(1, *columns))))
        elif agreed != found:
            connection.execute(update(streams).values(cluster_id=agreed.cluster_id, digest=digest(1, *columns)))
    return agreed


def bound(engine: Engine) -> Stream | None:
    """The bus, when it was said."""
    with reading(engine) as connection:
        return _found(connection)


def _found(connection: Connection) -> Stream | None:
    row = connection.execute(select(streams)).one_or_none()
    return Stream(row.prefix, row.partitions, row.clock, row.cluster_id) if row else None


def _agreed(found: Stream | None, wanted: Stream) -> Stream:
    """What the stream is once `wanted` was said too. Raises Refused when it says something else."""
    if found is None:
        return wanted
    for name in ("prefix", "partitions", "clock"):
        if getattr(found, name) != getattr(wanted, name):
            raise Refused(
                f"this ledger records a bus with {name} {getattr(found, name)!r}, not {getattr(wanted, name)!r}",
                hint="use the database of that bus, or start a new one",
            )
    if found.cluster_id is not None and wanted.cluster_id not in (None, found.cluster_id):
        raise Refused(f"this ledger records the Kafka cluster {found.cluster_id!r}, not {wanted.cluster_id!r}")
    return Stream(found.prefix, found.partitions, found.clock, found.cluster_id or wanted.cluster_id)
