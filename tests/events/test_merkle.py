from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import Tampered
from events.merkle import (
    EMPTY_ROOT,
    append,
    leaf_hash,
    node_hash,
    pack_stack,
    root,
    tree_root,
    unpack_stack,
)

RFC_6962_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
RFC_6962_ROOTS = [
    ("6e340b9c", "afa01d"), ("fac54203", "e3c125"), ("aeb6bcfe", "e06e77"), ("d37ee418", "9614b7"),
    ("4e3bbb1f", "6264d4"), ("76e67dad", "2087ef"), ("ddb89be4", "a74c8c"), ("5dc9da79", "604328"),
]  # fmt: skip
"""The reference tree of Certificate Transparency: beginning and end of the root at each size."""


def frontier(leaves: list[bytes]) -> list[bytes]:
    stack: list[bytes] = []
    for size, leaf in enumerate(leaves):
        append(stack, size, leaf)
    return stack


def test_the_reference_tree_has_its_roots_by_both_paths() -> None:
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in RFC_6962_LEAVES]
    for size, (start, end) in enumerate(RFC_6962_ROOTS, 1):
        found = root(frontier(leaves[:size]))
        assert found.hex().startswith(start)
        assert found.hex().endswith(end)
        assert tree_root(leaves[:size]) == found


def test_the_worked_example_of_the_design() -> None:
    leaves = [leaf_hash(b'{"n":%d}' % n) for n in range(3)]
    assert [leaf.hex() for leaf in leaves] == [
        "f94070abfd2da0bf72902eb13a808e794f954d9e2745c682a158f6ed0d4ac036",
        "fb5d93e6cf90bc9470cd9ea9d9e12348993db3e854ab2b7660e3594767045f6c",
        "3d1de776df086c1ae9f7049d2bb0c0475ad14185f987e064e8d10dcb2db4a322",
    ]
    expected = "2cfef7627597e00b564975774ad728ef210706759fca6d64138c6dfc1cbf2cda"
    assert root(frontier(leaves)).hex() == tree_root(leaves).hex() == expected


def test_leaf_and_node_are_told_apart() -> None:
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert EMPTY_ROOT == sha256(b"").digest() == root([]) == tree_root([])


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70), st.integers(0, 70))
def test_both_paths_agree_from_any_known_frontier(leaves: list[bytes], known: int) -> None:
    known = min(known, len(leaves))
    assert root(frontier(leaves)) == tree_root(leaves) == tree_root(leaves[known:], frontier(leaves[:known]), known)


@given(st.integers(1, 300))
def test_a_frontier_has_one_hash_per_one_bit(size: int) -> None:
    stack = frontier([bytes(32)] * size)
    assert len(stack) == size.bit_count()
    assert unpack_stack(pack_stack(stack), size) == tuple(stack)


@pytest.mark.parametrize(("hashes", "size"), [(0, 1), (2, 4), (1, 0), (1, 3)])
def test_a_frontier_of_another_size_is_tampered(hashes: int, size: int) -> None:
    with pytest.raises(Tampered):
        unpack_stack(bytes(32 * hashes), size)
    with pytest.raises(Tampered):
        tree_root([], [bytes(32)] * hashes, size)


def test_an_odd_last_leaf_is_never_doubled() -> None:
    a, b, c = (leaf_hash(bytes([n])) for n in range(3))
    assert tree_root([a, b, c]) == node_hash(node_hash(a, b), c) != tree_root([a, b, c, c])
