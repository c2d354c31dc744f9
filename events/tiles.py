"""Tiles: the tree and its entries as static files (C2SP tlog-tiles v0.1.0).

Tile (level, n) holds up to 256 hashes of 32 bytes; hash i is the root of the 256^level leaves from (256 n + i) *
256^level on. Level 0 has leaf hashes, each level above the roots of full tiles below. A bundle has the entries of a
level-0 tile, each as uint16 big-endian length and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from events.errors import Tampered
from events.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, tree_root
from events.proofs import Place, Read

WIDTH = 256
TILE_BYTES = WIDTH * HASH_BYTES
LEVEL_BITS = 8
ENTRIES = "entries"
LEVELS = 8
"""A size has at most 63 bits, so levels 0 to 7."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile or bundle: level (-1: entries), number in its level, and how many of its 256 places are filled."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its file: `tile/0/x001/x234/067`, with `.p/<width>` when it is not full."""
        digits = f"{self.number:03d}"
        digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{ENTRIES if self.level < 0 else self.level}/{name}{partial}"


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` leaves, level by level from the leaves up; bundles come with `bundles_of`."""
    for level in range(LEVELS):
        if (count := size >> (LEVEL_BITS * level)) == 0:
            return
        yield from _row(level, count)


def bundles_of(size: int) -> Iterator[Tile]:
    """Every bundle of entries of a log of `size`."""
    yield from _row(-1, size)


def _row(level: int, count: int) -> Iterator[Tile]:
    full, partial = divmod(count, WIDTH)
    for number in range(full):
        yield Tile(level, number)
    if partial:
        yield Tile(level, full, partial)


class TileBuilder:
    """Makes the tiles of a growing tree: each full one as its last leaf comes, partial ones at the end. It is the tree, too:
    nothing below a full tile is hashed twice.
    """

    def __init__(self) -> None:
        self._rows: list[list[bytes]] = [[]]
        self._numbers = [0]

    def grow(self, leaf: bytes) -> Iterator[tuple[Tile, bytes]]:
        """The full tiles that one more leaf completes, from the leaves up."""
        yield from self._grow(0, leaf)

    def _grow(self, level: int, found: bytes) -> Iterator[tuple[Tile, bytes]]:
        while True:
            row = self._rows[level]
            row.append(found)
            if len(row) < WIDTH:
                return
            yield Tile(level, self._numbers[level]), b"".join(row)
            found = tile_root(row)
            self._rows[level] = []
            self._numbers[level] += 1
            level += 1
            if level == len(self._rows):
                self._rows.append([])
                self._numbers.append(0)

    def grow_row(self, leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """The full tiles that these leaves complete: all of one tile of level 0, or the last ones there are."""
        if self._rows[0] or len(leaves) != WIDTH:
            for leaf in leaves:
                yield from self.grow(leaf)
            return
        yield Tile(0, self._numbers[0]), b"".join(leaves)
        self._numbers[0] += 1
        if len(self._rows) == 1:
            self._rows.append([])
            self._numbers.append(0)
        yield from self._grow(1, tile_root(leaves))

    def root(self) -> bytes:
        """The root of all leaves so far. What a level has not in full tiles follows, as one subtree, what the level above
        has: the split of RFC 6962 falls between them.
        """
        found: list[bytes] = []
        for row in self._rows:
            found = [tree_root([*row, *found])] if row or found else []
        return found[0] if found else EMPTY_ROOT

    def finish(self) -> Iterator[tuple[Tile, bytes]]:
        """The partial tiles. They feed none above them."""
        for level, row in enumerate(self._rows):
            if row:
                yield Tile(level, self._numbers[level], len(row)), b"".join(row)


def split_hashes(data: bytes, width: int, where: str) -> list[bytes]:
    """The hashes of a tile. Raises Tampered on any other number of bytes."""
    if len(data) != width * HASH_BYTES:
        raise Tampered(f"{where} has {len(data)} bytes, expected {width * HASH_BYTES} for {width} hashes",
                       file=where, expected=width * HASH_BYTES, found=len(data))  # fmt: skip
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """The root of 2^k hashes, of a full tile for one."""
    row = hashes
    while len(row) > 1:
        row = list(map(node_hash, row[::2], row[1::2]))
    return row[0]


def join_entries(entries: Sequence[bytes]) -> bytes:
    """A bundle: each entry as uint16 big-endian length and bytes."""
    return b"".join(part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry))


def split_entries(data: bytes, width: int, where: str, first: int) -> list[bytes]:
    """The entries of a bundle whose first has index `first`. Raises Tampered unless there are exactly `width`, and
    nothing after them.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            index = first + len(entries)
            raise Tampered(f"{where}: entry {index} is cut off: it ends at byte {at}, the file at {len(data)}",
                           file=where, index=index, expected=at, found=len(data))  # fmt: skip
        entries.append(data[start:at])
    if len(entries) != width:
        raise Tampered(f"{where} has {len(entries)} entries, expected {width}",
                       file=where, index=first, expected=width, found=len(entries))  # fmt: skip
    return entries


def reading_tiles(size: int, hashes: Callable[[Tile], Sequence[bytes]]) -> Read:
    """A reader of subtrees for `proofs`, over the tiles of a tree of `size`. Each tile is asked for once per reading."""

    def read(places: Sequence[Place]) -> list[bytes]:
        kept: dict[Tile, Sequence[bytes]] = {}
        found = []
        for level, index in places:
            tile, start, count = _within(size, level, index)
            if tile not in kept:
                kept[tile] = hashes(tile)
            found.append(tile_root(kept[tile][start : start + count]))
        return found

    return read


def _within(size: int, level: int, index: int) -> tuple[Tile, int, int]:
    """The tile that a full subtree is made from, and which of its hashes: the first, and how many."""
    row, height = divmod(level, LEVEL_BITS)
    first = index << height
    number, start = divmod(first, WIDTH)
    width = min(WIDTH, (size >> (LEVEL_BITS * row)) - number * WIDTH)
    return Tile(row, number, width), start, 1 << height
