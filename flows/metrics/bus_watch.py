"""How far the recorder is behind, looked at from outside of it every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import Metric

from events.bus import Bus
from events.errors import PhasegateError
from flows.lag import first_waiting
from flows.metrics.families import family, seconds_since
from infra.ledger import Ledger

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records of a partition that are not recorded, and the receipt of the first (Unix milliseconds; None when none waits)."""

    records: int
    since_ms: int | None


class BusWatch:
    """`look` is called from one thread; `families` from any. `seen` is what the last look found, below `ends`.

    The bus is opened anew after each failure: a local broker may come up elsewhere. The first waiting record of a partition
    is read once: one that is stuck stays the same.
    """

    def __init__(self, ledger: Callable[[], Ledger], open_bus: Callable[[Ledger], Bus]) -> None:
        self._ledger, self._open_bus = ledger, open_bus
        self._bus: Bus | None = None
        self._first: dict[Place, tuple[int, int]] = {}
        self.seen: Mapping[Place, Waiting] = {}
        self.ends: Mapping[Place, int] = {}
        self.is_in_seconds = True

    def look(self) -> None:
        """Raises Unavailable, of the bus or of the ledger that says how far it is recorded."""
        ledger = self._ledger()
        try:
            bus = self._bus = self._bus or self._open_bus(ledger)
            ends = bus.ends()
            positions = ledger.positions(ends)
            self.ends = ends
            self.seen = {place: self._waiting(bus, place, positions[place], end) for place, end in ends.items()}
        except PhasegateError:
            self.close()
            raise
        self.is_in_seconds = bus.clock == "broker"

    def _waiting(self, bus: Bus, place: Place, start: int, end: int) -> Waiting:
        if start >= end:
            self._first.pop(place, None)
            return Waiting(0, None)
        known = self._first.get(place)
        if known is None or known[0] != start:
            found = first_waiting(bus, *place, start, end)
            if found is None:  # Only what the broker itself keeps there: no record.
                return Waiting(0, None)
            known = self._first[place] = (start, found.received_ms)
        return Waiting(end - start, known[1])

    def families(self, now_ms: int) -> Iterator[Metric]:
        """In scenario time receipts are nobody's clock: then no seconds are told."""
        seen = {(topic, str(number)): waiting for (topic, number), waiting in self.seen.items()}
        yield family("phasegate_lag_records", {place: waiting.records for place, waiting in seen.items()})
        timed = seen if self.is_in_seconds else {}
        waited = {place: seconds_since(waiting.since_ms, now_ms) for place, waiting in timed.items()}
        yield family("phasegate_lag_seconds", waited)

    def close(self) -> None:
        """Gives the connections back; the next look opens others."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()
