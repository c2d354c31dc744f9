"""Merkle trees of RFC 6962 section 2.1 (= RFC 9162 section 2.1.1): leaves, nodes, and two independent ways to a root.

The frontier is the stack of roots of the perfect subtrees that make up a tree, largest (leftmost) first: one hash per
one bit of the size. It is all that an append needs, and all that a log head stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from events.errors import Tampered

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry): the entry's own bytes, never re-serialised."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def append(stack: list[bytes], size: int, leaf: bytes) -> None:
    """Grows the frontier of a tree of `size` leaves by one leaf hash, in place."""
    while size & 1:
        leaf = node_hash(stack.pop(), leaf)
        size >>= 1
    stack.append(leaf)


def root(stack: Sequence[bytes]) -> bytes:
    """The root of the tree with this frontier."""
    if not stack:
        return EMPTY_ROOT
    folded = stack[-1]
    for left in reversed(stack[:-1]):
        folded = node_hash(left, folded)
    return folded


def tree_root(leaves: Sequence[bytes], stack: Sequence[bytes] = (), size: int = 0) -> bytes:
    """The root of `size` leaves known by their frontier `stack`, followed by these leaf hashes. The second path: RFC
    6962's recursive definition, which shares nothing with `append` and `root`. Raises Tampered when `stack` cannot be
    of `size`.
    """
    total = size + len(leaves)
    if total == 0 and not stack:
        return EMPTY_ROOT
    return _range_root(0, total, _known(stack, size), leaves, size)


def _known(stack: Sequence[bytes], size: int) -> dict[tuple[int, int], bytes]:
    """Where in the tree each hash of a frontier stands: (first leaf, end) -> hash."""
    if len(stack) != size.bit_count():
        raise Tampered(f"a tree of {size} leaves has a frontier of {size.bit_count()} hashes, found {len(stack)}")
    known, start = {}, 0
    for subtree in stack:
        width = 1 << ((size - start).bit_length() - 1)
        known[start, start + width] = subtree
        start += width
    return known


def _range_root(
    start: int, end: int, known: Mapping[tuple[int, int], bytes], leaves: Sequence[bytes], base: int
) -> bytes:
    """Root of the leaves start..end; those before `base` only through `known`. Recursion is as deep as the tree."""
    if (start, end) in known:
        return known[start, end]
    if end - start == 1:
        return leaves[start - base]
    middle = start + (1 << ((end - start - 1).bit_length() - 1))
    return node_hash(_range_root(start, middle, known, leaves, base), _range_root(middle, end, known, leaves, base))


def pack_stack(stack: Sequence[bytes]) -> bytes:
    """A frontier as stored: its hashes one after the other."""
    return b"".join(stack)


def unpack_stack(data: bytes, size: int) -> tuple[bytes, ...]:
    """The frontier of a tree of `size` leaves from its stored bytes. Raises Tampered on another number of hashes."""
    if len(data) != HASH_BYTES * size.bit_count():
        expected = HASH_BYTES * size.bit_count()
        raise Tampered(f"the frontier of {size} leaves has {expected} bytes, found {len(data)}")
    return tuple(data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES))
