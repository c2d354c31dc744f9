"""Publishing to Kafka: everything is sent, then everything is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from kafka import KafkaProducer

from events.bus import Clock, Message, Stamped
from events.errors import Refused, Unavailable
from events.record import Position, partition_for
from infra.kafka.client import Cluster

_partition = lru_cache(maxsize=65_536)(partition_for)


def partition_of(message: Message, partitions: int) -> int:
    """Where a message goes: the partition it names, else that of its key, else 0. Refused outside 0..partitions-1."""
    if message.key is None and message.value is None:
        raise Refused(
            "A message without key and value says nothing", hint="Give it a key or a value.", topic=message.topic
        )
    if message.partition is None:
        return 0 if message.key is None else _partition(message.key, partitions)
    if not 0 <= message.partition < partitions:
        raise Refused(
            f"{message.topic} has no partition {message.partition}",
            hint=f"Partitions are 0 to {partitions - 1}.",
            topic=message.topic,
        )
    return message.partition


class KafkaPublisher:
    """Idempotent: a batch that the client repeats after a lost answer is stored once, and order is kept."""

    def __init__(self, cluster: Cluster, producer: KafkaProducer, prefix: str, partitions: int, clock: Clock) -> None:
        self._cluster = cluster
        self._producer = producer
        self._prefix = prefix
        self._partitions = partitions
        self._stamped = clock == "scenario"

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        return [one.position for one in self.publish_stamped(messages)]

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        # All are checked before the first is sent: Refused then means that nothing was stored.
        partitions = [partition_of(message, self._partitions) for message in messages]
        with self._cluster.reached():
            pending = [
                self._producer.send(
                    f"{self._prefix}.{message.topic}",
                    message.value,
                    message.key,
                    list(message.headers),
                    partition,
                    message.timestamp_ms if self._stamped else None,
                )
                for message, partition in zip(messages, partitions, strict=True)
            ]
            self._producer.flush()
            receipts = [future.get(timeout=0) for future in pending]
        stamped = [
            Stamped(Position(message.topic, receipt.partition, receipt.offset), receipt.timestamp)
            for message, receipt in zip(messages, receipts, strict=True)
        ]
        if any(one.position.offset < 0 or one.received_ms < 0 for one in stamped):
            raise Unavailable(
                "Kafka acknowledged without an offset or a stamp", hint="Publish again; duplicates are recognised."
            )
        return stamped

    def close(self) -> None:
        self._producer.close()
