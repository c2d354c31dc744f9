"""The bus inside one process: for simulations and where Kafka cannot be had. Nothing survives the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from events.bus import Clock, Message, OnRevoked, Stamped, Start
from events.errors import NotFound, Refused, Tampered
from events.record import DEAD_LETTERS, TOPICS, Position, ReceivedBy, Record, partition_for

LARGEST = 1_048_588
"""Bytes of key, value and headers, as Kafka's topics are set; Kafka also counts a few bytes of framing."""


def _unconcerned(_: Collection[tuple[str, int]]) -> None:
    """For intakes that keep nothing per partition."""


class MemoryBus:
    """`now` gives Unix milliseconds: the broker's stamp, and on scenario topics that of messages without their own.

    Thread-safe. A group is not shared: every intake is given all partitions.
    """

    def __init__(self, prefix: str, partitions: int, clock: Clock, now: Callable[[], int]) -> None:
        self.prefix = prefix
        self.partitions = partitions
        self.clock: Clock = clock
        self.now = now
        self.arrived = threading.Condition()
        self._logs: dict[tuple[str, int], list[Record]] = {
            (topic, number): [] for topic in (*TOPICS, DEAD_LETTERS) for number in range(partitions)
        }

    def ensure_topics(self) -> None:
        """They are there from the start, with this bus's own count and clock."""

    def publisher(self) -> MemoryPublisher:
        return MemoryPublisher(self)

    def intake(self, group: str, start: Start, on_revoked: OnRevoked = _unconcerned) -> MemoryIntake:
        return MemoryIntake(self, start)

    def ends(self) -> Mapping[tuple[str, int], int]:
        with self.arrived:
            return {place: len(log) for place, log in self._logs.items() if place[0] in TOPICS}

    def begins(self) -> Mapping[tuple[str, int], int]:
        return dict.fromkeys(self.ends(), 0)

    def read(self, topic: str, partition: int, start: int, stop: int) -> list[Record]:
        with self.arrived:
            return self.log(topic, partition)[start : max(start, stop)]

    def close(self) -> None:
        """Nothing is held."""

    def log(self, topic: str, partition: int) -> list[Record]:
        """The stored records themselves; hold `arrived` while using it."""
        found = self._logs.get((topic, partition))
        if found is None:
            raise NotFound(f"No partition {topic}/{partition}", hint=f"Topics are {', '.join(TOPICS)}, {DEAD_LETTERS}.")
        return found


class MemoryPublisher:
    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        return [one.position for one in self.publish_stamped(messages)]

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        placed = [(message, self._partition(message)) for message in messages]
        with self._bus.arrived:
            stamped = [self._append(message, partition) for message, partition in placed]
            self._bus.arrived.notify_all()
        return stamped

    def close(self) -> None:
        """Nothing is held."""

    def _append(self, message: Message, partition: int) -> Stamped:
        log = self._bus.log(message.topic, partition)
        by_broker = self._bus.clock == "broker"
        stamp = self._bus.now() if by_broker or message.timestamp_ms is None else message.timestamp_ms
        received_by: ReceivedBy = "broker" if by_broker else "producer"
        log.append(
            Record(message.topic, partition, len(log), stamp, received_by, message.key, message.headers, message.value)
        )
        return Stamped(Position(message.topic, partition, len(log) - 1), stamp)

    def _partition(self, message: Message) -> int:
        count = self._bus.partitions
        if message.key is None and message.value is None:
            raise Refused(
                "A message without key and value says nothing", hint="Give it a key or a value.", topic=message.topic
            )
        size = (
            len(message.key or b"")
            + len(message.value or b"")
            + sum(len(name.encode()) + len(value) for name, value in message.headers)
        )
        if size > LARGEST:
            raise Refused(
                f"A message of {size} bytes is larger than {LARGEST}", hint="Publish a reference to it instead."
            )
        if message.partition is None:
            return 0 if message.key is None else partition_for(message.key, count)
        if not 0 <= message.partition < count:
            raise Refused(
                f"{message.topic} has no partition {message.partition}", hint=f"Partitions are 0 to {count - 1}."
            )
        return message.partition


class MemoryIntake:
    """Holds every partition from its first poll on. `start` is asked then, as Kafka does at an assignment."""

    def __init__(self, bus: MemoryBus, start: Start) -> None:
        self._bus = bus
        self._start = start
        self._next: dict[tuple[str, int], int] = {}
        self._turn = 0

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        if not self._next:
            self.rewind()
        deadline = time.monotonic() + timeout_s
        with self._bus.arrived:
            while not (records := self._take(max_records)):
                left = deadline - time.monotonic()
                if left <= 0 or not self._bus.arrived.wait(left):
                    return self._take(max_records)
        return records

    def rewind(self) -> None:
        places = list(self._bus.ends())
        starts = self._start(places)
        self._next = {place: starts.get(place, 0) for place in places}

    def commit(self, positions: Mapping[tuple[str, int], int]) -> None:
        """No lag tool looks here."""

    def close(self) -> None:
        """Nothing is held."""

    def _take(self, limit: int) -> list[Record]:
        """Up to `limit` records; the partition that is asked first changes each time, so that none starves."""
        places = list(self._next)
        self._turn = (self._turn + 1) % len(places)
        records: list[Record] = []
        for place in places[self._turn :] + places[: self._turn]:
            log, at = self._bus.log(*place), self._next[place]
            if at > len(log):
                raise Tampered(
                    f"The ledger wants to read {place[0]}/{place[1]} at {at}, its log ends at {len(log)}",
                    hint="A memory bus starts empty: use a new ledger with it.",
                )
            batch = log[at : at + limit - len(records)]
            self._next[place] = at + len(batch)
            records += batch
        return records
