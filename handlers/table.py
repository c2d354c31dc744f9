"""A large dictionary of a folded log that was opened by a snapshot: of what it had then, only that is read which is asked for.

Its rows are in blocks, in their order, and an index says in which row a key may be. Both are parts of a snapshot, each read
when it is first needed. Whoever goes over all of it, such as the computing of a phase, has all of it read; from then on it is
a dictionary like any other. It never differs from what it was written from (docs/decisions/0043).
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, MutableMapping, Sequence, ValuesView
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, overload

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
T = TypeVar("T")

ROWS = 1024
"""Rows of a block."""

AT_ONCE = 64
"""Blocks that are read together where all are: so many are in memory twice."""

Block = tuple[list[K], list[V]]
Blocks = Callable[[Sequence[bytes]], list[Block[K, V]]]
"""Reads the blocks of these names."""


class Load(Protocol):
    """Reads parts of a snapshot by their names, each through `make`, in that order. Raises what makes the caller begin anew
    where one is not there, is not what its name says, or `make` raises Unreadable.
    """

    def __call__(self, names: Sequence[bytes], make: Callable[[bytes], T]) -> list[T]: ...


class Index(Protocol):
    """Says where a key may be."""

    @property
    def held(self) -> int: ...
    def rows(self, key: Any, keys_of: Callable[[int], Sequence[Any]]) -> Iterator[int]: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Of what a table consists: so many rows, in blocks of these names; `gone` are the rows that were taken out."""

    count: int
    blocks: tuple[bytes, ...]
    gone: frozenset[int] = frozenset()


_NOTHING: Any = object()


class Table(MutableMapping[K, V], Generic[K, V]):
    """`layout`, `index` and `read` are of the snapshot; what was added and changed since is here."""

    __slots__ = ("_absent", "_blocks", "_read", "added", "changed", "gone", "index", "layout")

    def __init__(self, layout: Layout, index: Index, read: Blocks[K, V]) -> None:
        self._read = read
        self.adopt(layout, index)

    def adopt(self, layout: Layout, index: Index) -> None:
        """Takes what was written of it as what it consists of: nothing has been added since."""
        self.layout: Layout | None = layout
        self.index = index
        self.added: dict[K, V] = {}
        self.changed: dict[int, V] = {}
        self.gone = set(layout.gone)
        self._blocks: dict[int, Block[K, V]] = {}
        self._absent: Any = _NOTHING

    @property
    def held(self) -> int:
        """About how many rows of the snapshot are in memory; an index weighs a hundredth."""
        if self.layout is None:
            return len(self.added)
        return sum(len(keys) for keys, _ in self._blocks.values()) + self.index.held // 100

    def __getitem__(self, key: K) -> V:
        found: V = self.get(key, _NOTHING)
        if found is _NOTHING:
            raise KeyError(key)
        return found

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...
    @overload
    def get(self, key: K, default: V | D) -> V | D: ...
    def get(self, key: K, default: Any = None) -> Any:
        found = self.added.get(key, _NOTHING)
        if found is not _NOTHING:
            return found
        row = self._find(key)
        return default if row is None else self._value(row)

    def __contains__(self, key: object) -> bool:
        return key in self.added or self._find(key) is not None

    def __setitem__(self, key: K, value: V) -> None:
        row = None if key in self.added else self._find(key)
        if row is None:
            self.added[key] = value
        else:
            self.changed[row] = value

    def __delitem__(self, key: K) -> None:
        if key in self.added:
            del self.added[key]
            return
        row = self._find(key)
        if row is None:
            raise KeyError(key)
        self.gone.add(row)
        self.changed.pop(row, None)

    def __len__(self) -> int:
        return len(self.added) + (0 if self.layout is None else self.layout.count - len(self.gone))

    def __iter__(self) -> Iterator[K]:
        return iter(self.whole())

    def keys(self) -> KeysView[K]:
        return self.whole().keys()

    def values(self) -> ValuesView[V]:
        return self.whole().values()

    def items(self) -> ItemsView[K, V]:
        return self.whole().items()

    def block(self, number: int) -> Block[K, V]:
        """The rows of a block as they were written."""
        found = self._blocks.get(number)
        if found is None:
            assert self.layout is not None  # Or there is none.
            (found,) = self._read([self.layout.blocks[number]])
            self._blocks[number] = found
        return found

    def whole(self) -> dict[K, V]:
        """All of it, in its order."""
        if self.layout is not None:
            found: dict[K, V] = {}
            names = self.layout.blocks
            for start in range(0, len(names), AT_ONCE):
                for number, (keys, values) in enumerate(self._read(names[start : start + AT_ONCE]), start):
                    found.update(self._present(number * ROWS, keys, values))
            found.update(self.added)
            self.added, self.layout = found, None
            self.changed, self.gone, self._blocks = {}, set(), {}
        return self.added

    def _present(self, first: int, keys: list[K], values: list[V]) -> Iterator[tuple[K, V]]:
        if not self.gone and not self.changed:
            return zip(keys, values, strict=True)
        rows = enumerate(zip(keys, values, strict=True), first)
        return ((key, self.changed.get(row, value)) for row, (key, value) in rows if row not in self.gone)

    def _value(self, row: int) -> V:
        if row in self.changed:
            return self.changed[row]
        return self.block(row // ROWS)[1][row % ROWS]

    def _find(self, key: object) -> int | None:
        """The row of the snapshot that a key has. One that was just found to be absent is mostly added next."""
        if self.layout is None or self._absent == key:
            return None
        for row in self.index.rows(key, self._keys):
            if row not in self.gone and self._keys(row // ROWS)[row % ROWS] == key:
                return row
        self._absent = key
        return None

    def _keys(self, number: int) -> list[K]:
        return self.block(number)[0]
