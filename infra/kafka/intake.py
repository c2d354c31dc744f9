"""One member of the recorder's group. Where it reads is decided by the ledger, never by Kafka's group offsets."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors

from events.bus import OnRevoked, Start
from events.errors import Tampered
from events.record import TOPICS, Record
from infra.kafka.client import Cluster

_SLICE_MS = 200
"""Longest wait in one call of the client: a new assignment is placed after it, not at the end of a long poll."""


_UNREADABLE = (kafka_errors.CorruptRecordError, kafka_errors.UnsupportedCodecError)


class KafkaIntake:
    def __init__(
        self, cluster: Cluster, consumer: KafkaConsumer, prefix: str, start: Start, on_revoked: OnRevoked
    ) -> None:
        self._cluster = cluster
        self._consumer = consumer
        self._prefix = prefix
        self._start = start
        self._on_revoked = on_revoked
        self._stuck: Tampered | None = None
        self._ownership = _Ownership(consumer)
        consumer.subscribe([f"{prefix}.{topic}" for topic in TOPICS], listener=self._ownership)

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        if self._stuck:
            raise self._stuck  # this client would hang in its next poll
        deadline = time.monotonic() + timeout_s
        while True:
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            self._remember_join()
            with self._cluster.reached():
                try:
                    batches = self._consumer.poll(min(left_ms, _SLICE_MS), max_records)
                except (kafka_errors.OffsetOutOfRangeError, *_UNREADABLE) as error:
                    self._stuck = self._tampered(error)
                    raise self._stuck from error
                self._follow_ownership()
            if batches:
                return records_of(batches, len(self._prefix) + 1)
            if left_ms == 0:
                return []

    def _remember_join(self) -> None:
        """kafka-python 3.0.12 rejoins when metadata has changed, and takes that reason for settled as soon as the group's
        leader has assigned. A poll that ends before the answer to that leaves a member that owns nothing, for good and in
        silence; so a join that is under way is a reason to go on joining (tests/e2e/test_recorder_crash.py).
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - no public way to ask; the version is locked
        if coordinator._join_task is not None:  # noqa: SLF001 - same
            coordinator.request_rejoin()

    def rewind(self) -> None:
        with self._cluster.reached():
            self._follow_ownership()
            self._place(self._consumer.assignment())

    def commit(self, positions: Mapping[tuple[str, int], int]) -> None:
        self._consumer.commit_async(
            {self._partition(place): OffsetAndMetadata(offset, "", -1) for place, offset in positions.items()},
            callback=lambda _offsets, _response: None,
        )

    def close(self) -> None:
        self._ownership.closed = True
        self._consumer.close(autocommit=False, timeout_ms=5000)

    def _follow_ownership(self) -> None:
        """Take up what the listener noted. When `start` fails they stay paused and noted: the next poll asks."""
        gone, come = self._ownership.take()
        try:
            if gone:
                self._on_revoked([self._place_of(partition) for partition in sorted(gone)])
            self._place(come)
        except BaseException:
            self._ownership.give_back(come)
            raise

    def _place(self, partitions: Collection[TopicPartition]) -> None:
        if not partitions:
            return
        starts = self._start([self._place_of(partition) for partition in sorted(partitions)])
        for partition in partitions:
            with suppress(KeyError, AssertionError):  # taken away at this moment: the listener has noted it
                self._consumer.seek(partition, starts.get(self._place_of(partition), 0))
                self._consumer.resume(partition)

    def _place_of(self, partition: TopicPartition) -> tuple[str, int]:
        return partition.topic[len(self._prefix) + 1 :], partition.partition

    def _partition(self, place: tuple[str, int]) -> TopicPartition:
        return TopicPartition(f"{self._prefix}.{place[0]}", place[1])

    def _tampered(self, error: kafka_errors.KafkaError) -> Tampered:
        if isinstance(error, kafka_errors.OffsetOutOfRangeError):
            said = "The ledger wants to read on where Kafka has no such offset"
            hint = "The topics were emptied or exchanged. Find the cluster the ledger was written from."
        else:
            said = "Kafka holds a record that cannot be read"
            hint = "Look at the partition with Kafka's own tools: a broken disk, or a codec that is missing here."
        return Tampered(f"{said}: {error}", hint=hint, bootstrap=self._cluster.bootstrap)


class _Ownership(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Notes what the group gave and took; acts later, in the polling thread.

    The client calls this from its event loop: a slow `start` would stop heartbeats there, a failing one
    would be wrapped and logged. New partitions are paused at a definite offset, so nothing is fetched until
    `start` was asked.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._lock = threading.Lock()
        self._gone: set[TopicPartition] = set()
        self._come: set[TopicPartition] = set()
        self.closed = False

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        taken = set() if self.closed else set(revoked)
        with self._lock:
            self._gone |= taken
            self._come -= taken

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        given = set(assigned)
        for partition in given:
            self._consumer.seek(partition, 0)
        self._consumer.pause(*given)
        with self._lock:
            self._come |= given

    def take(self) -> tuple[set[TopicPartition], set[TopicPartition]]:
        """What went and what came since the last call. A group may give the same partitions twice in a row: what comes while
        the first are being placed stays for the next call, or it would stay paused for good
        (tests/e2e/test_recorder_crash.py).
        """
        with self._lock:
            gone, come = self._gone, self._come
            self._gone, self._come = set(), set()
        return gone, come

    def give_back(self, come: set[TopicPartition]) -> None:
        """These could not be placed; those among them that went meanwhile are noted as such, and left out."""
        with self._lock:
            self._come |= come - self._gone


def records_of(batches: Mapping[TopicPartition, list[Any]], cut: int) -> list[Record]:
    """Kafka's records as ours; `cut` is the length of the prefix and its dot."""
    records: list[Record] = []
    for (name, partition), batch in batches.items():
        topic = name[cut:]
        records += [
            Record(
                topic,
                partition,
                found.offset,
                found.timestamp,
                "broker" if found.timestamp_type == 1 else "producer",
                found.key,
                tuple([(title, value or b"") for title, value in found.headers]),  # null as empty; a list is faster
                found.value,
            )
            for found in batch
        ]
    return records
