"""The port to the broker: what a producer sends, what the recorder takes in, and what may be relied on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from events.record import Position, Record

Clock = Literal["broker", "scenario"]
"""Who stamps a record: the broker on arrival (LogAppendTime), or its producer (CreateTime; simulations only)."""

Start = Callable[[Collection[tuple[str, int]]], Mapping[tuple[str, int], int]]
"""The next offset to read of each (topic, partition); one that is left out is read from its beginning, offset 0.

Asked at every assignment, in the thread that polls."""

OnRevoked = Callable[[Collection[tuple[str, int]]], None]
"""Told which (topic, partition)s this member no longer owns, in the thread that polls, before it is given new records.

It may be told late: another member may own them by then. Only the ledger's compare-and-swap keeps the two apart."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a producer sends. Key and value are not both None: such a record says nothing and is refused.

    `timestamp_ms` counts on CreateTime topics only. Without a `partition` the key decides (murmur2); without a key, 0.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int | None = None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Stamped:
    """Where a message stands, and when it was received: Unix milliseconds, the broker's stamp or, on CreateTime topics, the
    producer's.
    """

    position: Position
    received_ms: int


class Publisher(Protocol):
    """Sends messages. Not shared between threads."""

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        """Return when all in-sync replicas hold all messages: their positions, in the order given.

        Order is kept per partition. `Unavailable` leaves open which were stored: publish all of them again, duplicates
        are recognised downstream. `Refused` means that a message can never be stored (too large, unknown partition).
        """

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        """`publish`, with the stamp of each message beside its position."""

    def close(self) -> None: ...


class Intake(Protocol):
    """One member of the recorder's consumer group. All calls come from one thread."""

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        """The next records, ordered per partition, each at least once; [] when none came in time."""

    def rewind(self) -> None:
        """Forget the fetch positions and ask `start` again for every assigned partition (after a Conflict)."""

    def commit(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Show the group's next offsets to lag tools. Best effort: nothing reads them back, nothing is raised."""

    def close(self) -> None: ...


class Bus(Protocol):
    """The four topics and the dead letters of one deployment. Topics are named without the prefix everywhere here."""

    @property
    def prefix(self) -> str: ...

    @property
    def partitions(self) -> int: ...

    @property
    def clock(self) -> Clock: ...

    def ensure_topics(self) -> None:
        """Create what is missing. Refused where a topic has another partition count (keys would move) or clock."""

    def publisher(self) -> Publisher: ...

    def intake(self, group: str, start: Start, on_revoked: OnRevoked = ...) -> Intake: ...

    def ends(self) -> Mapping[tuple[str, int], int]:
        """The next offset of every partition of the four topics."""

    def begins(self) -> Mapping[tuple[str, int], int]:
        """The first offset that every partition of the four topics still holds: 0 as long as nothing was deleted. Creates
        nothing; Refused where a topic has another partition count.
        """

    def read(self, topic: str, partition: int, start: int, stop: int) -> list[Record]:
        """The records with start <= offset < stop that exist by now. Outside any group; moves no position."""

    def close(self) -> None: ...
