"""Recording: from Kafka to the committed ledger, against a bare consumer of the same topic, against the peer's append, and
against the floor under any recorder that keeps what ours keeps.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

import orjson
from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import insert

from benchmarks.log import make_log
from benchmarks.measure import Row, Timed, against, in_turns
from benchmarks.peer import Peer
from benchmarks.programme import DEPLOYMENT, LOG_KEY, ORIGIN, PARTITION, PARTITIONS, messages
from flows.recorder import BATCH_MAX, Recorder
from infra.kafka.broker import temporary_broker
from infra.kafka.bus import KafkaBus
from infra.kafka.client import Cluster
from infra.ledger.database import connect, upgrade, writing
from infra.ledger.tables import entries, logs, openings
from infra.ledger.writer import insert_rows

PREFIX = "measured"
RECORDER_AIM = 0.4
ROUNDS = 3
SENT_AT_ONCE = 5_000
ENTRY_BYTES = 260
"""Bytes of the public entry of a mark."""
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
            "floor: consume, decode, hash, insert": lambda: _floor(broker.bootstrap, folder, events),
        }
        rows = in_turns(candidates, ROUNDS)
        bus.close()
    consumer, recorder, peer, floor = rows.values()
    yield consumer
    yield peer
    yield against(recorder, consumer, RECORDER_AIM)
    yield against(recorder, peer)
    yield against(recorder, floor)
    yield against(floor, consumer)


def _publish(bus: KafkaBus, events: int) -> None:
    publisher, waiting = bus.publisher(), iter(messages(events))
    while chunk := list(islice(waiting, SENT_AT_ONCE)):
        publisher.publish(chunk)
    publisher.close()


def _consume(bootstrap: str, events: int) -> tuple[int, float]:
    """The client alone, with the recorder's own settings and without a group: polls and drops the records."""
    watch = _Watch(events)
    with _consumer(bootstrap) as consumer:
        while watch.waiting():
            watch.saw(sum(map(len, consumer.poll(100, BATCH_MAX).values())))
    return watch.result()


@contextmanager
def _consumer(bootstrap: str) -> Iterator[KafkaConsumer]:
    consumer: KafkaConsumer = Cluster(bootstrap, {}).consumer(None)
    place = TopicPartition(f"{PREFIX}.scores", PARTITION)
    consumer.assign([place])
    consumer.seek(place, 0)
    yield consumer
    consumer.close()


def _floor(bootstrap: str, folder: Path, events: int) -> tuple[int, float]:
    """Consumes, decodes the JSON, hashes a commitment and a leaf, and inserts the two rows of each record, in the same
    transactions and tables as the recorder; judges nothing, keeps nothing in memory, moves no head and no position.
    """
    url = f"sqlite:///{folder}/floor-{next(_numbers)}.sqlite"
    upgrade(url)
    engine, watch, salt = connect(url), _Watch(events), bytes(32)
    with writing(engine) as connection:
        connection.execute(insert(logs).values(id=1, programme="p", origin="o", size=0, stack=b"", digest=b""))
    with _consumer(bootstrap) as consumer:
        while watch.waiting():
            found = [one for batch in consumer.poll(100, BATCH_MAX).values() for one in batch]
            public, private = [], []
            for one in found:
                orjson.loads(one.value)
                sha256(salt + one.value).digest()
                entry = one.value[:ENTRY_BYTES]
                sha256(entry).digest()
                public.append((1, one.offset, entry, "scores", one.partition, one.offset, None, "accepted"))
                private.append((1, one.offset, salt, one.key, b"", one.value, None, None))
            with writing(engine) as connection:
                insert_rows(connection, entries, public)
                insert_rows(connection, openings, private)
            watch.saw(len(found))
    engine.dispose()
    return watch.result()


def _record(bus: KafkaBus, folder: Path, events: int) -> tuple[int, float]:
    """A new recorder over a ledger that has the programme up to its open phase, until every mark is committed. Were the
    marks to come first, each would pend and be settled: two entries for one record.
    """
    ledger = make_log(folder, 0, f"recorded-{next(_numbers)}")
    recorder = Recorder(bus, ledger, DEPLOYMENT, ORIGIN, LOG_KEY)
    watch = _Watch(events)
    recorder.observe = lambda _record, _verdict: watch.start()
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
    """Counts from the first records on: joining a group and finding the broker are no part of a rate. Who is told when a
    record is looked at starts the watch then; otherwise it starts when the first records have come, and leaves them out.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.seen = self.left_out = 0
        self.began: float | None = None
        self.last = time.perf_counter()

    def start(self) -> None:
        if self.began is None:
            self.began = time.perf_counter()

    def waiting(self) -> bool:
        if time.perf_counter() - self.last > PATIENCE_S:
            raise TimeoutError(f"{self.seen} of {self.total} records came, then none for {PATIENCE_S:.0f} s")
        return self.seen < self.total

    def saw(self, records: int) -> None:
        if records:
            self.last = time.perf_counter()
            if self.began is None:
                self.left_out, self.began = records, self.last
            self.seen += records

    def result(self) -> tuple[int, float]:
        assert self.began is not None  # Something came, or `waiting` has given up.
        return self.seen - self.left_out, self.last - self.began
