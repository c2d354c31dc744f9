"""The ledger as the rest of phasegate uses it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, insert, select, update

from events.errors import NotFound
from events.note import Checkpoint, VerifierKey
from events.record import Position
from infra.keys import SigningKey
from infra.ledger import binding, by_position, erasing, integrity, reader, signing, writer
from infra.ledger.browsing import count_verdicts, read_settlements
from infra.ledger.by_position import read_one
from infra.ledger.database import connect, reading, require_schema, sweep, writing
from infra.ledger.durability import require_durable
from infra.ledger.intake_store import IntakeStore
from infra.ledger.overview import Extent, Overview, read_extents, read_time
from infra.ledger.rows import (
    Batch,
    Erased,
    Fault,
    Head,
    Standing,
    Stored,
    StoredCheckpoint,
    StoredRecord,
    Stream,
)
from infra.ledger.snapshot_store import SnapshotStore
from infra.ledger.tables import checkpoints, digest, entries, logs, positions, relays
from infra.ledger.tiles import TileReader


class Ledger(SnapshotStore):
    """One append-only log per programme, with the bus positions up to which they hold everything.

    Durable when `append` returns; atomic always. Threads may share it: one writes while others read, each call on its
    own connection. Any number of processes may open the same database; among writers exactly one wins, the others get
    Conflict. Raises Unavailable when the database does not answer: the same call may be made again.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """Connects and creates nothing. Raises Unavailable when the schema is missing or not this version's."""
        engine = connect(url)
        require_schema(engine)
        return cls(engine)

    def close(self) -> None:
        """Gives the connections back. Iterators still in use end with an error or reconnect; nothing is lost."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def require_durable(self) -> None:
        """Raises Refused where a commit that returned could be lost: whoever writes asks before."""
        require_durable(self._engine)

    def bind(self, prefix: str, partitions: int, clock: str, cluster_id: str | None = None) -> Stream:
        """Says which bus this ledger records, once. The same again does nothing; a cluster id may be added later."""
        return binding.bind(self._engine, Stream(prefix, partitions, clock, cluster_id))

    def stream(self) -> Stream | None:
        """The bus that this ledger records, when it was bound."""
        return binding.bound(self._engine)

    def append(self, batch: Batch) -> None:
        """Appends to logs and moves positions in one transaction. Raises Conflict when any stood elsewhere than
        expected, Refused when the batch contradicts itself; then nothing is written.
        """
        with writing(self._engine) as connection:
            writer.append_batch(connection, batch)
        if any(log.erasing for log in batch.logs):
            sweep(self._engine)

    def heads(self) -> list[Head]:
        """The heads of all logs, in order of creation."""
        return reader.read_heads(self._engine)

    def head(self, programme: str) -> Head | None:
        """The head of one log."""
        return next(iter(reader.read_heads(self._engine, programme)), None)

    def extents(self) -> list[Extent]:
        """How long each log is and how far it is signed, in order of creation: one statement, however long they are."""
        return read_extents(self._engine)

    def overview(self) -> Overview:
        """For those who look at it and rest nothing on it."""
        return Overview(self._engine)

    def server_time(self) -> int | None:
        """The clock of the database's server (Unix milliseconds); None for SQLite, which has none."""
        return read_time(self._engine)

    def positions(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """The next offset to record of each (topic, partition); 0 where nothing is recorded yet."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(positions.c.topic, positions.c.partition, positions.c.next_offset)).all()
        known = {(topic, partition): offset for topic, partition, offset in rows}
        return {at: known.get(at, 0) for at in partitions}

    def read(
        self, programme: str, start: int = 0, stop: int | None = None, with_openings: bool = True
    ) -> Iterator[Stored]:
        """The entries start..stop (stop excluded) in index order, streamed; nothing for an unknown
        programme. What is appended while reading may or may not be seen.
        """
        return reader.read_entries(self._engine, programme, start, stop, with_openings)

    def read_values(
        self, programme: str, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, bytes, bytes | None]]:
        """`read` for those who fold: index, entry and the record's value, without the rest of its opening."""
        return reader.read_values(self._engine, programme, start, stop)

    def find(self, position: Position) -> tuple[str, int] | None:
        """Programme and index of the first entry of a record."""
        wanted = (
            select(logs.c.programme, entries.c.index)
            .join(logs, logs.c.id == entries.c.log_id)
            .where(entries.c.topic == position.topic, entries.c.partition == position.partition)
            .where(entries.c.offset == position.offset, entries.c.of.is_(None))
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else (row[0], row[1])

    def verdicts(self, programme: str, size: int) -> Mapping[str, int]:
        """The first `size` entries by verdict; `waiting`: pending still."""
        return count_verdicts(self._engine, programme, size)

    def settlements(self, programme: str, start: int, stop: int, size: int) -> Mapping[int, int]:
        """Which of the entries start..stop (stop excluded) are settled within the first `size`, and by which entry."""
        return read_settlements(self._engine, programme, start, stop, size)

    def attribution(self, topic: str, partition: int, stop: int) -> list[tuple[int, str]]:
        """(offset, programme of the log) of every first entry of a partition below `stop`, by offset."""
        return reader.read_attribution(self._engine, topic, partition, stop)

    def erased(self, programme: str, start: int = 0) -> list[Erased]:
        """Every record of a log from `start` on whose opening was erased, by index."""
        return list(erasing.read_erased(self._engine, programme, start))

    def standing(self) -> Standing:
        """Sizes of the logs and positions of one moment, also while somebody appends."""
        return by_position.read_standing(self._engine)

    def read_place(self, topic: str, partition: int, stop: int, sizes: Mapping[str, int]) -> Iterator[StoredRecord]:
        """Every record of a partition below `stop`, by offset, whichever log it is in; with its settlement where that lies
        within the given size of its log.
        """
        return by_position.read_place(self._engine, topic, partition, stop, sizes)

    def record_at(self, position: Position) -> StoredRecord | None:
        """The record at a position, with the entry that settled it, if one did by now."""
        return read_one(self._engine, position)

    def intake(self) -> IntakeStore:
        """What the HTTP intake keeps in the same database."""
        return IntakeStore(self._engine)

    def refused_after(self, programme: str, index: int, limit: int) -> list[Stored]:
        """Refused entries from `index` on (included), at most `limit`. A refused settlement has no opening of its
        own.
        """
        return reader.read_refused(self._engine, programme, index, limit)

    def relay_cursor(self, programme: str) -> int:
        """The first index not yet relayed: what to give `refused_after`."""
        wanted = select(relays.c.next_index).join(logs, logs.c.id == relays.c.log_id)
        wanted = wanted.where(logs.c.programme == programme)
        with reading(self._engine) as connection:
            return connection.execute(wanted).scalar_one_or_none() or 0

    def set_relay_cursor(self, programme: str, index: int) -> None:
        """Everything refused before `index` has been relayed: one past the last relayed entry."""
        with writing(self._engine) as connection:
            log_id = reader.log_id_of(connection, programme)
            if log_id is None:
                raise NotFound(f"there is no log of {programme!r}")
            values = {"next_index": index, "digest": digest(log_id, index)}
            if connection.execute(update(relays).where(relays.c.log_id == log_id).values(values)).rowcount == 0:
                connection.execute(insert(relays).values(log_id=log_id, **values))

    def sign(
        self,
        programme: str,
        key: SigningKey,
        trusted: Collection[VerifierKey] = (),
        before: SigningKey | None = None,
        given_out: Checkpoint | None = None,
    ) -> Checkpoint:
        """Signs the head under the log's origin and keeps the note in the same transaction; the latest checkpoint when
        nothing is new. The root is recomputed from bytes read back. `trusted` are earlier keys of this log, after a
        change of key; `before` is the latest of them, which signs the first checkpoint of `key` with it. Raises Tampered
        when entries and head disagree or do not extend what was `given_out`, Conflict when somebody else signed
        meanwhile; then nothing is signed.
        """
        return signing.sign_head(self._engine, programme, key, trusted, before, given_out)

    def require_extension(self, programme: str, size: int, earlier: Checkpoint) -> None:
        """Raises Tampered unless the first `size` entries begin with those of an earlier checkpoint."""
        signing.require_extension(self._engine, programme, size, earlier)

    def tiles(self, programme: str) -> TileReader:
        """The tiles of a log, for proofs and exports in O(log n) reads."""
        return TileReader(self._engine, programme)

    def integrity(self, programme: str | None = None, keys: Collection[VerifierKey] = ()) -> Iterator[Fault]:
        """Every contradiction in what is stored, re-read from the entries' bytes; nothing when all is well. `keys` are
        the log's public keys under any name; without them checkpoints are compared with the tree but not verified.
        """
        return integrity.faults(self._engine, programme, keys)

    def checkpoints(self, programme: str, *, latest: bool = False) -> list[StoredCheckpoint]:
        """Every checkpoint that was signed, by size; only the largest with `latest`."""
        wanted = (
            select(checkpoints.c.size, checkpoints.c.note)
            .join(logs, logs.c.id == checkpoints.c.log_id)
            .where(logs.c.programme == programme)
            .order_by(checkpoints.c.size.desc() if latest else checkpoints.c.size)
            .limit(1 if latest else None)
        )
        with reading(self._engine) as connection:
            return [StoredCheckpoint(row.size, row.note) for row in connection.execute(wanted)]
