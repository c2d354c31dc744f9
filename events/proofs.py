"""Inclusion and consistency proofs over RFC 6962 trees: made in O(log n) reads, verified by RFC 9162.

A maker asks a reader for the roots of full subtrees: (level, index) is the tree over the leaves index * 2^level to
(index + 1) * 2^level. All that one proof needs is asked for at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from events.errors import Refused, Tampered
from events.merkle import EMPTY_ROOT, HASH_BYTES, node_hash

Place = tuple[int, int]
"""A full subtree: level (0: leaves) and index in that level."""

Read = Callable[[Sequence[Place]], Sequence[bytes]]
"""The hashes of full subtrees, in the order asked for."""

_Range = tuple[int, int]


def inclusion_proof(index: int, size: int, read: Read) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of RFC 6962 2.1.1: the leaf's sibling first. Raises Refused unless index < size."""
    if not 0 <= index < size:
        raise Refused(f"a tree of {size} leaves has no leaf {index}", hint=f"indexes are 0 to {size - 1}")
    ranges: list[_Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return _roots(ranges[::-1], read)


def consistency_proof(old: int, size: int, read: Read) -> tuple[bytes, ...]:
    """PROOF(old, D[size]) of RFC 6962 2.1.2. Empty for old 0, which nothing proves and nothing needs to, and old = size."""
    if not 0 <= old <= size:
        raise Refused(f"a tree of {size} leaves does not extend one of {old}")
    if old in (0, size):
        return ()
    ranges: list[_Range] = []
    start, end, whole = 0, size, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return _roots(ranges[::-1], read)


def root_from(size: int, read: Read) -> bytes:
    """The root of the first `size` leaves."""
    return _roots([(0, size)], read)[0] if size else EMPTY_ROOT


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 2.1.3.2. Raises Tampered unless the leaf hash stands at `index` of the tree with this size and root."""
    _require_hashes(proof, (leaf, root))
    if not 0 <= index < size:
        raise Tampered(f"entry {index} cannot be in a tree of {size}")
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Tampered(f"the proof of entry {index} in {size} is too long: {len(proof)} hashes")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise Tampered(f"the proof of entry {index} in {size} is too short: {len(proof)} hashes")
    if found != root:
        raise Tampered(f"the proof of entry {index} leads to root {found.hex()}, the checkpoint has {root.hex()}")


def verify_consistency(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """RFC 9162 2.1.4.2. Raises Tampered unless the tree of `size` extends that of `old`. An empty old tree is handled
    apart: nothing proves it, so its root must be that of nothing and the proof empty.
    """
    _require_hashes(proof, (old_root, root))
    if not 0 <= old <= size:
        raise Tampered(f"a tree of {size} entries cannot extend one of {old}: it was cut or rolled back")
    if old in (0, size):
        expected = EMPTY_ROOT if old == 0 else root
        if proof or old_root != expected:
            raise Tampered(f"the tree of {old} has root {old_root.hex()}, expected {expected.hex()} and no hashes")
        return
    if not proof:
        raise Tampered(f"the proof that {size} extends {old} is empty")
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    before, after = _consistent_roots(old, size, path)
    for which, found, expected in ((old, before, old_root), (size, after, root)):
        if found != expected:
            raise Tampered(f"the proof that {size} extends {old} leads to root {found.hex()} at {which}, "
                           f"not {expected.hex()}")  # fmt: skip


def _consistent_roots(old: int, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots at both sizes that a consistency path leads to."""
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for step in path[1:]:
        if last == 0:
            raise Tampered(f"the proof that {size} extends {old} is too long: {len(path)} hashes")
        if node & 1 or node == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, step)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise Tampered(f"the proof that {size} extends {old} is too short: {len(path)} hashes")
    return before, after


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _roots(ranges: Sequence[_Range], read: Read) -> tuple[bytes, ...]:
    """The roots of leaf ranges, from one reading of the full subtrees that they are made of."""
    parts = [_full(start, end) for start, end in ranges]
    places = list(dict.fromkeys(place for part in parts for place in part))
    found = dict(zip(places, read(places), strict=True))
    return tuple(_fold(part, found) for part in parts)


def _full(start: int, end: int) -> list[Place]:
    """The full subtrees that make up a range of the tree, largest first; its start is a multiple of the largest."""
    places = []
    while start < end:
        level = (end - start).bit_length() - 1
        places.append((level, start >> level))
        start += 1 << level
    return places


def _fold(places: Sequence[Place], found: Mapping[Place, bytes]) -> bytes:
    folded = found[places[-1]]
    for place in reversed(places[:-1]):
        folded = node_hash(found[place], folded)
    return folded


def _require_hashes(proof: Sequence[bytes], others: Sequence[bytes]) -> None:
    for found in (*proof, *others):
        if len(found) != HASH_BYTES:
            raise Tampered(f"a hash of a proof has {len(found)} bytes, not {HASH_BYTES}")
