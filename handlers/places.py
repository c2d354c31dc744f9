"""Where the records of a partition stand that a log has read, and which phases have read what each of them says."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

PROGRAMME: Final = "*programme"
"""Read by every phase, or by those still to come."""

NOBODY: Final = "*nobody"
"""A repeat: no phase has read it."""

REFUSED: Final = "*refused"
"""No phase has read it either, and it can be sent again."""

PENDING: Final = "*pending"
"""Nothing is said of it yet."""

KEPT: Final = "*kept"
"""What the pipeline needs for ever: rules, markers, keys, decisions and acts on the topic `decisions`."""

SEVERAL: Final = "*several"
"""Its content is gone, and it may have been of any of several phases."""

Scope = str
"""The id of the one phase that has read a record, or one of the words above."""


@dataclass(slots=True, eq=False)
class Places:
    """Offsets of one partition, ascending, each with its scope. Small, since a programme may have a million records. Those
    up to `behind` are in `earlier`, where a log was opened by a snapshot.
    """

    offsets: array[int] = field(default_factory=lambda: array("q"))
    scopes: list[Scope] = field(default_factory=list)
    earlier: MutableMapping[int, Scope] = field(default_factory=dict)
    behind: int = -1

    @property
    def last(self) -> int:
        """The offset of the record that was read last; -1 before there is one."""
        return self.offsets[-1] if self.offsets else self.behind

    def scope_at(self, offset: int) -> Scope | None:
        """The scope of the record there; None for one that is not this programme's, or not read yet."""
        if offset <= self.behind:
            return self.earlier.get(offset)
        place = self._find(offset)
        return None if place is None else self.scopes[place]

    def _find(self, offset: int) -> int | None:
        place = bisect_left(self.offsets, offset)
        return place if place < len(self.offsets) and self.offsets[place] == offset else None

    def note(self, offset: int, scope: Scope) -> None:
        """Notes the next record that is read."""
        self.offsets.append(offset)
        self.scopes.append(scope)

    def settle(self, offset: int, scope: Scope) -> None:
        """Notes what became of a record that pended: it was noted when it was read."""
        if offset <= self.behind:
            self.earlier[offset] = scope
            return
        place = self._find(offset)
        assert place is not None
        self.scopes[place] = scope

    def seal(self, last: int) -> None:
        """Drops what is in `earlier` now: all of it, up to that offset."""
        del self.offsets[:], self.scopes[:]
        self.behind = last

    def items(self) -> Iterator[tuple[int, Scope]]:
        """All of them, in their order."""
        yield from self.earlier.items()
        yield from zip(self.offsets, self.scopes, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places) and list(self.items()) == list(other.items())

    __hash__ = None  # type: ignore[assignment]  # It changes.


def unread(verdict: str) -> Scope:
    """The scope of a record that counts for nothing, by how its entry says so."""
    return REFUSED if verdict == "refused" else NOBODY


def written_place(row: Mapping[str, Any]) -> str:
    """The same as text: `scores/7/412`."""
    return "{}/{}/{}".format(*place_of(row))


def place_of(row: Mapping[str, Any]) -> tuple[str, int, int]:
    """Where a record stands, as `record.erased` and `record.requeued` say it: topic, partition, offset."""
    return row["topic"], row["partition"], row["offset"]
