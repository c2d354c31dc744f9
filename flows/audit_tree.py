"""The entries of a bundle, each under the tile that holds its leaf, and the tree over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from events import merkle
from events.bundle import CHECKPOINT, OPENINGS, decode_opening
from events.entry import BYTES_MAX, Opening
from events.errors import Tampered
from events.note import Checkpoint
from events.tiles import TILE_BYTES, WIDTH, Tile, TileBuilder, bundles_of, split_entries, split_hashes
from infra.bundle.reading import Files

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

    def __init__(self, files: Files, checkpoint: Checkpoint) -> None:
        self._files, self._checkpoint = files, checkpoint

    def entries(self) -> Iterator[Opened]:
        """Each entry with its opening, if it has one. Raises Tampered where bytes, tiles and root do not agree."""
        size = self._checkpoint.size
        builder, stack = TileBuilder(), list[bytes]()
        openings = self._openings()
        ahead = next(openings, None)
        for bundle in bundles_of(size):
            first = bundle.number * WIDTH
            data = self._files.read(bundle.path, BUNDLE_BYTES)
            entries = split_entries(data, bundle.width, bundle.path, first)
            leaves = self._leaves(bundle, entries)
            for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), first):
                merkle.append(stack, index, leaf)
                for tile, hashes in builder.grow(leaf):
                    self._compare_tile(tile, hashes)
                opening = None
                if ahead is not None and ahead[0] == index:
                    opening, ahead = ahead[1], next(openings, None)
                yield Opened(index, entry, opening, bundle.path)
        for tile, hashes in builder.finish():
            self._compare_tile(tile, hashes)
        if ahead is not None:
            raise Tampered(f"{OPENINGS} opens entry {ahead[0]}, which is none, has none, or came before",
                           file=OPENINGS, index=ahead[0], fault="opening-extra")  # fmt: skip
        if (found := merkle.root(stack)) != self._checkpoint.root:
            expected = self._checkpoint.root.hex()
            raise Tampered(f"the {size} entries have root {found.hex()}, the checkpoint says {expected}",
                           file=CHECKPOINT, expected=expected, found=found.hex(), fault="root-not-signed")  # fmt: skip

    def _openings(self) -> Iterator[tuple[int, Opening]]:
        for number, line in enumerate(self._files.lines(OPENINGS), 1):
            yield decode_opening(line, f"{OPENINGS}, line {number}")

    def _leaves(self, bundle: Tile, entries: Sequence[bytes]) -> list[bytes]:
        """Before an entry is read: its bytes are those of its leaf. So a change is named by file and index."""
        path = Tile(0, bundle.number, bundle.width).path
        leaves = split_hashes(self._files.read(path, TILE_BYTES), bundle.width, path)
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), bundle.number * WIDTH):
            if (found := merkle.leaf_hash(entry)) != leaf:
                raise Tampered(f"entry {index} in {bundle.path} has leaf {found.hex()}, {path} says {leaf.hex()}",
                               file=bundle.path, index=index, expected=leaf.hex(), found=found.hex(),
                               fault="entry-not-in-tile")  # fmt: skip
        return leaves

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
