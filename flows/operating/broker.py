"""The bus, as far as the recorder has it: how many records of each partition wait, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.metrics.bus_watch import BusWatch
from flows.wiring import open_bus_in_haste
from infra.ledger import Ledger
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class PartitionSeen:
    """`records` wait in it, the first for `seconds`; None where the bus is in its own time."""

    topic: str
    partition: int
    end: int
    records: int
    seconds: int | None


@dataclass(frozen=True, slots=True)
class BrokerSeen:
    """The partitions in their order."""

    partitions: tuple[PartitionSeen, ...]

    @property
    def behind(self) -> int:
        return sum(row.records for row in self.partitions)

    def lag(self) -> Mapping[str, Any]:
        """As `flows.attention` takes it."""
        waited = [row.seconds for row in self.partitions if row.records and row.seconds is not None]
        seconds = max(waited, default=0) if all(row.seconds is not None for row in self.partitions) else None
        return {"reachable": True, "problem": None, "behind": self.behind, "seconds": seconds}


class BrokerLook:
    """Keeps its connection, and opens another after a failure. `now` gives Unix milliseconds."""

    def __init__(self, settings: Settings, ledger: Ledger, now: Callable[[], int]) -> None:
        self._settings, self._now = settings, now
        self._watch = BusWatch(lambda: ledger, lambda ledger: open_bus_in_haste(settings, ledger))

    @property
    def is_named(self) -> bool:
        """Whether the settings name a broker, or one was ever started here."""
        return bool(self._settings.kafka) or (self._settings.home / "kafka").exists()

    def look(self) -> BrokerSeen:
        """Raises Unavailable."""
        self._watch.look()
        now_ms, in_seconds = self._now(), self._watch.is_in_seconds
        rows = []
        for (topic, partition), waiting in sorted(self._watch.seen.items()):
            since_ms = waiting.since_ms
            seconds = 0 if since_ms is None else max(0, now_ms - since_ms) // 1000
            end = self._watch.ends[topic, partition]
            rows.append(PartitionSeen(topic, partition, end, waiting.records, seconds if in_seconds else None))
        return BrokerSeen(tuple(rows))

    def close(self) -> None:
        self._watch.close()
