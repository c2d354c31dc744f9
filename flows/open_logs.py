"""The logs that a recorder keeps folded in memory, as it last wrote them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from events.entry import Entry, Opening, decode_entry
from events.record import partition_for
from flows.erasures import Erasures
from handlers.fold import Folder
from handlers.judge import Deployment
from handlers.state import State
from infra.ledger import Ledger

LOGS_MAX = 256
"""Programmes kept folded in memory; one that is not comes back from the ledger when its next record arrives."""


LookUp = Callable[[Entry], Opening | None]
"""What a record holds that the ledger does not keep, because a later record is known to erase it."""


@dataclass(slots=True)
class OpenLog:
    """A log as this recorder last wrote it: what is known, and the commitments of what pends."""

    origin: str
    state: State
    commitments: dict[int, str] = field(default_factory=dict)


class OpenLogs:
    """Opens logs when they are asked for; all of them can be forgotten at any time, the ledger has them."""

    def __init__(self, ledger: Ledger, deployment: Deployment, origin: str) -> None:
        self._ledger = ledger
        self._deployment = deployment
        self._origin = origin
        self._logs: dict[str, OpenLog] = {}
        self.look_up: LookUp = lambda _entry: None

    def get(self, key: str) -> OpenLog:
        """A log folded from the ledger; a new one where the ledger has none."""
        return self._logs.get(key) or self._open(key)

    def _open(self, key: str) -> OpenLog:
        folder = Folder(key, judging=True, hidden=Erasures(self._ledger, key).look)
        if self._ledger.head(key) is not None:
            ahead = {erased.index for erased in self._ledger.erased(key) if erased.by is None}
            for stored in self._ledger.read(key):
                if stored.index in ahead:  # Never kept, and not erased yet: what comes before its erasure rests on it.
                    stored.opening = self.look_up(decode_entry(stored.entry))
                folder.apply(stored)
        state = folder.finish(self._deployment)
        commitments = self._commitments(key, state.waiting)
        self._logs[key] = opened = OpenLog(f"{self._origin}/{key}", state, commitments)
        return opened

    def _commitments(self, key: str, waiting: Collection[int]) -> dict[int, str]:
        """Of what pends, read at one go: where a phase opens late that may be thousands."""
        if not waiting:
            return {}
        rows = self._ledger.read(key, min(waiting), max(waiting) + 1, with_openings=False)
        return {row.index: decode_entry(row.entry).commitment for row in rows if row.index in waiting}

    def forget(self, key: str | None = None) -> None:
        """Drops one of them, or all."""
        if key is None:
            self._logs.clear()
        else:
            self._logs.pop(key, None)

    def trim(self) -> None:
        """Drops the oldest of too many. Not while a batch of theirs is still to be written."""
        for key in list(self._logs)[: max(0, len(self._logs) - LOGS_MAX)]:
            del self._logs[key]


def partition_of(key: str, partitions: int) -> int:
    """The partition that a log's records travel in; an unrouted log is named by it."""
    _, _, number = key.rpartition("/")
    return int(number) if number != key else partition_for(key.encode(), partitions)
