"""Opening a log by its snapshot, and making one. What does not fit is left, said, and the log folded from the start: a snapshot
saves time and decides nothing (docs/decisions/0031).
"""

from __future__ import annotations

import sys
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import structlog

import events
import handlers
from events.errors import Conflict, Tampered, Unavailable
from handlers.folded import Folded, Unreadable, decode, pack, unpack
from infra.ledger import Ledger, Snapshot

GROWN_MIN = 1000
"""Entries that are folded quicker than anybody would notice."""

AT_A_PAUSE, UNDER_LOAD = 8, 1
"""A log that has grown by one in so many of its entries since its last snapshot is due for another."""

UNDER_LOAD_MIN = 20_000

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

    def restore(self, programme: str, *, judging: bool) -> Folded | None:
        """What a log was folded to when it had fewer entries, or as many as now; None where there is nothing that fits."""
        found = self._ledger.snapshot(programme)
        if found is None:
            return None
        try:
            return self._read(programme, found, judging=judging)
        except (Unreadable, Tampered) as error:
            log.warning("snapshot-left", programme=programme, size=found.size, reason=str(error))
            return None

    def _read(self, programme: str, found: Snapshot, *, judging: bool) -> Folded:
        if found.build != self._build:
            raise Unreadable("another build made it")
        if not found.is_whole:
            raise Unreadable("it is not as it was written")
        if not self._ledger.fits(programme, found):
            raise Unreadable("it is not of these entries")
        folded = decode(unpack(found.folded), judging=judging)
        if (folded.state.programme, folded.state.size) != (programme, found.size):
            raise Unreadable(f"it is of {folded.state.programme!r} with {folded.state.size} entries")
        return folded

    def write(self, programme: str, size: int, data: bytes) -> None:
        """Keeps the bytes of a folded log. What hinders that hinders nobody: the log can always be folded."""
        try:
            self._ledger.keep_snapshot(programme, size, self._build, pack(data))
        except (Conflict, Unavailable) as error:
            log.warning("snapshot-not-kept", programme=programme, size=size, reason=error.message)
