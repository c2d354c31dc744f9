"""Reading a ledger by the places of its records on the bus, whichever log they are in: two ledgers of one bus are compared so,
since each has an order of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, select

from events.entry import Opening
from events.record import Position
from infra.ledger.database import reading
from infra.ledger.reader import CHUNK, query
from infra.ledger.rows import Standing, StoredRecord
from infra.ledger.tables import logs, positions

_READ_PLACE = """
SELECT l.programme, e."index", e."offset", e.entry, o.salt, o.key, o.headers, o.value, s."index", s.entry
FROM entries e JOIN logs l ON l.id = e.log_id
LEFT JOIN openings o ON o.log_id = e.log_id AND o."index" = e."index"
LEFT JOIN entries s ON s.log_id = e.log_id AND s."of" = e."index"
WHERE e.topic = ? AND e."partition" = ? AND e."offset" >= ? AND e."offset" < ? AND e."of" IS NULL
ORDER BY e."offset" LIMIT ?
"""


def read_standing(engine: Engine) -> Standing:
    """Sizes and positions that belong together: no append lies between them."""
    with reading(engine, snapshot=True) as connection:
        sizes = connection.execute(select(logs.c.programme, logs.c.size)).all()
        places = connection.execute(select(positions.c.topic, positions.c.partition, positions.c.next_offset)).all()
    return Standing({row.programme: row.size for row in sizes}, {(row[0], row[1]): row[2] for row in places})


def read_place(
    engine: Engine, topic: str, partition: int, stop: int, sizes: Mapping[str, int]
) -> Iterator[StoredRecord]:
    """The first entries of a partition below `stop`, by offset, each with its settlement if that lies within the given size
    of its log; a chunk per query.
    """
    start = 0
    while start < stop:
        with reading(engine) as connection:
            rows = query(connection, _READ_PLACE, topic, partition, start, stop, CHUNK)
        found = [_record(row, sizes) for row in rows]
        yield from found
        if len(rows) < CHUNK:
            return
        start = found[-1].offset + 1


def read_one(engine: Engine, at: Position) -> StoredRecord | None:
    """The first entry of the record at a position, with its settlement if there is one by now."""
    with reading(engine) as connection:
        rows = query(connection, _READ_PLACE, at.topic, at.partition, at.offset, at.offset + 1, 1)
    return _record(rows[0], None) if rows else None


def _record(row: Sequence[Any], sizes: Mapping[str, int] | None) -> StoredRecord:
    """Of a log as large as `sizes` says; None: as it is now."""
    programme, index, offset, entry, salt, key, headers, value, later, settlement = row
    opening = None if salt is None else Opening(salt, key, headers, value)
    is_settled = later is not None and (sizes is None or later < sizes.get(programme, 0))
    return StoredRecord(programme, index, offset, entry, opening, settlement if is_settled else None)
