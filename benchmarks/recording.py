"""Recording: from Kafka to the committed ledger, against a bare consumer of the same topic and against the peer's append."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from benchmarks.log import make_log
from benchmarks.measure import Row, Timed, against, in_turns
from benchmarks.peer import Peer
from benchmarks.programme import DEPLOYMENT, LOG_KEY, ORIGIN, PARTITION, PARTITIONS, messages
from flows.recorder import BATCH_MAX, Recorder
from infra.kafka.broker import temporary_broker
from infra.kafka.bus import KafkaBus
from infra.kafka.client import Cluster

PREFIX = "measured"
RECORDER_AIM = 0.4
ROUNDS = 3
SENT_AT_ONCE = 5_000
PATIENCE_S = 60.0
"""How long no record may come before a measurement is given up."""

_numbers = count()


def side_by_side(folder: Path, events: int) -> Iterator[Row]:
    """Consumer, recorder and peer in turns, over the same marks. A broker is started for the purpose."""
    with temporary_broker() as broker:
        bus = KafkaBus(broker.bootstrap, PREFIX, PARTITIONS, "scenario")
        bus.ensure_topics()
        _publish(bus, events)
        candidates: dict[str, Timed] = {
            "bare kafka-python consumer": lambda: _consume(broker.bootstrap, events),
            "recorder, Kafka to ledger": lambda: _record(bus, folder, events),
            "eventsourcing append": lambda: _append(folder, events),
        }
        rows = in_turns(candidates, ROUNDS)
        bus.close()
    consumer, recorder, peer = rows.values()
    yield consumer
    yield peer
    yield against(recorder, consumer, RECORDER_AIM)
    yield against(recorder, peer)


def _publish(bus: KafkaBus, events: int) -> None:
    publisher, waiting = bus.publisher(), iter(messages(events))
    while chunk := list(islice(waiting, SENT_AT_ONCE)):
        publisher.publish(chunk)
    publisher.close()


def _consume(bootstrap: str, events: int) -> tuple[int, float]:
    """The client alone, with the recorder's own settings and without a group: polls and drops the records."""
    consumer: KafkaConsumer = Cluster(bootstrap, {}).consumer(None)
    place = TopicPartition(f"{PREFIX}.scores", PARTITION)
    consumer.assign([place])
    consumer.seek(place, 0)
    watch = _Watch(events)
    while watch.waiting():
        watch.saw(sum(map(len, consumer.poll(100, BATCH_MAX).values())))
    consumer.close()
    return watch.result()


def _record(bus: KafkaBus, folder: Path, events: int) -> tuple[int, float]:
    """A new recorder over a ledger that has the programme up to its open phase, until every mark is committed. Were the
    marks to come first, each would pend and be settled: two entries for one record.
    """
    ledger = make_log(folder, 0, f"recorded-{next(_numbers)}")
    recorder = Recorder(bus, ledger, DEPLOYMENT, ORIGIN, LOG_KEY)
    watch = _Watch(events)
    while watch.waiting():
        watch.saw(recorder.step())
    recorder.close()
    ledger.close()
    return watch.result()


def _append(folder: Path, events: int) -> tuple[int, float]:
    peer = Peer(folder, f"peer-{next(_numbers)}")
    stored = peer.append(events)
    peer.close()
    return stored, peer.append_seconds


class _Watch:
    """Counts from the first records on: joining a group and finding the broker are no part of a rate."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.seen = self.first = 0
        self.began = self.last = time.perf_counter()

    def waiting(self) -> bool:
        if time.perf_counter() - self.last > PATIENCE_S:
            raise TimeoutError(f"{self.seen} of {self.total} records came, then none for {PATIENCE_S:.0f} s")
        return self.seen < self.total

    def saw(self, records: int) -> None:
        if records:
            self.last = time.perf_counter()
            if self.seen == 0:
                self.first, self.began = records, self.last
            self.seen += records

    def result(self) -> tuple[int, float]:
        return self.seen - self.first, self.last - self.began
