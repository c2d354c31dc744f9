"""Opening a log by its snapshot, and making one. What does not fit is left, said, and the log folded from the start: a snapshot
saves time and decides nothing (docs/decisions/0031).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import structlog

import events
import handlers
from events.errors import Conflict, Tampered, Unavailable
from handlers.folded import Encoded, Folded, decode, pack, unpack
from handlers.parts import Unreadable
from infra.ledger import Keeping, Ledger, Snapshot

GROWN_MIN = 1000
"""Entries that are folded quicker than anybody would notice."""

AT_A_PAUSE, UNDER_LOAD = 8, 1
"""A log that has grown by one in so many of its entries since its last snapshot is due for another."""

UNDER_LOAD_MIN = 20_000

T = TypeVar("T")

log = structlog.get_logger("phasegate.snapshots")


def is_due(size: int, kept: int, *, pausing: bool) -> bool:
    """Whether a log of that size, of which a snapshot of `kept` entries is there, is worth another. Each costs in proportion
    to its size, so they are made at sizes that grow by a factor: together they cost a log a few of its entries' time.
    """
    grown = size - kept
    least = GROWN_MIN if pausing else UNDER_LOAD_MIN
    return grown >= least and grown * (AT_A_PAUSE if pausing else UNDER_LOAD) >= size


@lru_cache(maxsize=1)
def build() -> bytes:
    """The fingerprint of what folds: every file of the two packages that give a state its form and its meaning, and the
    libraries that read it. A snapshot of another one is not read. To be asked for at a process's start, before the files
    can be others than those that run.
    """
    found = sha256(f"{sys.version_info[:2]} {version('pydantic')} {version('orjson')}".encode())
    for package in (events, handlers):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                found.update(f"{package.__name__}/{path.relative_to(folder)}\n".encode())
                found.update(sha256(path.read_bytes()).digest())
    return found.digest()


class Snapshots:
    """Those of one ledger, for the build that runs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._build = build()
        self._left: set[bytes] = set()

    def restore(self, programme: str, *, judging: bool, is_lazy: bool = False) -> Folded | None:
        """What a log was folded to when it had fewer entries, or as many as now; None where there is nothing that fits. If it
        `is_lazy`, what it has of large dictionaries is read when it is asked for. Where that is gone by then, or is not as it
        was written, whoever asks gets Conflict, and another call does without.
        """
        for _ in range(2):  # Another may come in its place while it is read.
            found = self._ledger.snapshot(programme)
            if found is None:
                return None
            try:
                return self._read(programme, found, judging=judging, is_lazy=is_lazy)
            except (Unreadable, Tampered, Conflict) as error:
                log.warning("snapshot-left", programme=programme, size=found.size, reason=str(error))
                if not isinstance(error, Conflict):
                    return None
        return None

    def _read(self, programme: str, found: Snapshot, *, judging: bool, is_lazy: bool) -> Folded:
        if found.build != self._build:
            raise Unreadable("another build made it")
        if not found.is_whole:
            raise Unreadable("it is not as it was written")
        if (row := sha256(found.folded).digest()) in self._left:
            raise Unreadable("a part of it was gone, or was not as it was written")
        if not self._ledger.fits(programme, found):
            raise Unreadable("it is not of these entries")
        load = _Parts(self._ledger, programme, partial(self._left.add, row))
        folded = decode(unpack(found.folded), load, judging=judging, is_lazy=is_lazy)
        if (folded.state.programme, folded.state.size) != (programme, found.size):
            raise Unreadable(f"it is of {folded.state.programme!r} with {folded.state.size} entries")
        return folded

    def write(self, programme: str, size: int, encoded: Encoded) -> bool:
        """Keeps the bytes of a folded log, and says whether it did. What hinders that hinders nobody: the log can always be
        folded.
        """
        try:
            keeping = Keeping(self._build, pack(encoded.head), encoded.parts, encoded.names)
            return self._ledger.keep_snapshot(programme, size, keeping)
        except (Conflict, Unavailable) as error:
            log.warning("snapshot-not-kept", programme=programme, size=size, reason=error.message)
            return False


class _Parts:
    """Reads parts of one snapshot. Says so when it is not to be asked again."""

    def __init__(self, ledger: Ledger, programme: str, leave: Callable[[], None]) -> None:
        self._ledger, self._programme, self._leave = ledger, programme, leave

    def __call__(self, names: Sequence[bytes], make: Callable[[bytes], T]) -> list[T]:
        try:
            return list(map(make, self._ledger.snapshot_parts(self._programme, names)))
        except Conflict:
            self._leave()
            raise
        except Unreadable as error:
            self._leave()
            raise Conflict(f"a part of the snapshot of {self._programme!r} cannot be read: {error}") from error
