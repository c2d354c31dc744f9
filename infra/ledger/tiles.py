"""Full tiles of a log's tree, kept so that a proof reads a few rows and not the log.

They are made when a checkpoint is signed, from entries read back, and stored in the transaction that keeps the signed
note. They follow from the entries: a missing one is computed again when it is asked for, a wrong one is a fault. Partial
tiles are never stored; their hashes are those of entries or of full tiles below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, select

from events.errors import Tampered
from events.merkle import leaf_hash
from events.proofs import root_from
from events.tiles import (
    LEVEL_BITS,
    LEVELS,
    TILE_BYTES,
    WIDTH,
    Tile,
    TileBuilder,
    reading_tiles,
    split_hashes,
    tile_root,
)
from infra.ledger.database import reading
from infra.ledger.reader import log_id_of, query, read_entries
from infra.ledger.rows import Fault
from infra.ledger.tables import tiles
from infra.ledger.writer import Row, insert_rows

_STORED = "SELECT hashes FROM tiles WHERE log_id = ? AND level = ? AND number = ?"
_ROOTS = "SELECT number, root FROM tiles WHERE log_id = ? AND level = ? AND number >= ? AND number < ?"
_LAST = "SELECT MAX(number) FROM tiles WHERE log_id = ? AND level = ?"


class TileReader:
    """The tiles of one log, from rows where they are, else from entries. `made` are full tiles that have no row yet."""

    def __init__(self, engine: Engine, programme: str) -> None:
        self._engine, self._programme = engine, programme
        self.made: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        with reading(engine) as connection:
            self._log_id = log_id_of(connection, programme)

    def hashes(self, tile: Tile) -> list[bytes]:
        """The hashes of a tile. Raises Tampered when the entries under it are not there."""
        if tile.width == WIDTH:
            made = self.made.get((tile.level, tile.number))
            found = made[0] if made else self._stored(tile.level, tile.number)
            if found is not None:
                return split_hashes(found, WIDTH, tile.path)
        return self._below(tile)

    def complete(self, size: int, root: bytes) -> None:
        """Makes every full tile of the first `size` entries that has no row. Raises Tampered unless all tiles together
        lead to `root`: what was signed before is read back once more here.
        """
        for level in range(LEVELS):
            have, wanted = self._count(level), size >> (LEVEL_BITS * (level + 1))
            for number in range(have, wanted):
                made = self._below(Tile(level, number))
                self.made[level, number] = (b"".join(made), tile_root(made))
            if not wanted:
                break
        if self.made and (found := root_from(size, reading_tiles(size, self.hashes))) != root:
            raise Tampered(
                f"the tiles of {self._programme!r} lead to root {found.hex()} at {size}, its entries to {root.hex()}",
                hint="nothing was signed; run the integrity check and keep a copy of the database",
            )

    def _below(self, tile: Tile) -> list[bytes]:
        start = tile.number * WIDTH
        if tile.level == 0:
            entries = read_entries(self._engine, self._programme, start, start + tile.width, opened=False)
            found = [leaf_hash(stored.entry) for stored in entries]
        else:
            found = self._roots(tile.level - 1, start, start + tile.width)
        if len(found) != tile.width:
            raise Tampered(f"{self._programme!r} has {len(found)} of the {tile.width} hashes of {tile.path}")
        return found

    def _roots(self, level: int, start: int, end: int) -> list[bytes]:
        """The roots of full tiles in a row; one without a row is computed from what is below it."""
        with reading(self._engine) as connection:
            stored = dict(map(tuple, query(connection, _ROOTS, self._log_id, level, start, end)))
        made = {number: self.made[level, number][1] for number in range(start, end) if (level, number) in self.made}
        known = stored | made
        return [known[n] if n in known else tile_root(self._below(Tile(level, n))) for n in range(start, end)]

    def _stored(self, level: int, number: int) -> bytes | None:
        with reading(self._engine) as connection:
            rows = query(connection, _STORED, self._log_id, level, number)
        return rows[0][0] if rows else None

    def _count(self, level: int) -> int:
        with reading(self._engine) as connection:
            ((last,),) = query(connection, _LAST, self._log_id, level)
        return 0 if last is None else int(last) + 1


def store_tiles(connection: Connection, log_id: int, reader: TileReader) -> None:
    """Keeps what a reader has made, in the transaction of the checkpoint that rests on it."""
    rows: list[Row] = [(log_id, *place, *made) for place, made in sorted(reader.made.items())]
    insert_rows(connection, tiles, rows)


class TileFaults:
    """Compares stored tiles with those of the entries, in one pass with them: `grow` for each leaf, then `faults`, which come
    after those of entries: where an entry was changed, its tile says so too.
    """

    def __init__(self, connection: Connection, log: Any) -> None:
        self._connection, self._log = connection, log
        self._builder = TileBuilder()
        self._counts: Counter[int] = Counter()
        self._found: list[Fault] = []

    def grow(self, leaf: bytes) -> None:
        """One more leaf, and the tiles that it fills."""
        for tile, hashes in self._builder.grow(leaf):
            self._counts[tile.level] += 1
            self._found += self._compare(tile, hashes)

    def _compare(self, tile: Tile, hashes: bytes) -> Iterator[Fault]:
        wanted = select(tiles.c.hashes, tiles.c.root).where(
            tiles.c.log_id == self._log.id, tiles.c.level == tile.level, tiles.c.number == tile.number
        )
        row = self._connection.execute(wanted).one_or_none()
        if row is None:
            return
        key, root = self._key(tile.level, tile.number), tile_root(split_hashes(hashes, WIDTH, tile.path))
        if row.hashes != hashes:
            at = next((i for i in range(0, TILE_BYTES, 32) if hashes[i : i + 32] != row.hashes[i : i + 32]), TILE_BYTES)
            expected, found = hashes[at : at + 32].hex(), row.hashes[at : at + 32].hex()
            yield Fault("tiles", key, "hashes", f"hash {at // 32} {expected}", found)
        if row.root != root:
            yield Fault("tiles", key, "root", root.hex(), row.root.hex())

    def faults(self) -> Iterator[Fault]:
        """Tiles that are not those of the entries, and tiles of entries that are not there."""
        yield from self._found
        rows = query(self._connection, "SELECT level, number FROM tiles WHERE log_id = ?", self._log.id)
        for level, number in sorted(rows):
            if not (0 <= level < LEVELS and 0 <= number < self._counts[level]):
                yield Fault("tiles", self._key(level, number), "number", "entries under it", "none")

    def _key(self, level: int, number: int) -> str:
        return f"{self._log.programme}/tile/{level}/{number:03d}"


def stray_tiles(connection: Connection, known: Collection[int]) -> Iterator[Fault]:
    """Tiles of logs that are not there."""
    for log_id, level, number in query(connection, "SELECT log_id, level, number FROM tiles"):
        if log_id not in known:
            yield Fault("tiles", f"{log_id}/{level}/{number}", "log_id", "a log", "none")
