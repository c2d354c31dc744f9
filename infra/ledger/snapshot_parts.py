"""The parts of snapshots (`infra.ledger.snapshots`): each row is named by the hash of what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select

from events.errors import Conflict
from infra.ledger.database import reading
from infra.ledger.reader import query
from infra.ledger.rows import Fault, Keeping
from infra.ledger.tables import logs, snapshots
from infra.ledger.tables import snapshot_parts as parts

_ALONE = "SELECT DISTINCT log_id FROM snapshot_parts WHERE log_id NOT IN (SELECT log_id FROM snapshots)"
_AT_ONCE = 500
"""Parts that are asked for in one query."""

NAME_BYTES = 16


def keep_parts(connection: Connection, log_id: int, keeping: Keeping) -> None:
    """Adds what is new, and deletes what the snapshot has no longer. Raises Conflict where something that it has is gone."""
    kept = {bytes(name) for (name,) in query(connection, "SELECT name FROM snapshot_parts WHERE log_id = ?", log_id)}
    wanted = set(keeping.names)
    if missing := wanted - kept - keeping.parts.keys():
        raise Conflict(f"{len(missing)} parts of a snapshot are gone: somebody else has made one, or erased something")
    unwanted, new = sorted(kept - wanted), sorted(wanted - kept)
    if unwanted:
        where = (parts.c.log_id == bindparam("of"), parts.c.name == bindparam("called"))
        connection.execute(delete(parts).where(*where), [{"of": log_id, "called": name} for name in unwanted])
    if new:
        rows = [{"log_id": log_id, "name": name, "data": keeping.parts[name]} for name in new]
        connection.execute(insert(parts), rows)


def forget(connection: Connection, log_id: int) -> None:
    """Deletes the snapshot of a log, with all its parts."""
    connection.execute(delete(parts).where(parts.c.log_id == log_id))
    connection.execute(delete(snapshots).where(snapshots.c.log_id == log_id))


def read_parts(engine: Engine, programme: str, names: Sequence[bytes]) -> list[bytes]:
    """The parts of these names, in that order. Raises Conflict where one is not there, or is not what its name says."""
    found: dict[bytes, bytes] = {}
    with reading(engine) as connection:
        for start in range(0, len(names), _AT_ONCE):
            wanted = (logs.c.programme == programme, parts.c.name.in_(names[start : start + _AT_ONCE]))
            rows = connection.execute(
                select(parts.c.name, parts.c.data).join(logs, logs.c.id == parts.c.log_id).where(*wanted)
            )
            found.update((row.name, row.data) for row in rows)
    if missing := [name for name in names if name not in found]:
        raise Conflict(f"a part of the snapshot of {programme!r} is gone: {missing[0].hex()}")
    if damaged := [name for name, data in found.items() if not _is_whole(name, data)]:
        raise Conflict(f"a part of the snapshot of {programme!r} is not as it was written: {damaged[0].hex()}")
    return [found[name] for name in names]


def part_faults(connection: Connection) -> Iterator[Fault]:
    """Parts of logs without a snapshot, and those that say something else than they did."""
    for (log_id,) in query(connection, _ALONE):
        yield Fault("snapshot_parts", str(log_id), "log_id", "a snapshot", "none")
    for row in connection.execute(select(parts), execution_options={"yield_per": _AT_ONCE}):
        if not _is_whole(row.name, row.data):
            yield Fault(
                "snapshot_parts", f"{row.log_id}/{row.name.hex()}", "data", "what it is named by", "something else"
            )


def _is_whole(name: bytes, data: bytes) -> bool:
    return sha256(data).digest()[:NAME_BYTES] == name
