"""What Kafka delivers: a record, its position, and the partition its key belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TOPICS = ("submissions", "scores", "audits", "decisions")
"""The four topics, by the short names that entries and events use; a deployment's prefix is put before them on the wire."""

DEAD_LETTERS = "dead-letters"

ReceivedBy = Literal["broker", "producer"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a record stands: short topic name, partition, offset. Unique within one deployment."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(slots=True)
class Record:
    """One record as the broker delivered it. `received_ms` is Unix time in milliseconds: the broker's stamp, or the
    producer's where the topic says CreateTime; `received_by` tells which. Headers keep order and repetitions. Nobody
    changes one; it is not frozen because a frozen one takes five times as long to make.
    """

    topic: str
    partition: int
    offset: int
    received_ms: int
    received_by: ReceivedBy
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 (seed 0x9747b28c), as the Java client's default partitioner computes it."""
    length = len(data)
    h = (0x9747B28C ^ length) & 0xFFFFFFFF
    for i in range(0, length - 3, 4):
        k = int.from_bytes(data[i : i + 4], "little") * 0x5BD1E995 & 0xFFFFFFFF
        k = (k ^ k >> 24) * 0x5BD1E995 & 0xFFFFFFFF
        h = (h * 0x5BD1E995 & 0xFFFFFFFF) ^ k
    tail = data[length & ~3 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * 0x5BD1E995 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return h ^ h >> 15


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of a key among `partitions`: murmur2, sign bit dropped. Same as Java's and kafka-python's default."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
