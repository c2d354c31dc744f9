"""The entries of a bundle, each under the tile that holds its leaf, and the tree over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from events import merkle
from events.bundle import CHECKPOINT, OPENINGS, decode_opening
from events.entry import BYTES_MAX, Opening
from events.errors import Tampered
from events.note import Checkpoint
from events.tiles import TILE_BYTES, WIDTH, Tile, TileBuilder, bundles_of, split_entries, split_hashes
from infra.bundle.reading import Files

_NONE = (-1, Opening(b"", None, b"", None))
"""What comes after the last opening."""

BUNDLE_BYTES = WIDTH * (BYTES_MAX + 2)


@dataclass(slots=True)
class Opened:
    """An entry with its opening, as `handlers.replay` takes it, and the file that it is in."""

    index: int
    entry: bytes
    opening: Opening | None
    path: str
    detail: None = None


class Tree:
    """Reads the log of a bundle once, from its first entry to its root."""

    def __init__(
        self, files: Files, checkpoint: Checkpoint, earlier: Mapping[int, tuple[str, bytes]] | None = None
    ) -> None:
        """`earlier`: size -> file and root of heads that the tree must have had on its way."""
        self._files, self._checkpoint, self._earlier = files, checkpoint, earlier or {}

    def entries(self) -> Iterator[Opened]:
        """Each entry with its opening, if it has one. Raises Tampered where bytes, tiles and root do not agree. Nothing of the
        log is kept but one bundle of entries, and one row of hashes for each level.
        """
        builder, openings = TileBuilder(), self._openings()
        ahead = next(openings, _NONE)
        for bundle in bundles_of(self._checkpoint.size):
            first, path = bundle.number * WIDTH, bundle.path
            data = self._files.read(path, BUNDLE_BYTES)
            entries = split_entries(data, bundle.width, path, first)
            leaves = self._leaves(bundle, entries)
            self._grow(builder, first, leaves)
            for index, entry in enumerate(entries, first):
                opening = None
                if ahead[0] == index:
                    opening, ahead = ahead[1], next(openings, _NONE)
                yield Opened(index, entry, opening, path)
        for tile, hashes in builder.finish():
            self._compare_tile(tile, hashes)
        if ahead is not _NONE:
            raise Tampered(f"{OPENINGS} opens entry {ahead[0]}, which is none, has none, or came before",
                           file=OPENINGS, index=ahead[0], fault="opening-extra")  # fmt: skip
        self._compare_last(builder.root())

    def _grow(self, builder: TileBuilder, first: int, leaves: list[bytes]) -> None:
        """One bundle's leaves, in pieces where a head has to be compared on the way."""
        sizes = [size for size in self._earlier if first < size <= first + len(leaves)]
        start = 0
        for size in [*sorted(sizes), None]:
            end = len(leaves) if size is None else size - first
            for tile, hashes in builder.grow_row(leaves[start:end]):
                self._compare_tile(tile, hashes)
            start = end
            if size is not None:
                self._compare_root(size, builder.root())

    def _compare_last(self, found: bytes) -> None:
        size, expected = self._checkpoint.size, self._checkpoint.root
        if found != expected:
            raise Tampered(f"the {size} entries have root {found.hex()}, the checkpoint says {expected.hex()}",
                           file=CHECKPOINT, expected=expected.hex(), found=found.hex(), fault="root-not-signed")  # fmt: skip

    def _compare_root(self, size: int, found: bytes) -> None:
        path, expected = self._earlier[size]
        if found != expected:
            raise Tampered(f"{path} has root {expected.hex()}, the first {size} entries have {found.hex()}: it is a "
                           f"checkpoint of another history", file=path, expected=expected.hex(), found=found.hex(),
                           fault="handover-of-another-history")  # fmt: skip

    def _openings(self) -> Iterator[tuple[int, Opening]]:
        for number, line in enumerate(self._files.lines(OPENINGS), 1):
            yield decode_opening(line, f"{OPENINGS}, line {number}")

    def _leaves(self, bundle: Tile, entries: Sequence[bytes]) -> list[bytes]:
        """Before an entry is read: its bytes are those of its leaf. So a change is named by file and index."""
        path = Tile(0, bundle.number, bundle.width).path
        leaves = list(map(merkle.leaf_hash, entries))
        data = self._files.read(path, TILE_BYTES)
        if b"".join(leaves) == data:
            return leaves
        said = split_hashes(data, bundle.width, path)
        at = next(at for at, (found, leaf) in enumerate(zip(leaves, said, strict=True)) if found != leaf)
        index, found, leaf = bundle.number * WIDTH + at, leaves[at], said[at]
        raise Tampered(f"entry {index} in {bundle.path} has leaf {found.hex()}, {path} says {leaf.hex()}",
                       file=bundle.path, index=index, expected=leaf.hex(), found=found.hex(),
                       fault="entry-not-in-tile")  # fmt: skip

    def _compare_tile(self, tile: Tile, hashes: bytes) -> None:
        if tile.level == 0:
            return  # compared leaf by leaf
        found = split_hashes(self._files.read(tile.path, TILE_BYTES), tile.width, tile.path)
        for at, expected in enumerate(split_hashes(hashes, tile.width, tile.path)):
            if found[at] != expected:
                number = tile.number * WIDTH + at
                raise Tampered(f"{tile.path} has {found[at].hex()} as hash {number}, the entries give {expected.hex()}",
                               file=tile.path, index=number, expected=expected.hex(), found=found[at].hex(),
                               fault="tile-differs")  # fmt: skip
