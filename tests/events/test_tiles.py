"""Tiles: paths, widths and bytes, at the sizes where levels begin."""

from __future__ import annotations

import pytest

from events.errors import Tampered
from events.merkle import leaf_hash, tree_root
from events.tiles import (
    WIDTH,
    Tile,
    TileBuilder,
    bundles_of,
    join_entries,
    split_entries,
    split_hashes,
    tiles_of,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(1, 0, 1), "tile/1/000.p/1"),
        (Tile(-1, 12, 255), "tile/entries/012.p/255"),
    ],
)
def test_a_tile_has_its_path(tile: Tile, path: str) -> None:
    assert tile.path == path


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (255, ["tile/0/000.p/255"]),
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_a_small_tree_has_these_tiles(size: int, paths: list[str]) -> None:
    assert [tile.path for tile in tiles_of(size)] == paths
    widths = [tile.width for tile in bundles_of(size)]
    assert sum(widths) == size
    assert [tile.path.replace("entries", "0") for tile in bundles_of(size)] == [p for p in paths if p[5] == "0"]


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        (65_535, {0: (255, 255), 1: (0, 255)}),
        (65_536, {0: (256, 0), 1: (1, 0), 2: (0, 1)}),
        (65_537, {0: (256, 1), 1: (1, 0), 2: (0, 1)}),
        (70_000, {0: (273, 112), 1: (1, 17), 2: (0, 1)}),
    ],
)
def test_a_partial_tile_never_feeds_the_level_above(size: int, counts: dict[int, tuple[int, int]]) -> None:
    found: dict[int, tuple[int, int]] = {}
    for tile in tiles_of(size):
        full, partial = found.get(tile.level, (0, 0))
        found[tile.level] = (full + 1, partial) if tile.width == 256 else (full, tile.width)
    assert found == counts


def test_the_bundle_and_tile_of_the_worked_example_are_written_to_the_byte() -> None:
    entries = [b'{"n":%d}' % n for n in range(3)]
    data = bytes.fromhex("00077b226e223a307d00077b226e223a317d00077b226e223a327d")
    assert join_entries(entries) == data
    assert split_entries(data, 3, "tile/entries/000.p/3", 0) == entries
    tile = b"".join(map(leaf_hash, entries))
    assert split_hashes(tile, 3, "tile/0/000.p/3") == [leaf_hash(entry) for entry in entries]


def test_the_longest_entry_fits_a_bundle() -> None:
    assert split_entries(join_entries([b"x" * 65_535, b""]), 2, "t", 0) == [b"x" * 65_535, b""]


BUNDLE = join_entries([b"ab", b"cd"])


@pytest.mark.parametrize("data", [BUNDLE[:-1], BUNDLE + b"\0", BUNDLE + b"\0\0", BUNDLE[:4], b"", b"\xff" + BUNDLE])
def test_a_bundle_with_more_or_less_than_its_entries_is_refused(data: bytes) -> None:
    with pytest.raises(Tampered, match="tile/entries"):
        split_entries(data, 2, "tile/entries/000.p/2", 0)


@pytest.mark.parametrize("length", [0, 63, 65, 96])
def test_a_tile_with_more_or_less_than_its_hashes_is_refused(length: int) -> None:
    with pytest.raises(Tampered, match="tile/0"):
        split_hashes(bytes(length), 2, "tile/0/000.p/2")


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 66_049])
def test_the_builder_has_the_root_of_its_leaves_whether_they_come_singly_or_in_rows(size: int) -> None:
    leaves = [leaf_hash(b"%d" % at) for at in range(size)]
    by_rows, made = TileBuilder(), list[tuple[Tile, bytes]]()
    for start in range(0, size, WIDTH):
        made += by_rows.grow_row(leaves[start : start + WIDTH])
    assert by_rows.root() == tree_root(leaves)
    if size < 1000:
        singly = TileBuilder()
        assert [tile for leaf in leaves for tile in singly.grow(leaf)] == made
        assert singly.root() == by_rows.root()
        halved = TileBuilder()
        assert [
            *halved.grow_row(leaves[:100]),
            *halved.grow_row(leaves[100:300]),
            *halved.grow_row(leaves[300:]),
        ] == made
    assert sorted(tile.path for tile, _ in [*made, *by_rows.finish()]) == sorted(tile.path for tile in tiles_of(size))
