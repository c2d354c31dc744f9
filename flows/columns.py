"""What is asked of a log's entries again and again, kept in columns: how each was judged, and when it was received.

Entries never change, so a column only grows: whoever asks of any prefix reads what has come since, and nothing twice.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from events.entry import Verdict, decode_members
from flows.kept import Kept
from infra.ledger import Ledger

VERDICTS: tuple[Verdict, ...] = ("accepted", "refused", "duplicate", "pending")
_SETTLES = len(VERDICTS)
"""Added to the code of the verdict where the entry settles an earlier one."""

_REFUSED = VERDICTS.index("refused")
MINUTE_MS = 60_000
WEIGHT_MAX = 20_000_000
"""Entries of all logs together: each takes 17 bytes."""


@dataclass(slots=True)
class Columns:
    """The first `size` entries of a log, and more as it grows. Whoever asks names a size; what lies behind is not looked at."""

    size: int = 0
    _codes: bytearray = field(default_factory=bytearray)
    _received: array[int] = field(default_factory=lambda: array("q"))
    _latest: array[int] = field(default_factory=lambda: array("q"))
    _refused: array[int] = field(default_factory=lambda: array("q"))
    _minutes: Counter[int] = field(default_factory=Counter)

    def catch_up(self, ledger: Ledger, programme: str) -> None:
        """Reads what has come since. To be called by one thread at a time; others may ask meanwhile."""
        latest = self._latest[-1] if self._latest else 0
        for stored in ledger.read(programme, self.size, with_openings=False):
            _, _, _, _, received_ms, _, verdict, _, _, _, of = decode_members(stored.entry)
            code = VERDICTS.index(verdict)
            if of is None:
                latest = max(latest, received_ms)
                self._minutes[received_ms // MINUTE_MS] += 1
            if code == _REFUSED:
                self._refused.append(stored.index)
            self._codes.append(code if of is None else code + _SETTLES)
            self._received.append(received_ms)
            self._latest.append(latest)
            self.size = stored.index + 1

    def verdicts(self, size: int) -> dict[str, int]:
        """How many records have each verdict. One that pended counts by what it became; until then as pending."""
        first = [self._codes.count(code, 0, size) for code in range(_SETTLES)]
        later = [self._codes.count(code, 0, size) for code in range(_SETTLES, 2 * _SETTLES)]
        found: dict[str, int] = {name: one + other for name, one, other in zip(VERDICTS, first, later, strict=True)}
        return found | {"pending": found["pending"] - sum(later)}

    def received_ms(self, index: int) -> int:
        """The stamp of an entry; a settlement carries that of what it settles."""
        return self._received[index]

    def last_ms(self, size: int) -> int:
        """The latest receipt."""
        return self._latest[size - 1] if size else 0

    def refused_after(self, size: int, since_ms: int) -> int:
        """How many records that were received after an instant are refused."""
        until = bisect_left(self._refused, size)
        return sum(self._received[index] > since_ms for index in self._refused[:until])

    def first_received(self, start: int, size: int) -> int | None:
        """The receipt of the first record whose first entry stands at `start` or after it; None when there is none. What
        settles a record carries its receipt, which may lie far back, so first entries count.
        """
        return next((self._received[at] for at in range(start, size) if self._codes[at] < _SETTLES), None)

    def size_at(self, time_ms: int, size: int) -> int:
        """The smallest prefix that holds every first entry received up to an instant; 0 where there is none."""
        if size and self._latest[size - 1] <= time_ms:
            return 1 + next(at for at in range(size - 1, -1, -1) if self._codes[at] < _SETTLES)
        for at in range(size - 1, -1, -1):
            if self._received[at] <= time_ms and self._codes[at] < _SETTLES:
                return at + 1
        return 0

    def minutes(self, size: int) -> Mapping[int, int]:
        """How many records were received in each minute (of Unix time) in which there were any."""
        if size == self.size:
            return self._minutes.copy()
        return Counter(received // MINUTE_MS for received in self._firsts(size))

    def _firsts(self, size: int) -> Iterator[int]:
        return (self._received[at] for at in range(size) if self._codes[at] < _SETTLES)


class KeptColumns:
    """Of the logs of a ledger, from any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: Kept[Columns] = Kept(lambda columns: columns.size, weight_max=WEIGHT_MAX)
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, programme: str, size: int) -> Columns:
        """With `size` entries at least, as far as the log has them."""
        with self._lock:
            columns = self._kept.get(programme)
            if columns is None:
                self._kept.put(programme, columns := Columns())
            turn = self._turns.setdefault(programme, threading.Lock())
        if columns.size < size:
            with turn:
                if columns.size < size:
                    columns.catch_up(self._ledger, programme)
            with self._lock:
                self._kept.trim()
        return columns
