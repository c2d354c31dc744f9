"""What is kept in memory of several programmes, bounded by their number and by what they weigh together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Generic, TypeVar

LOGS_MAX = 256
"""Programmes kept folded in memory; one that is not comes back from the ledger when it is asked for."""

ENTRIES_MAX = 500_000
"""Entries of all of them together: what is known of one takes about 1.2 kB (docs/performance.md)."""

T = TypeVar("T")


class Kept(Generic[T]):
    """The least recently used goes first. One that is heavier than the bound alone is kept, alone."""

    def __init__(self, weigh: Callable[[T], int], count_max: int = LOGS_MAX, weight_max: int = ENTRIES_MAX) -> None:
        self._weigh = weigh
        self._count_max, self._weight_max = count_max, weight_max
        self._kept: dict[str, T] = {}

    def get(self, key: str) -> T | None:
        """It, used now."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._kept[key] = found
        return found

    def put(self, key: str, value: T) -> None:
        self._kept.pop(key, None)
        self._kept[key] = value

    def drop(self, key: str) -> None:
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()

    def items(self) -> Iterator[tuple[str, T]]:
        return iter(self._kept.items())

    def weight(self) -> int:
        """Of all together."""
        return sum(map(self._weigh, self._kept.values()))

    def trim(self, needed: Collection[str] = ()) -> None:
        """Drops the least recently used until the rest is within both bounds; never one that is needed, nor the last used."""
        weight = self.weight()
        for key in [*self._kept][:-1]:
            if len(self._kept) <= self._count_max and weight <= self._weight_max:
                return
            if key not in needed:
                weight -= self._weigh(self._kept.pop(key))
