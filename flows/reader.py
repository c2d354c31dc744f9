"""Reading a programme's log: what is known now, and what was known at an earlier size."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from events import merkle
from events.errors import NotFound
from handlers.fold import Folder
from handlers.state import State
from infra.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Prefix:
    """What was known when the log had `size` entries, and the root of its tree then."""

    state: State
    size: int
    root: bytes


class Reader:
    """Keeps programmes folded and catches up with the ledger at each call. The states it returns are not to be changed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._folders: dict[str, Folder] = {}
        self._lock = threading.Lock()

    def state(self, programme: str) -> State:
        """What is known now. Raises NotFound for a programme without a log."""
        with self._lock:
            if self._ledger.head(programme) is None:
                known = ", ".join(head.programme for head in self._ledger.heads()) or "none"
                raise NotFound(f"the ledger has no log of {programme!r}; it has: {known}")
            folder = self._folders.setdefault(programme, Folder(programme))
            for stored in self._ledger.read(programme, folder.state.size):
                folder.apply(stored)
            return folder.state

    def prefix(self, programme: str, size: int) -> Prefix:
        """What was known after `size` entries, folded anew."""
        folder, stack = Folder(programme), list[bytes]()
        for stored in self._ledger.read(programme, 0, size):
            folder.apply(stored)
            merkle.append(stack, stored.index, merkle.leaf_hash(stored.entry))
        return Prefix(folder.state, folder.state.size, merkle.root(stack))

    def root(self, programme: str, size: int) -> bytes:
        """The root of the first `size` entries."""
        stack = list[bytes]()
        for stored in self._ledger.read(programme, 0, size, with_openings=False):
            merkle.append(stack, stored.index, merkle.leaf_hash(stored.entry))
        return merkle.root(stack)
