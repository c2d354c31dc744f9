"""The bus over a Kafka cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from events.bus import Clock, OnRevoked, Start
from events.errors import Unavailable
from events.record import DEAD_LETTERS, TOPICS, Record
from infra.kafka.client import Cluster
from infra.kafka.intake import KafkaIntake, records_of
from infra.kafka.publisher import KafkaPublisher
from infra.kafka.quorum_clock import leader_time
from infra.kafka.topics import check_partitions, ensure_topics

MISSED_AFTER_MS = 10_000
"""A member that was killed holds its partitions for so long; kafka-python's 45 s would be 45 s without a recorder. One that
only slept too long is told by the ledger (Conflict), so a short time costs nothing but a rebalance.
"""


def _unconcerned(_: Collection[tuple[str, int]]) -> None:
    """For intakes that keep nothing per partition."""


class KafkaBus:
    """`bootstrap` is host:port, several separated by commas. `security` holds kafka-python settings (sasl_*, ssl_*).

    Builds its clients when they are first needed; safe to share between threads, publishers and intakes are not.
    """

    def __init__(
        self,
        bootstrap: str,
        prefix: str = "phasegate",
        partitions: int = 12,
        clock: Clock = "broker",
        *,
        security: Mapping[str, Any] | None = None,
        linger_ms: int = 10,
        delivery_timeout_ms: int = 60_000,
    ) -> None:
        self.prefix = prefix
        self.partitions = partitions
        self.clock: Clock = clock
        self._cluster = Cluster(bootstrap, security or {})
        self._linger_ms = linger_ms
        self._delivery_timeout_ms = delivery_timeout_ms
        self._reading = threading.Lock()
        self._reader: KafkaConsumer | None = None
        self._is_shown = False

    @property
    def bootstrap(self) -> str:
        return self._cluster.bootstrap

    def ensure_topics(self) -> None:
        names = [f"{self.prefix}.{topic}" for topic in (*TOPICS, DEAD_LETTERS)]
        with self._cluster.administering() as admin:
            ensure_topics(admin, names, self.partitions, self.clock)

    def publisher(self) -> KafkaPublisher:
        producer = self._cluster.producer(self._linger_ms, self._delivery_timeout_ms)
        return KafkaPublisher(self._cluster, producer, self.prefix, self.partitions, self.clock)

    def intake(self, group: str, start: Start, on_revoked: OnRevoked = _unconcerned) -> KafkaIntake:
        consumer = self._cluster.consumer(group, session_timeout_ms=MISSED_AFTER_MS, heartbeat_interval_ms=2000)
        return KafkaIntake(self._cluster, consumer, self.prefix, start, on_revoked)

    def ends(self) -> Mapping[tuple[str, int], int]:
        return self._offsets(lambda consumer, places: consumer.end_offsets(places, timeout_ms=30_000))

    def begins(self) -> Mapping[tuple[str, int], int]:
        with self._reading, self._cluster.reached(), self._fresh_after_failure():
            for topic in TOPICS:
                known = self._consumer().partitions_for_topic(f"{self.prefix}.{topic}") or ()
                check_partitions(f"{self.prefix}.{topic}", len(known), self.partitions)
        return self._offsets(lambda consumer, places: consumer.beginning_offsets(places, timeout_ms=30_000))

    def _offsets(
        self, ask: Callable[[Any, list[TopicPartition]], Mapping[TopicPartition, int]]
    ) -> dict[tuple[str, int], int]:
        places = {
            TopicPartition(f"{self.prefix}.{topic}", number): (topic, number)
            for topic in TOPICS
            for number in range(self.partitions)
        }
        with self._reading, self._cluster.reached(), self._fresh_after_failure():
            self._require_topics()
            found = ask(self._consumer(), list(places))
        return {place: found[partition] for partition, place in places.items()}

    def leader_time(self) -> tuple[int, int]:
        """The node that leads the cluster, and what its clock says (Unix milliseconds). Writes nothing. Raises Unavailable."""
        with self._cluster.administering() as admin:
            return leader_time(admin)

    def _require_topics(self) -> None:
        """Once: a client that asks for what it is not shown waits for half a minute, and then does not say why. By a client of
        its own: one that was told of all topics may forget some of them while it asks for their offsets.
        """
        if self._is_shown:
            return
        with closing(self._cluster.consumer(None)) as looking:
            for topic in TOPICS:
                if not looking.partitions_for_topic(f"{self.prefix}.{topic}"):
                    raise kafka_errors.UnknownTopicOrPartitionError(f"{self.prefix}.{topic}")
        self._is_shown = True

    def read(self, topic: str, partition: int, start: int, stop: int) -> list[Record]:
        place = TopicPartition(f"{self.prefix}.{topic}", partition)
        records: list[Record] = []
        with self._reading, self._cluster.reached(), self._fresh_after_failure():
            reader = self._consumer()
            end = min(stop, reader.end_offsets([place], timeout_ms=30_000)[place])
            if start >= end:
                return []
            reader.assign([place])
            reader.seek(place, start)
            deadline = time.monotonic() + 60
            while reader.position(place, timeout_ms=30_000) < end:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"{place.topic}/{partition} was not read up to {end} in 60 s", hint="phasegate kafka status"
                    )
                records += records_of(reader.poll(500, 10_000), len(self.prefix) + 1)
        return [record for record in records if record.offset < stop]

    def close(self) -> None:
        with self._reading:
            self._drop_reader()

    @contextmanager
    def _fresh_after_failure(self) -> Iterator[None]:
        """A reader that met a bad batch hangs in its next poll: never use it again."""
        try:
            yield
        except BaseException:
            self._drop_reader()
            raise

    def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close(autocommit=False, timeout_ms=5000)

    def _consumer(self) -> KafkaConsumer:
        if self._reader is None:
            self._reader = self._cluster.consumer(None)
        return self._reader
