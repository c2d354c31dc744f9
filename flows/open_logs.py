"""The logs that a recorder keeps folded in memory, as it last wrote them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from events.entry import Entry, Opening, decode_entry
from events.record import partition_for
from flows.appending import Appending
from flows.erasures import Erasures
from flows.kept import Kept
from flows.snapshots import Snapshots, is_due
from handlers.fold import Folder, Hole
from handlers.folded import Encoded, Folded, encode
from handlers.judge import Deployment
from handlers.parts import Unreadable
from handlers.state import State
from handlers.table import Table
from infra.ledger import Ledger

AT_ONCE = 20_000
"""Entries of logs of which snapshots are made at one go, but at least one: nothing is judged meanwhile, some 8 µs an entry."""

log = structlog.get_logger("phasegate.recorder")

LookUp = Callable[[Entry], Opening | None]
"""What a record holds that the ledger does not keep, because a later record is known to erase it."""


@dataclass(slots=True)
class OpenLog:
    """A log as this recorder last wrote it: what is known, and the commitments of what pends. `hiding` are the records
    without content whose verdict is open; `kept` is how many entries its last snapshot has. `tables` are large dictionaries
    of the snapshot that it was opened by, and `since` is how many entries that has.
    """

    origin: str
    state: State
    commitments: dict[int, str] = field(default_factory=dict)
    hiding: Mapping[int, Hole] = field(default_factory=dict)
    kept: int = 0
    tables: Sequence[Table[Any, Any]] = ()
    since: int = 0

    @property
    def weight(self) -> int:
        """About how many entries of it are in memory."""
        return (
            self.state.size - self.since + sum(table.held for table in self.tables) // 3
        )  # An entry is in about three.


class OpenLogs:
    """Opens logs when they are asked for; all of them can be forgotten at any time, the ledger has them. Without
    `snapshots` each is folded from its first entry.
    """

    def __init__(self, ledger: Ledger, deployment: Deployment, origin: str, snapshots: Snapshots | None = None) -> None:
        self._ledger = ledger
        self._deployment = deployment
        self._origin = origin
        self._snapshots = snapshots
        self.kept: Kept[OpenLog] = Kept(lambda opened: opened.weight)
        self.look_up: LookUp = lambda _entry: None

    def get(self, key: str) -> OpenLog:
        """A log folded from the ledger; a new one where the ledger has none."""
        return self.kept.get(key) or self._open(key)

    def _open(self, key: str) -> OpenLog:
        found = None if self._snapshots is None else self._snapshots.restore(key, judging=True, is_lazy=True)
        folder, kept = Folder.opened(key, found, judging=True, hidden=Erasures(self._ledger, key).look), 0
        if self._ledger.head(key) is not None:
            kept = folder.state.size
            ahead = {erased.index for erased in self._ledger.erased(key, kept) if erased.by is None}
            for stored in self._ledger.read(key, kept):
                if stored.index in ahead:  # Never kept, and not erased yet: what comes before its erasure rests on it.
                    stored.opening = self.look_up(decode_entry(stored.entry))
                folder.apply(stored)
        state = folder.finish(self._deployment)
        commitments = self._commitments(key, state.waiting)
        tables, since = ((), 0) if found is None or not found.tables else (found.tables, kept)
        opened = OpenLog(f"{self._origin}/{key}", state, commitments, folder.hiding, kept, tables, since)
        self.kept.put(key, opened)
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
            self.kept.clear()
        else:
            self.kept.drop(key)

    def keep(self, appending: Appending, *, pausing: bool) -> None:
        """Makes snapshots of what has grown enough, and has them written before the next batch. To be called while all that is
        folded is in the ledger.
        """
        if self._snapshots is None or not appending.is_free:
            return
        made: list[tuple[str, int, Encoded]] = []
        for key, opened in self.kept.items():
            if is_due(size := opened.state.size, opened.kept, pausing=pausing):
                opened.kept = size
                made += self._encoded(key, opened)
                if sum(size for _, size, _ in made) >= AT_ONCE:
                    break
        for key, size, encoded in made:
            if encoded.adopting and self._snapshots.write(key, size, encoded):
                self._adopt(key, size, encoded)
        if whole := [row for row in made if not row[2].adopting]:
            appending.beside(partial(self._write, self._snapshots, whole))

    def _adopt(self, key: str, size: int, encoded: Encoded) -> None:
        """What was opened by a snapshot goes on from the next one: what that has is no longer in memory."""
        opened = self.kept.get(key)
        assert opened is not None  # It was just encoded.
        encoded.adopt()
        opened.since = size

    def _encoded(self, key: str, opened: OpenLog) -> list[tuple[str, int, Encoded]]:
        try:
            return [(key, opened.state.size, encode(Folded(opened.state, dict(opened.hiding))))]
        except Unreadable as error:
            log.warning("no-snapshot", programme=key, size=opened.state.size, reason=str(error))
            return []

    def _write(self, snapshots: Snapshots, made: list[tuple[str, int, Encoded]]) -> None:
        for key, size, encoded in made:
            snapshots.write(key, size, encoded)


def partition_of(key: str, partitions: int) -> int:
    """The partition that a log's records travel in; an unrouted log is named by it."""
    _, _, number = key.rpartition("/")
    return int(number) if number != key else partition_for(key.encode(), partitions)
