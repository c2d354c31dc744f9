"""Snapshots: what a log was folded to at a size, so that it need not be folded again. A cache and no evidence: nothing that
verifies reads it, and whoever opens a log by one looks first whether it is of this log (docs/decisions/0031).

There is at most one of each log, and none that was made before the log's last erasure. Beside its row it has parts, each of
them named by the hash of what it says: those that the next one has too are not written again (docs/decisions/0043).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, Engine, delete, insert, select

from events.errors import Conflict
from events.merkle import root, unpack_stack
from events.proofs import root_from
from events.tiles import reading_tiles
from infra.ledger.database import reading, writing
from infra.ledger.reader import query
from infra.ledger.rows import Fault, Keeping, Snapshot
from infra.ledger.snapshot_parts import keep_parts, part_faults
from infra.ledger.tables import digest, logs, snapshots
from infra.ledger.tiles import TileReader

_AHEAD = 'SELECT 1 FROM erasures WHERE log_id = ? AND "by" IS NULL LIMIT 1'
_STALE = """
SELECT l.programme, s.size, l.size, MAX(x."by") FROM snapshots s JOIN logs l ON l.id = s.log_id
LEFT JOIN erasures x ON x.log_id = s.log_id GROUP BY l.programme, s.size, l.size
"""


def keep(engine: Engine, programme: str, size: int, keeping: Keeping) -> bool:
    """Keeps what the whole log was folded to, in place of what was kept of it before. Raises Conflict when the log has
    grown, or never had that size: then whoever folded it may know something that was erased since; and where a part is
    gone. Nothing is kept, and False returned, of a log where a record is known to be erased and is not yet.
    """
    with writing(engine) as connection:
        wanted = select(logs.c.id, logs.c.size, logs.c.stack).where(logs.c.programme == programme)
        head = connection.execute(wanted.with_for_update()).one_or_none()
        if head is None or head.size != size:
            found = "no log" if head is None else f"{head.size} entries"
            raise Conflict(f"a snapshot of {programme!r} at {size} is not kept: there is {found}")
        if query(connection, _AHEAD, head.id):
            return False
        keep_parts(connection, head.id, keeping)
        row = (head.id, size, root(unpack_stack(head.stack, size)), keeping.build, keeping.folded)
        connection.execute(delete(snapshots).where(snapshots.c.log_id == head.id))
        names = ("log_id", "size", "root", "build", "folded")
        connection.execute(insert(snapshots).values(dict(zip(names, row, strict=True), digest=digest(*row))))
    return True


def find(engine: Engine, programme: str) -> Snapshot | None:
    """What is kept of a log, as it is: whether it holds is for `is_of_log` and for who made it to say."""
    wanted = select(snapshots).join(logs, logs.c.id == snapshots.c.log_id).where(logs.c.programme == programme)
    with reading(engine) as connection:
        row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    is_whole = row.digest == digest(row.log_id, row.size, row.root, row.build, row.folded)
    return Snapshot(row.size, row.root, row.build, row.folded, is_whole)


def is_of_log(engine: Engine, programme: str, snapshot: Snapshot) -> bool:
    """The log has that size, and begins with the entries that were folded: its tree has the same root there."""
    with reading(engine) as connection:
        head = connection.execute(select(logs.c.size, logs.c.stack).where(logs.c.programme == programme)).one_or_none()
    if head is None or not 0 < snapshot.size <= head.size:
        return False
    if head.size == snapshot.size:
        return root(unpack_stack(head.stack, head.size)) == snapshot.root
    found = root_from(snapshot.size, reading_tiles(snapshot.size, TileReader(engine, programme).hashes))
    return found == snapshot.root


def faults(connection: Connection, known: Collection[int]) -> Iterator[Fault]:
    """Snapshots of logs that are not there, beyond the end of theirs, or older than an erasure: they may hold what is to be
    gone. That they are as they were written, their digests say.
    """
    yield from part_faults(connection)
    for (log_id,) in query(connection, "SELECT log_id FROM snapshots"):
        if log_id not in known:
            yield Fault("snapshots", str(log_id), "log_id", "a log", "none")
    for programme, size, length, erased in query(connection, _STALE):
        if not 0 < size <= length:
            yield Fault("snapshots", programme, "size", f"1..{length}", str(size))
        if erased is not None and size <= erased:
            yield Fault("snapshots", programme, "size", f"more than {erased}, which erased something", str(size))
