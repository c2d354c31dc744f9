"""Proofs of RFC 6962 trees: every one up to 300 leaves, made from tiles and verified; and what must not verify."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from events.errors import Refused, Tampered
from events.merkle import EMPTY_ROOT, leaf_hash, tree_root
from events.proof_file import format_proof, parse_proof, verify_proof
from events.proofs import (
    Place,
    consistency_proof,
    inclusion_proof,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from events.tiles import Tile, reading_tiles, tile_root
from infra.keys import from_seed

LARGEST = 300
LEAVES = [leaf_hash(b'{"n":%d}' % n) for n in range(LARGEST)]
ROOTS = [tree_root(LEAVES[:size]) for size in range(LARGEST + 1)]
LOG = from_seed("example.com/decisions/test", b"\x01" * 32)
TEXT = b"example.com/decisions/test\n3\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n"
PROOF = (
    b"c2sp.org/tlog-proof@v1\nindex 1\n+UBwq/0toL9ykC6xOoCOeU+VTZ4nRcaCoVj27Q1KwDY=\n"
    b"PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n\n" + LOG.sign_note(TEXT)
)


class Tree:
    """Subtrees by plain recursion over leaves, counting how many were read."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self.reads = 0

    def read(self, places: Sequence[Place]) -> list[bytes]:
        self.reads += len(places)
        return [tree_root(self.leaves[index << level : (index + 1) << level]) for level, index in places]

    def tile(self, tile: Tile) -> list[bytes]:
        span, first = 256**tile.level, tile.number * 256
        return [tree_root(self.leaves[i * span : (i + 1) * span]) for i in range(first, first + tile.width)]


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, word for word."""
    if len(leaves) <= 1:
        return []
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < k:
        return [*path(index, leaves[:k]), tree_root(leaves[k:])]
    return [*path(index - k, leaves[k:]), tree_root(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, word for word."""
    if m == len(leaves):
        return [] if whole else [tree_root(leaves)]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if m <= k:
        return [*subproof(m, leaves[:k], whole), tree_root(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), tree_root(leaves[:k])]


@pytest.fixture(scope="module")
def subtrees() -> dict[Place, bytes]:
    """Every full subtree of the tree of 300."""
    found = {(0, n): leaf for n, leaf in enumerate(LEAVES)}
    for level in range(1, 9):
        for n in range(LARGEST >> level):
            found[level, n] = tile_root([found[level - 1, 2 * n], found[level - 1, 2 * n + 1]])
    return found


def test_every_inclusion_proof_up_to_300_leaves_verifies(subtrees: dict[Place, bytes]) -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, lambda places: [subtrees[place] for place in places])
            verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


def test_every_consistency_proof_up_to_300_leaves_verifies(subtrees: dict[Place, bytes]) -> None:
    for size in range(LARGEST + 1):
        for old in range(size + 1):
            proof = consistency_proof(old, size, lambda places: [subtrees[place] for place in places])
            verify_consistency(old, size, proof, ROOTS[old], ROOTS[size])


@pytest.mark.parametrize("size", [*range(1, 20), 255, 256, 257, 300])
def test_proofs_are_those_of_the_recursive_definition(size: int) -> None:
    tree = Tree(LEAVES[:size])
    from_tiles = reading_tiles(size, tree.tile)
    for n in {*range(min(size, 20)), size // 2, size - 1}:
        assert list(inclusion_proof(n, size, from_tiles)) == path(n, LEAVES[:size])
        if n:
            assert list(consistency_proof(n, size, from_tiles)) == subproof(n, LEAVES[:size], True)
    assert root_from(size, from_tiles) == ROOTS[size]


def test_a_proof_needs_reads_in_the_order_of_the_logarithm() -> None:
    size = (1 << 40) - 1
    asked: list[Place] = []

    def read(places: Sequence[Place]) -> list[bytes]:
        asked.extend(places)
        return [bytes(32)] * len(places)

    inclusion_proof(size // 3, size, read)
    consistency_proof(size // 3, size, read)
    assert len(asked) <= 4 * 40


@pytest.mark.parametrize("size", [255, 256, 257, 65_535, 65_536, 65_537])
def test_proofs_hold_around_full_tiles(size: int) -> None:
    leaves = [n.to_bytes(32, "big") for n in range(size)]
    tree, root = Tree(leaves), tree_root(leaves)
    read = reading_tiles(size, tree.tile)
    for index in {0, size // 2, max(0, size - 257), size - 2, size - 1}:
        verify_inclusion(index, size, leaves[index], inclusion_proof(index, size, read), root)
        verify_consistency(index, size, consistency_proof(index, size, read), tree_root(leaves[:index]), root)
    assert root_from(size, read) == root


def test_an_inclusion_proof_with_anything_changed_does_not_verify() -> None:
    size, index = 11, 6
    proof = inclusion_proof(index, size, Tree(LEAVES[:size]).read)
    wrong = [
        *[(n, size, LEAVES[index], proof, ROOTS[size]) for n in (0, 5, 7, 10, 11, -1)],
        (index, size, LEAVES[5], proof, ROOTS[size]),
        (index, 5, LEAVES[index], proof, ROOTS[size]),
        (index, 64, LEAVES[index], proof, ROOTS[size]),
        (index, size, LEAVES[index], proof, ROOTS[10]),
        (index, size, LEAVES[index], proof[:-1], ROOTS[size]),
        (index, size, LEAVES[index], (*proof, bytes(32)), ROOTS[size]),
        (index, size, LEAVES[index], (), LEAVES[index]),
        (index, size, LEAVES[index], (proof[0][:-1], *proof[1:]), ROOTS[size]),
        (0, 0, LEAVES[0], (), LEAVES[0]),
        *[(index, size, LEAVES[index], (*proof[:n], bytes(32), *proof[n + 1 :]), ROOTS[size]) for n in range(4)],
    ]
    for arguments in wrong:
        with pytest.raises(Tampered):
            verify_inclusion(*arguments)


def test_a_consistency_proof_with_anything_changed_does_not_verify() -> None:
    for old, size in ((4, 11), (6, 11)):
        proof = consistency_proof(old, size, Tree(LEAVES[:size]).read)
        wrong = [
            (old, size, proof, ROOTS[5], ROOTS[size]),
            (old, size, proof, ROOTS[old], ROOTS[10]),
            (old, size, proof[1:], ROOTS[old], ROOTS[size]),
            (old, size, (*proof, bytes(32)), ROOTS[old], ROOTS[size]),
            (old, size, (), ROOTS[old], ROOTS[size]),
            (old, old, (), ROOTS[5], ROOTS[old]),
            (old, old, proof, ROOTS[old], ROOTS[old]),
            (size, old, proof, ROOTS[size], ROOTS[old]),
            *[(old, size, (*proof[:n], bytes(32), *proof[n + 1 :]), ROOTS[old], ROOTS[size]) for n in range(3)],
        ]
        for arguments in wrong:
            with pytest.raises(Tampered):
                verify_consistency(*arguments)


def test_an_empty_old_tree_is_handled_outside_the_proof() -> None:
    verify_consistency(0, 3, (), EMPTY_ROOT, ROOTS[3])
    for proof, old_root in (((bytes(32),), EMPTY_ROOT), ((), ROOTS[1])):
        with pytest.raises(Tampered):
            verify_consistency(0, 3, proof, old_root, ROOTS[3])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(Refused):
        inclusion_proof(index, size, Tree(LEAVES).read)
    with pytest.raises(Refused):
        consistency_proof(size + 1, size, Tree(LEAVES).read)


def test_the_proof_of_the_worked_example_is_written_to_the_byte_and_verifies() -> None:
    tree = Tree(LEAVES[:3])
    assert format_proof(1, inclusion_proof(1, 3, tree.read), LOG.sign_note(TEXT)) == PROOF
    assert consistency_proof(2, 3, tree.read) == (LEAVES[2],)
    index, checkpoint = verify_proof(PROOF, b'{"n":1}', [LOG.verifier])
    assert (index, checkpoint.size, checkpoint.root) == (1, 3, ROOTS[3])


def test_an_extra_line_is_read_over_because_nothing_signs_it() -> None:
    extra = PROOF.replace(b"index 1", b"extra AAAA\nindex 1")
    assert verify_proof(extra, b'{"n":1}', [LOG.verifier])[0] == 1


def test_a_log_of_one_entry_has_a_proof_without_hashes() -> None:
    assert parse_proof(format_proof(0, (), b"note\n")).hashes == ()


TRAPS = {
    "another first line": PROOF.replace(b"@v1", b"@v2"),
    "the old form without it": PROOF.removeprefix(b"c2sp.org/tlog-proof@v1\n"),
    "CRLF": PROOF.replace(b"\n", b"\r\n"),
    "a leading zero": PROOF.replace(b"index 1", b"index 01"),
    "another index": PROOF.replace(b"index 1", b"index 2"),
    "an index beyond the size": PROOF.replace(b"index 1", b"index 3"),
    "no index": PROOF.replace(b"index 1\n", b""),
    "a hash too many": PROOF.replace(b"index 1\n", b"index 1\nPR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n"),
    "a hash too few": PROOF.replace(b"PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n", b""),
    "unused bits": PROOF.replace(b"oyI=", b"oyJ="),
    "junk in an extra line": PROOF.replace(b"index 1", b"extra A*AA\nindex 1"),
    "two extra lines": PROOF.replace(b"index 1", b"extra AAAA\nextra AAAA\nindex 1"),
    "another checkpoint size": PROOF.replace(b"test\n3\n", b"test\n4\n"),
    "no empty line": PROOF.replace(b"\n\n", b"\n"),
    "64 hashes": PROOF.replace(b"index 1\n", b"index 1\n" + b"PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n" * 64),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_proof_file_is_refused_with(trap: str) -> None:
    assert TRAPS[trap] != PROOF
    with pytest.raises(Tampered):
        verify_proof(TRAPS[trap], b'{"n":1}', [LOG.verifier])


def test_a_proof_is_of_the_entry_that_the_auditor_brings() -> None:
    with pytest.raises(Tampered, match="leads to root"):
        verify_proof(PROOF, b'{"n":2}', [LOG.verifier])
