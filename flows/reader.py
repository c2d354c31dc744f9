"""Reading a programme's log: what is known now, and what was known at an earlier size."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from events import merkle
from events.errors import NotFound
from events.values import format_instant
from flows.columns import KeptColumns
from flows.erasures import Erasures
from flows.kept import Kept
from flows.snapshots import Snapshots
from handlers.fold import Folder
from handlers.state import State
from infra.ledger import Ledger

PREFIXES_MAX, PREFIX_ENTRIES_MAX = 8, 200_000
"""Earlier moments that are kept folded, and their entries together; a longer one is folded each time."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What was known when the log had `size` entries, and the root of its tree then."""

    state: State
    size: int
    root: bytes


class Moment(Protocol):
    """A prefix of a log, as people name it: its size, or a time (Unix milliseconds). One of the two."""

    @property
    def size(self) -> int | None: ...
    @property
    def time_ms(self) -> int | None: ...


class Reader:
    """Keeps programmes folded and catches up with the ledger at each call. The states it returns are not to be changed. With
    `snapshots` the present state is opened by one where there is one: not for those who verify, nor are earlier states.
    """

    def __init__(self, ledger: Ledger, *, snapshots: bool = False) -> None:
        self._ledger = ledger
        self._snapshots = Snapshots(ledger) if snapshots else None
        self.columns = KeptColumns(ledger)
        self.prefixes: Kept[Prefix] | None = None
        """Earlier moments that were asked for, where somebody wants them kept; see `keep_prefixes`."""
        self.kept: Kept[Folder] = Kept(lambda folder: folder.state.size)
        self._erased: dict[str, int] = {}
        self._lock = threading.Lock()

    def keep_prefixes(self) -> None:
        """For a site, where one page after the other looks at the same moment."""
        self.prefixes = Kept(lambda prefix: prefix.size, PREFIXES_MAX, PREFIX_ENTRIES_MAX)

    def state(self, programme: str) -> State:
        """What is known now. Raises NotFound for a programme without a log."""
        with self._lock:
            if self._ledger.head(programme) is None:
                known = ", ".join(head.programme for head in self._ledger.heads()) or "none"
                raise NotFound(f"the ledger has no log of {programme!r}; it has: {known}")
            folder = self._caught_up(programme)
            if len(folder.state.erased) > self._erased.get(programme, 0):  # It may hold what is gone by now.
                self.kept.drop(programme)
                folder = self._caught_up(programme)
                self._erased[programme] = len(folder.state.erased)
            return folder.state

    def _caught_up(self, programme: str) -> Folder:
        folder = self.kept.get(programme)
        if folder is None:
            found = None if self._snapshots is None else self._snapshots.restore(programme, judging=False)
            folder = Folder.opened(programme, found, hidden=Erasures(self._ledger, programme).look)
            self.kept.put(programme, folder)
        for index, entry, value in self._ledger.read_values(programme, folder.state.size):
            folder.apply_value(index, entry, value)
        self.kept.trim()
        return folder

    def prefix(self, programme: str, size: int) -> Prefix:
        """What was known after `size` entries: what is folded already where that is the whole log, else folded anew. Not
        to be kept while more is read.
        """
        head = self._ledger.head(programme)
        if head is not None and head.size == size and (present := self.state(programme)).size == size:
            return Prefix(present, size, merkle.root(head.stack))
        if self.prefixes is None or size > PREFIX_ENTRIES_MAX:
            return self._folded(programme, size)
        key = f"{programme} {size} {len(self._ledger.erased(programme))}"  # What was erased is folded anew without it.
        with self._lock:
            found = self.prefixes.get(key)
        if found is None:
            found = self._folded(programme, size)
            with self._lock:
                self.prefixes.put(key, found)
                self.prefixes.trim()
        return found

    def _folded(self, programme: str, size: int) -> Prefix:
        folder = Folder(programme, hidden=Erasures(self._ledger, programme).look)
        stack: list[bytes] = []
        for index, entry, value in self._ledger.read_values(programme, 0, size):
            folder.apply_value(index, entry, value)
            merkle.append(stack, index, merkle.leaf_hash(entry))
        return Prefix(folder.state, folder.state.size, merkle.root(stack))

    def root(self, programme: str, size: int) -> bytes:
        """The root of the first `size` entries."""
        head = self._ledger.head(programme)
        if head is not None and head.size == size:
            return merkle.root(head.stack)
        stack = list[bytes]()
        for stored in self._ledger.read(programme, 0, size, with_openings=False):
            merkle.append(stack, stored.index, merkle.leaf_hash(stored.entry))
        return merkle.root(stack)

    def size_at(self, programme: str, at: Moment | None) -> int:
        """The size of the prefix that is meant; of the whole log for None. A time means the smallest prefix that holds
        every first entry received up to then. Raises NotFound for a size that the log has not reached, and for a time
        before its first entry.
        """
        head = self._ledger.head(programme)
        size = 0 if head is None else head.size
        if at is None:
            return size
        if at.time_ms is None:
            if at.size is None or at.size > size:
                raise NotFound(f"the log of {programme!r} has {size} entries, not {at.size}")
            return at.size
        if (found := self.columns.of(programme, size).size_at(at.time_ms, size)) == 0:
            raise NotFound(f"nothing of {programme!r} was received up to {format_instant(at.time_ms)}")
        return found
