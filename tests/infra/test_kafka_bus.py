from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from events.errors import Refused, Unavailable
from events.record import DEAD_LETTERS, TOPICS, partition_for
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.kafka.process import free_ports
from infra.kafka.topics import LATEST_STAMP, read_settings
from tests.contracts.bus import PARTITIONS, BusContract, MakeBus, from_the_beginning, message, take

pytestmark = pytest.mark.kafka

KEPT_FOR_GOOD = {
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "cleanup.policy": "delete",
    "max.message.bytes": "1048588",
    "compression.type": "uncompressed",
}


class NameOfBytes(str):
    """A header name that goes out as bytes which are not UTF-8: what a hostile client can send."""

    __slots__ = ()

    def encode(self, *_: object, **__: object) -> bytes:
        return b"\xff\xfe"


class Places(list[tuple[str, int]]):
    """What `start` was asked for."""

    def start(self, places: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        self.extend(places)
        return {}


@pytest.fixture
def make_bus(kafka: TemporaryBroker, topic_prefix: str) -> Iterator[MakeBus]:
    with ExitStack() as stack:

        def make(**settings: Any) -> KafkaBus:
            wanted: dict[str, Any] = {"prefix": topic_prefix, "partitions": PARTITIONS} | settings
            return stack.enter_context(closing(KafkaBus(kafka.bootstrap, **wanted)))

        yield make


@pytest.fixture
def bus(make_bus: MakeBus) -> KafkaBus:
    bus = make_bus()
    bus.ensure_topics()
    assert isinstance(bus, KafkaBus)
    return bus


class TestKafkaBus(BusContract):
    """The contract, over the real broker."""


@pytest.mark.parametrize(
    ("clock", "stamps"),
    [
        ("broker", {"message.timestamp.type": "LogAppendTime"}),
        ("scenario", {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(LATEST_STAMP)}),
    ],
)
def test_topics_have_the_settings_that_keep_everything(
    make_bus: MakeBus, kafka: TemporaryBroker, topic_prefix: str, clock: str, stamps: dict[str, str]
) -> None:
    make_bus(clock=clock).ensure_topics()
    names = [f"{topic_prefix}.{topic}" for topic in (*TOPICS, DEAD_LETTERS)]
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        settings = read_settings(admin, names)
        counts = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(names)}
    wanted = KEPT_FOR_GOOD | stamps
    assert {name: {key: found[key] for key in wanted} for name, found in settings.items()} == dict.fromkeys(
        names, wanted
    )
    assert counts == dict.fromkeys(names, PARTITIONS)


def test_another_partition_count_is_refused_with_both_numbers(bus: KafkaBus, make_bus: MakeBus) -> None:
    with pytest.raises(Refused, match=r"has 3 partitions, this deployment is set to 4"):
        make_bus(partitions=4).ensure_topics()


def test_another_clock_is_refused_with_both_names(bus: KafkaBus, make_bus: MakeBus) -> None:
    with pytest.raises(Refused, match=r"LogAppendTime, this deployment needs CreateTime"):
        make_bus(clock="scenario").ensure_topics()


def test_a_topic_that_forgets_is_refused(bus: KafkaBus, kafka: TemporaryBroker, topic_prefix: str) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, f"{topic_prefix}.scores", {"retention.ms": "1000"})]
        )
        deadline = time.monotonic() + 60
        while read_settings(admin, [f"{topic_prefix}.scores"])[f"{topic_prefix}.scores"]["retention.ms"] != "1000":
            assert time.monotonic() < deadline, "the broker does not take the setting over"
            time.sleep(0.1)
    with pytest.raises(Refused, match=r"scores has retention.ms=1000, this deployment needs -1"):
        bus.ensure_topics()


def test_a_plain_client_reads_what_we_publish_where_its_own_partitioner_would_put_it(
    bus: KafkaBus, kafka: TemporaryBroker, topic_prefix: str
) -> None:
    with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap)) as producer:
        receipts = [producer.send(f"{topic_prefix}.scores", b"v", b"key %d" % n).get(10) for n in range(20)]
    assert [receipt.partition for receipt in receipts] == [partition_for(b"key %d" % n, PARTITIONS) for n in range(20)]


def test_a_header_name_that_is_not_utf8_does_not_stop_the_intake(
    bus: KafkaBus, kafka: TemporaryBroker, topic_prefix: str
) -> None:
    with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=100)) as producer:
        for headers in ([("a", b"1")], [(NameOfBytes("x"), b"2"), ("b", b"3")], [("c", b"4")]):
            producer.send(f"{topic_prefix}.scores", b"v", b"k", headers, partition=0)
        producer.flush()
    with closing(bus.intake("g", from_the_beginning)) as intake:
        records = take(intake, 3)
    assert [record.headers for record in records] == [
        (("a", b"1"),),
        (("\\xff\\xfe", b"2"), ("b", b"3")),
        (("c", b"4"),),
    ]


def test_what_a_sender_packed_is_stored_unpacked(bus: KafkaBus, kafka: TemporaryBroker, topic_prefix: str) -> None:
    """A codec that is not installed here would otherwise stop the recorder: the consumer cannot read the batch."""
    with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap, compression_type="gzip", linger_ms=50)) as producer:
        producer.send(f"{topic_prefix}.scores", bytes(10_000), b"k", partition=0)
        producer.flush()
    assert [record.value for record in bus.read("scores", 0, 0, 1)] == [bytes(10_000)]
    log = kafka.home / "data" / f"{topic_prefix}.scores-0" / ("0" * 20 + ".log")
    assert log.stat().st_size > 10_000


def test_group_offsets_are_shown_to_lag_tools(bus: KafkaBus, kafka: TemporaryBroker, topic_prefix: str) -> None:
    with closing(bus.publisher()) as publisher:
        publisher.publish([message(b"k", partition=1)] * 5)
    group = f"{topic_prefix}-recorder"
    with closing(bus.intake(group, from_the_beginning)) as intake:
        take(intake, 5)
        intake.commit({("submissions", 1): 5})
        time.sleep(0.3)
    with closing(KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=group)) as consumer:
        assert consumer.committed(TopicPartition(f"{topic_prefix}.submissions", 1)) == 5


def test_two_members_share_the_partitions_and_keep_those_of_one_programme_together(
    bus: KafkaBus, topic_prefix: str
) -> None:
    """The group may need several rounds to share them out; in each, everything is given back first."""
    every = {(topic, n) for topic in TOPICS for n in range(PARTITIONS)}
    revoked, one, two = Places(), Places(), Places()

    def give_back(places: Collection[tuple[str, int]]) -> None:
        revoked.extend(places)
        assert set(places) == set(one)
        one.clear()

    with closing(bus.intake(topic_prefix, one.start, give_back)) as first:
        while not one:
            first.poll(0.1, 10)
        assert set(one) == every
        with closing(bus.intake(topic_prefix, two.start, lambda _places: two.clear())) as second:
            deadline = time.monotonic() + 30
            while not (one and two and len(one) < len(every)) and time.monotonic() < deadline:
                first.poll(0.1, 10)
                second.poll(0.1, 10)
    assert sorted(one + two) == sorted(every)
    for owned in (one, two):
        assert sorted(owned) == sorted((topic, n) for topic in TOPICS for n in {n for _, n in owned})
    assert set(revoked) == every


def test_a_broker_killed_and_restarted_has_lost_nothing_and_clients_go_on(
    bus: KafkaBus, kafka: TemporaryBroker
) -> None:
    with closing(bus.publisher()) as publisher, closing(bus.intake("g", from_the_beginning)) as intake:
        before = publisher.publish([message(b"k%d" % (n % 7), b"%d" % n) for n in range(2000)])
        assert {record.position for record in take(intake, 2000)} == set(before)
        kafka.kill()
        kafka.restart()
        after = publisher.publish([message(b"k%d" % (n % 7), b"%d" % n) for n in range(2000, 2100)])
        assert {record.position for record in take(intake, 100)} == set(after)
    read = [record for n in range(PARTITIONS) for record in bus.read("submissions", n, 0, 10_000)]
    assert sorted(int(record.value or b"-1") for record in read) == list(range(2100))


def test_without_a_broker_it_is_said_where_it_was_sought_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from infra.kafka import client

    monkeypatch.setattr(client, "PATIENCE_S", 0.3)
    (port,) = free_ports(1)
    with pytest.raises(Unavailable, match=f"127.0.0.1:{port}") as raised:
        KafkaBus(f"127.0.0.1:{port}").ensure_topics()
    assert "phasegate kafka up" in raised.value.hint
