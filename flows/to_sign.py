"""What a recorder has still to sign, and how much of that it signs at one go: nothing is judged meanwhile.

To sign a log its new entries are read back, some 40 µs each. A log that only grows and never pauses is signed in portions
while it grows; at a pause as many logs as a moment allows, the others at the next one.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

import structlog

from events.errors import Conflict
from flows.log_signer import LogSigner

ENTRIES_AT_ONCE = 2048
LOGS_AT_ONCE = 32

log = structlog.get_logger("phasegate.recorder")


class ToSign:
    """Logs that have grown since this recorder signed them, by how many entries; in the order in which they began to."""

    def __init__(self, signer: LogSigner) -> None:
        self._signer = signer
        self._grown: dict[str, int] = {}

    def grew(self, key: str, entries: int = 0) -> None:
        """Notes that a log has more entries; without a number, that it may have."""
        self._grown[key] = self._grown.get(key, 0) + entries

    def sign_long(self, wanted: Collection[str]) -> None:
        """The logs that are wanted now, and those whose next signature would take long."""
        for key in [key for key, grown in self._grown.items() if key in wanted or grown >= ENTRIES_AT_ONCE]:
            self._sign(key)

    def sign_some(self) -> None:
        """As many as a pause allows; one in any case."""
        entries = 0
        for key, grown in list(islice(self._grown.items(), LOGS_AT_ONCE)):
            if entries and entries + grown > ENTRIES_AT_ONCE:
                return
            self._sign(key)
            entries += grown

    def sign_all(self) -> None:
        """Every one."""
        for key in list(self._grown):
            self._sign(key)

    def _sign(self, key: str) -> None:
        """After a rebalance the log may be another's, who signs it too: then this is tried again at the next pause."""
        try:
            self._signer.sign(key)
        except Conflict as conflict:
            log.warning("signed by another", message=conflict.message)
            return
        del self._grown[key]
