"""A bus read again from its beginning, outside any group: what a recorder needs to make a ledger anew from it.

Records of all partitions come in the order of their receipt, each partition's own order kept: close to how they once came in,
and the same each time. Nothing is published, and no position of anybody is moved.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter

from events.bus import Bus, Clock, Message, OnRevoked, Publisher, Stamped, Start
from events.errors import Refused
from events.record import TOPICS, Position, Record

AT_ONCE = 50_000
"""Records held in memory, of all partitions together; a partition is read in equal parts of it."""

LEAST_AT_ONCE = 50


class Rereading:
    """What `bus` holds below `stops`, as a bus of its own. The stops may be moved forward when it was read up to them."""

    def __init__(self, bus: Bus, stops: Mapping[tuple[str, int], int]) -> None:
        self._bus, self.stops = bus, stops

    @property
    def prefix(self) -> str:
        return self._bus.prefix

    @property
    def partitions(self) -> int:
        return self._bus.partitions

    @property
    def clock(self) -> Clock:
        return self._bus.clock

    def ensure_topics(self) -> None:
        """They are there, or there is nothing to read."""

    def publisher(self) -> Publisher:
        return _Silent()

    def intake(self, group: str, start: Start, on_revoked: OnRevoked = lambda _: None) -> RereadIntake:
        del group, on_revoked  # nothing is assigned, so nothing is taken away
        return RereadIntake(self._bus, self, start)

    def ends(self) -> Mapping[tuple[str, int], int]:
        return self.stops

    def begins(self) -> Mapping[tuple[str, int], int]:
        return self._bus.begins()

    def read(self, topic: str, partition: int, start: int, stop: int) -> list[Record]:
        return self._bus.read(topic, partition, start, min(stop, self.stops.get((topic, partition), 0)))

    def close(self) -> None:
        """The bus that is read stays open: it is the caller's."""


class RereadIntake:
    """Gives what there is below the stops, then nothing more until they are moved."""

    def __init__(self, bus: Bus, reading: Rereading, start: Start) -> None:
        self._bus, self._reading, self._start = bus, reading, start
        self._stops: Mapping[tuple[str, int], int] | None = None
        self._records: Iterator[Record] = iter(())

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        del timeout_s  # all of it is there already
        if self._stops is not self._reading.stops:
            self.rewind()
        return list(islice(self._records, max_records))

    def rewind(self) -> None:
        self._stops = stops = self._reading.stops
        starts = self._start(list(stops))
        left = {place: starts.get(place, 0) for place, stop in stops.items() if starts.get(place, 0) < stop}
        part = max(LEAST_AT_ONCE, AT_ONCE // max(1, len(left)))
        ordered = sorted(left, key=lambda place: (place[1], TOPICS.index(place[0])))
        places = [self._place(*place, left[place], stops[place], part) for place in ordered]
        self._records = heapq.merge(*places, key=attrgetter("received_ms"))

    def _place(self, topic: str, partition: int, start: int, stop: int, part: int) -> Iterator[Record]:
        for first in range(start, stop, part):
            yield from self._bus.read(topic, partition, first, min(stop, first + part))

    def commit(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Nobody's positions are moved."""

    def close(self) -> None:
        """Nothing is held."""


class _Silent:
    """Stands where a publisher is wanted: a bus that is read again is not written to."""

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        raise Refused(f"{len(messages)} messages for a bus that is only read again", hint="a defect of the caller")

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        raise Refused(f"{len(messages)} messages for a bus that is only read again", hint="a defect of the caller")

    def close(self) -> None:
        """Nothing is held."""
