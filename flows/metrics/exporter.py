"""The exporter: what was last seen of ledger, logs and bus. A scrape computes, and waits for nothing.

It stands outside recorder and flows, only reads, and holds no key. Killed, it has lost nothing: its counters are those of the
ledger, and it counts again from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version

from prometheus_client import Metric
from prometheus_client.registry import Collector

from events.bus import Bus
from flows.metrics.bus_watch import BusWatch
from flows.metrics.families import family
from flows.metrics.ledger_watch import LedgerWatch
from flows.metrics.logs_watch import LogsWatch
from flows.metrics.looking import Part
from handlers.engines import NEWEST
from infra.clock import now_ms
from infra.ledger import Ledger


class Exporter(Collector):
    """Three parts, each looked at by itself: `database` (how long the logs are), `states` (what is in them: at its start it
    reads all of them once), `broker`. A part that is away is asked again and again.
    """

    def __init__(self, open_ledger: Callable[[], Ledger], open_bus: Callable[[Ledger], Bus]) -> None:
        self._open_ledger = open_ledger
        self._opening = threading.Lock()
        self._opened: Ledger | None = None
        sizes, states, bus = LedgerWatch(self._ledger), LogsWatch(self._ledger), BusWatch(self._ledger, open_bus)
        self.parts = Part("database", sizes.look), Part("states", states.look), Part("broker", bus.look)
        self._told = sizes.families, states.families, bus.families
        self._close_bus = bus.close
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=part.watch, args=(self._stop,), name=f"metrics-{part.name}", daemon=True)
            for part in self.parts
        ]

    def _ledger(self) -> Ledger:
        with self._opening:
            if self._opened is None:
                self._opened = self._open_ledger()
            return self._opened

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def await_first_look(self, within_s: float) -> None:
        """Until every part has been looked at once, or for so long; what is away is away."""
        until = time.monotonic() + within_s
        for part in self.parts:
            part.was_asked.wait(max(0.0, until - time.monotonic()))

    @property
    def is_alive(self) -> bool:
        """Whether every part is still being looked at, whatever it answers."""
        return all(thread.is_alive() for thread in self._threads)

    def collect(self) -> Iterator[Metric]:
        at_ms = now_ms()
        for families in self._told:
            yield from families(at_ms)
        yield family("phasegate_up", {(part.name,): int(part.is_up) for part in self.parts})
        answered = {(part.name,): part.answered_ms / 1000 for part in self.parts if part.answered_ms is not None}
        yield family("phasegate_collected_timestamp_seconds", answered)
        yield build()

    def close(self) -> None:
        """What hangs in a client is not waited for long: the threads end with the process."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(1.0)
        self._close_bus()
        if self._opened is not None:
            self._opened.close()


def build() -> Metric:
    """What serves these metrics."""
    return family("phasegate_build_info", {(version("phasegate"), str(NEWEST)): 1})
