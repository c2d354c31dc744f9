"""How long records take from the broker's receipt to their commit, counted by the recorder that commits them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from events.record import Record
from flows.metrics.table import METRICS

NAME = "phasegate_record_seconds"
BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000)


class RecordTimes(Collector):
    """Counts in integers, a whole batch at a time: a histogram that is told of each record costs the recorder more. Records in
    scenario time are left out, since their stamps are nobody's clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * (len(BOUNDS_MS) + 1)
        self._sum_ms = 0

    def add(self, records: Sequence[Record], now_ms: int) -> None:
        """These were committed at `now_ms` (Unix milliseconds). A clock behind the broker's counts as no time."""
        taken_ms = [max(0, now_ms - one.received_ms) for one in records if one.received_by == "broker"]
        with self._lock:
            for ms in taken_ms:
                self._counts[bisect_left(BOUNDS_MS, ms)] += 1
            self._sum_ms += sum(taken_ms)

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            counts, sum_ms = list(self._counts), self._sum_ms
        total, buckets = 0, list[tuple[str, float]]()
        for bound, count in zip((*(str(ms / 1000) for ms in BOUNDS_MS), "+Inf"), counts, strict=True):
            total += count
            buckets.append((bound, total))
        yield HistogramMetricFamily(NAME, METRICS[NAME].meaning, buckets, sum_ms / 1000)
