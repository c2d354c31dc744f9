"""Re-reading everything: does each stored byte follow from the entries, or from its row's digest?

This is a path of its own. It shares the formats (`events.entry`, hashes) with appending, but grows the tree by levels
instead of by size, takes nothing from what was cached, and trusts no column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, select

from events.entry import Members, Opening, commitment, decode_members
from events.errors import Tampered
from events.merkle import leaf_hash
from events.merkle import root as fold
from events.note import ED25519, Checkpoint, VerifierKey, open_checkpoint, parse_checkpoint, verifier_key
from infra.ledger.database import reading
from infra.ledger.explained import ErasureFaults
from infra.ledger.reader import query
from infra.ledger.rows import Fault
from infra.ledger.strays import strays
from infra.ledger.suspect import Suspect, grow, stack_of
from infra.ledger.tables import DIGESTED, checkpoints, digest, logs, metadata, opening_digest
from infra.ledger.tiles import TileFaults

CHUNK = 2000

_ROWS = """
SELECT e."index", e.topic, e.partition, e."offset", e.verdict, e."of", e.entry,
       o.log_id, o."index", o.salt, o.key, o.headers, o.value, o.detail, o.digest
FROM entries e LEFT JOIN openings o ON o.log_id = e.log_id AND o."index" = e."index"
WHERE e.log_id = ? AND e."index" >= ? ORDER BY e."index" LIMIT ?
"""
_COLUMNS = ("index", "topic", "partition", "offset", "verdict", "of")
_LAST = 'SELECT topic, partition, MAX("offset") FROM entries WHERE "of" IS NULL GROUP BY topic, partition'


def faults(engine: Engine, programme: str | None, keys: Collection[VerifierKey]) -> Iterator[Fault]:
    """Everything that contradicts, in all logs or one; positions and the stream are looked at in any case. Memory stays
    bounded by the number of unsettled records. One snapshot, so a recorder may go on writing. The first fault is the one
    nearest to what was changed: a row's own digest, then its log, then what only follows from other rows.
    """
    with reading(engine, snapshot=True) as connection:
        for table in DIGESTED:
            if table != "openings":  # checked with their entries
                yield from _digests(connection, table)
        wanted = select(logs).order_by(logs.c.id)
        if programme is not None:
            wanted = wanted.where(logs.c.programme == programme)
        for log in connection.execute(wanted).all():
            yield from _Log(connection, log, keys).faults()
        yield from _positions(connection)
        yield from strays(connection)


def _digests(connection: Connection, table: str) -> Iterator[Fault]:
    for row in connection.execute(select(metadata.tables[table])).mappings():
        expected = digest(*(row[name] for name in DIGESTED[table]))
        if row["digest"] != expected:
            key = "/".join(str(row[column.name]) for column in metadata.tables[table].primary_key)
            yield Fault(table, key, "digest", expected.hex(), row["digest"].hex())


def _positions(connection: Connection) -> Iterator[Fault]:
    expected = {(topic, partition): last + 1 for topic, partition, last in query(connection, _LAST)}
    rows = query(connection, "SELECT topic, partition, next_offset FROM positions")
    found = {(topic, partition): offset for topic, partition, offset in rows}
    for at in sorted(expected.keys() | found.keys()):
        if expected.get(at) != found.get(at):
            yield Fault("positions", f"{at[0]}/{at[1]}", "next_offset", str(expected.get(at)), str(found.get(at)))


class _Log:
    """One pass over one log."""

    def __init__(self, connection: Connection, log: Any, keys: Collection[VerifierKey]) -> None:
        self.connection, self.log = connection, log
        self.keys = [verifier_key(log.origin, key.public) for key in keys if key.algorithm == ED25519]
        self.levels: list[bytes | None] = []
        self.pending: dict[int, Members] = {}
        self.openings = 0
        self.agreed = 0  # the largest checkpoint that the entries up to here have met
        self.located = False
        self.suspect: Suspect | None = None
        self.tiles = TileFaults(connection, log)
        self.erasures = ErasureFaults(connection, log)

    def faults(self) -> Iterator[Fault]:
        stored = {row.size: row for row in self._checkpoints()}
        size = 0
        for row in self._rows():
            if row[0] != size:
                yield Fault("entries", self._key(size), "index", str(size), str(row[0]))
                return
            yield from self._entry(row)
            grow(self.levels, leaf := leaf_hash(row[6]))
            if self.suspect is not None:
                self.suspect.grow(size, leaf)
            self.tiles.grow(leaf)
            size += 1
            if size in stored:
                yield from self._checkpoint(stored.pop(size))
        yield from self._head(size)
        yield from self._accused(b"")
        for beyond in stored.values():
            yield Fault("checkpoints", f"{self.log.programme}@{beyond.size}", "size", f"1..{size}", str(beyond.size))
        yield from self.tiles.faults()
        yield from self.erasures.faults()

    def _rows(self) -> Iterator[Any]:
        start = 0
        while rows := query(self.connection, _ROWS, self.log.id, start, CHUNK):
            yield from rows
            start = rows[-1][0] + 1

    def _checkpoints(self) -> Any:
        return self.connection.execute(select(checkpoints).where(checkpoints.c.log_id == self.log.id)).all()

    def _key(self, index: int | str) -> str:
        return f"{self.log.programme}[{index}]"

    def _entry(self, row: Any) -> Iterator[Fault]:
        try:
            said = decode_members(row[6])
        except Tampered as error:
            yield Fault("entries", self._key(row[0]), "entry", "canonical bytes", error.message)
            return
        expected = (said[0], said[1], said[2], said[3], said[6], said[10])
        if row[:6] != expected:
            for name, value, found in zip(_COLUMNS, expected, row[:6], strict=True):
                if value != found:
                    yield Fault("entries", self._key(row[0]), name, repr(value), repr(found))
        self.erasures.saw(said, row[12])
        if said[10] is None:
            yield from self._opening(row, said)
        else:
            yield from self._settlement(row, said)

    def _opening(self, row: Any, said: Members) -> Iterator[Fault]:
        """A first entry has a row that its commitment opens to."""
        if said[6] == "pending":
            self.pending[said[0]] = said
        if row[7] is None and self.erasures.explains(said[0]):
            self.erasures.gone(said)
            return
        if row[7] is None or row[9] is None or row[11] is None:
            yield Fault("openings", self._key(row[0]), "salt", "an opening", "none")
            return
        self.openings += 1
        found = commitment(Opening(row[9], row[10], row[11], row[12])) if len(row[9]) == 32 else "no salt of 32 bytes"
        if found != said[7]:
            if self.suspect is None and len(found) == len(said[7]):
                self.suspect = Suspect(row[0], row[6], said[7], found, list(self.levels))
            else:
                yield Fault("openings", self._key(row[0]), "salt, key, headers, value", said[7], found)
        if row[14] is not None or row[13] is not None or row[12] is None:
            yield from self._opening_digest(row)

    def _settlement(self, row: Any, said: Members) -> Iterator[Fault]:
        """A settlement cites, once, a pending entry of the same record; its row of openings holds a detail alone."""
        cited = self.pending.pop(said[10] or 0, None)
        wanted = "an unsettled entry" if cited is None else f"{cited[1]}/{cited[2]}/{cited[3]} {cited[7]}"
        found = f"{said[1]}/{said[2]}/{said[3]} {said[7]}"
        is_told = self.suspect is not None and self.suspect.explains(said[10], said[7])
        if found != wanted and not is_told:
            yield Fault("entries", self._key(row[0]), "of", f"{said[10]}: {wanted}", f"{said[10]}: {found}")
        if row[7] is None:
            return
        self.openings += 1
        if row[9:13] != (None, None, None, None) or row[13] is None:
            yield Fault("openings", self._key(row[0]), "salt, key, headers, value, detail", "a detail alone", "others")
        yield from self._opening_digest(row)

    def _opening_digest(self, row: Any) -> Iterator[Fault]:
        expected = opening_digest(row[7:14])
        if row[14] != expected:
            yield Fault("openings", self._key(row[0]), "digest", _hex(expected), _hex(row[14]))

    def _accused(self, kept: bytes) -> Iterator[Fault]:
        """Lays the difference of a suspect at its entry, where the frontier that was kept is that of the other entry; else
        at its opening.
        """
        suspect, self.suspect = self.suspect, None
        if suspect is None:
            return
        table, column = "openings", "salt, key, headers, value"
        if kept and kept == b"".join(stack_of(suspect.levels)):
            table, column = "entries", "entry"
        yield Fault(table, self._key(suspect.index), column, suspect.said, suspect.found)

    def _stack(self) -> list[bytes]:
        return stack_of(self.levels)

    def _located(self, size: int, kept: bytes) -> Iterator[Fault]:
        """Where the entries left a frontier that was kept, once. Leaves are not kept by themselves: of a change that the
        tree alone shows (a `received`, say) the first subtree is told that it is in, past the last checkpoint that held.
        """
        stack, start = self._stack(), 0
        if self.located or len(kept) != 32 * len(stack):
            return
        for place, found in enumerate(stack):
            width, expected = 1 << (size - start).bit_length() - 1, kept[32 * place : 32 * place + 32]
            if found != expected:
                where = f"{max(start, self.agreed)}..{start + width - 1}"
                yield Fault("entries", self._key(where), "entry", expected.hex(), found.hex())
                self.located = True
                return
            start += width
        self.agreed = size

    def _checkpoint(self, row: Any) -> Iterator[Fault]:
        key, stack = f"{self.log.programme}@{row.size}", self._stack()
        yield from self._accused(row.stack)
        yield from self._located(row.size, row.stack)
        if row.stack != b"".join(stack):
            yield Fault("checkpoints", key, "stack", b"".join(stack).hex(), row.stack.hex())
        expected = Checkpoint(self.log.origin, row.size, fold(stack))
        try:
            text = row.note[: row.note.rfind(b"\n\n") + 1]
            found = open_checkpoint(row.note, self.keys) if self.keys else parse_checkpoint(text)
        except Tampered as error:
            yield Fault("checkpoints", key, "note", str(expected), error.message)
            return
        if found != expected:
            yield Fault("checkpoints", key, "note", str(expected), str(found))

    def _head(self, size: int) -> Iterator[Fault]:
        stack = b"".join(self._stack())
        if size == self.log.size:
            yield from self._accused(self.log.stack)
            yield from self._located(size, self.log.stack)
        found: Mapping[str, tuple[str, str]] = {
            "size": (str(size), str(self.log.size)),
            "stack": (stack.hex(), self.log.stack.hex()),
        }
        for column, (expected, value) in found.items():
            if expected != value:
                yield Fault("logs", self.log.programme, column, expected, value)
        ((count,),) = query(self.connection, "SELECT COUNT(*) FROM openings WHERE log_id = ?", self.log.id)
        if count != self.openings:
            yield Fault("openings", self.log.programme, "index", f"{self.openings} rows with an entry", f"{count} rows")


def _hex(value: bytes | None) -> str:
    return "NULL" if value is None else value.hex()
