"""A tree that grows leaf by leaf beside another one, as it would be if one entry had another commitment."""

from __future__ import annotations

from dataclasses import dataclass

from events.merkle import leaf_hash, node_hash


@dataclass(slots=True)
class Suspect:
    """A first entry and an opening that do not belong together. Which of them changed, the tree tells: `levels` grow as if
    the entry had the commitment that its opening gives.
    """

    index: int
    entry: bytes
    said: str
    found: str
    levels: list[bytes | None]

    def grow(self, index: int, leaf: bytes) -> None:
        if index == self.index:
            leaf = leaf_hash(self.entry.replace(self.said.encode(), self.found.encode(), 1))
        grow(self.levels, leaf)

    def explains(self, of: int | None, commitment: str) -> bool:
        """A settlement of the suspect that has either commitment says nothing new."""
        return of == self.index and commitment in (self.said, self.found)


def grow(levels: list[bytes | None], leaf: bytes) -> None:
    """One more leaf: each level holds the root of a full subtree that waits for its right sibling."""
    for level, waiting in enumerate(levels):
        if waiting is None:
            levels[level] = leaf
            return
        leaf, levels[level] = node_hash(waiting, leaf), None
    levels.append(leaf)


def stack_of(levels: list[bytes | None]) -> list[bytes]:
    """The frontier, largest subtree first."""
    return [subtree for subtree in reversed(levels) if subtree is not None]
