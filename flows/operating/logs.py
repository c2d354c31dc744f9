"""Every log as those see it who run the deployment: how far it is signed, what is due, held, refused, and what came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from flows.kept import Kept
from flows.operating.refusals import KeptRefusals, Refusals
from flows.reader import Moment
from flows.reading import Reading
from flows.standing import now_of, standing_of
from infra.ledger import Extent

TOLD_FOR_MS = 20_000
"""A log that has not grown is looked at again after so long: time alone makes things due, and late."""

Turn = Callable[[str], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class LogSeen:
    """One log. `standing` is that of `flows.standing`; `relayed` and `to_relay` count its dead letters."""

    standing: Mapping[str, Any]
    refusals: Refusals
    minutes: Mapping[int, int]
    relayed: int
    to_relay: int

    @property
    def programme(self) -> str:
        return str(self.standing["programme"])


@dataclass(frozen=True, slots=True)
class LogsSeen:
    """All logs of the ledger at `at_ms`; `clock` is that of the bus which it records."""

    at_ms: int
    clock: str
    logs: tuple[LogSeen, ...]

    def only(self, is_wanted: Callable[[str], bool]) -> LogsSeen:
        """Some of them."""
        return LogsSeen(self.at_ms, self.clock, tuple(log for log in self.logs if is_wanted(log.programme)))


@dataclass(frozen=True, slots=True)
class _Looked:
    extent: Extent
    at_ms: int
    seen: LogSeen


class LogsLook:
    """Looks at what has grown, and at the rest now and then. `turn` gives the turn of a log among those who read it."""

    def __init__(self, reading: Reading, turn: Turn, now: Callable[[], int]) -> None:
        self._reading, self._turn, self._now = reading, turn, now
        self._refusals = KeptRefusals(reading)
        self._looked: Kept[_Looked] = Kept(lambda _looked: 1, count_max=10_000)

    def look(self) -> LogsSeen:
        """Raises Unavailable."""
        ledger, at_ms = self._reading.ledger, self._now()
        stream, extents = ledger.stream(), ledger.extents()
        letters = ledger.overview().refused() if extents else {}
        logs = tuple(
            self._seen(extent, letters.get(extent.programme, (0, 0)), at_ms) for extent in extents if extent.size
        )
        return LogsSeen(at_ms, "broker" if stream is None else stream.clock, logs)

    def _seen(self, extent: Extent, letters: tuple[int, int], at_ms: int) -> LogSeen:
        name = extent.programme
        before = self._looked.get(name)
        if before is not None and before.extent == extent and at_ms - before.at_ms < TOLD_FOR_MS:
            seen = before.seen
            return LogSeen(seen.standing, seen.refusals, seen.minutes, *letters)
        with self._turn(name):
            state = self._reading.state(name)
            columns = self._reading.reader.columns.of(name, state.size)
            signed = min(extent.signed, state.size)
            told = standing_of(state, columns, state.size, signed, now_of(state, columns, state.size, None, at_ms))
            refusals = self._refusals.of(name, state.size, state.requeued)
            seen = LogSeen(told, refusals, columns.minutes(state.size), *letters)
        self._looked.put(name, _Looked(extent, at_ms, seen))
        return seen


def log_at(reading: Reading, programme: str, at: Moment | None, wall_ms: int) -> LogsSeen:
    """One log as it was at a moment. Who asks has its turn."""
    size = reading.reader.size_at(programme, at)
    state, columns = reading.state(programme, at), reading.reader.columns.of(programme, size)
    now_ms = now_of(state, columns, size, at, wall_ms)
    told = standing_of(state, columns, size, reading.ledger.overview().signed(programme, size), now_ms)
    refusals = KeptRefusals(reading).of(programme, size, state.requeued)
    return LogsSeen(now_ms, state.clock or "broker", (LogSeen(told, refusals, columns.minutes(size), 0, 0),))
