"""What every bus promises. An adapter's test module subclasses `BusContract` and gives it `make_bus`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager

import pytest
from kafka.partitioner.default import murmur2 as reference_murmur2

from events.bus import Bus, Intake, Message
from events.errors import Refused, Tampered
from events.record import DEAD_LETTERS, TOPICS, Position, Record

PARTITIONS = 3
YEAR_2019_MS = 1_546_300_800_000
YEAR_2199_MS = 7_226_582_400_000

MakeBus = Callable[..., Bus]


def message(key: bytes | None, value: bytes | None = b"{}", topic: str = "submissions", **more: object) -> Message:
    return Message(topic, key, value, **({"headers": ()} | more))  # type: ignore[arg-type]


def from_the_beginning(places: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
    return dict.fromkeys(places, 0)


def take(intake: Intake, count: int, patience_s: float = 30) -> list[Record]:
    """Exactly `count` records, and none after them."""
    records: list[Record] = []
    deadline = time.monotonic() + patience_s
    while len(records) < count and time.monotonic() < deadline:
        records += intake.poll(0.5, 1000)
    assert len(records) + len(intake.poll(0.3, 10)) == count
    return records


@contextmanager
def published(bus: Bus, *messages: Message) -> Iterator[list[Position]]:
    bus.ensure_topics()
    with closing(bus.publisher()) as publisher:
        yield publisher.publish(messages)


class BusContract:
    @pytest.fixture
    def bus(self, make_bus: MakeBus) -> Bus:
        bus = make_bus()
        bus.ensure_topics()
        return bus

    def test_positions_returned_by_publish_are_those_read(self, bus: Bus) -> None:
        sent = [message(b"p%d" % (n % 5), b"%d" % n, TOPICS[n % 4]) for n in range(200)]
        with published(bus, *sent) as positions, closing(bus.intake("g", from_the_beginning)) as intake:
            read = {record.position: record for record in take(intake, 200)}
        assert set(read) == set(positions)
        assert [(read[at].key, read[at].value) for at in positions] == [(one.key, one.value) for one in sent]

    def test_a_stamp_that_publishing_returns_is_that_of_the_record(self, bus: Bus) -> None:
        with closing(bus.publisher()) as publisher:
            stamped = publisher.publish_stamped([message(b"k%d" % n, topic=TOPICS[n % 4]) for n in range(8)])
        for one in stamped:
            at = one.position
            (record,) = bus.read(at.topic, at.partition, at.offset, at.offset + 1)
            assert record.received_ms == one.received_ms

    def test_order_is_kept_within_a_partition(self, bus: Bus) -> None:
        with closing(bus.publisher()) as publisher, closing(bus.intake("g", from_the_beginning)) as intake:
            for start in range(0, 300, 100):
                publisher.publish([message(b"one programme", b"%d" % n) for n in range(start, start + 100)])
            records = take(intake, 300)
        assert [record.value for record in records] == [b"%d" % n for n in range(300)]
        assert [record.offset for record in records] == list(range(300))

    @pytest.mark.parametrize("key", [b"", b"a", b"ab", b"abc", b"abcd", b"k-ai-2026", b"\xff\x00\x80", "사업".encode()])
    def test_a_key_goes_to_the_partition_that_other_clients_choose(self, bus: Bus, key: bytes) -> None:
        with published(bus, message(key)) as (position,):
            assert position.partition == (reference_murmur2(key) & 0x7FFFFFFF) % PARTITIONS

    def test_a_named_partition_wins_over_the_key(self, bus: Bus) -> None:
        with published(bus, *(message(b"same", partition=n) for n in range(PARTITIONS))) as positions:
            assert [position.partition for position in positions] == [0, 1, 2]

    def test_a_partition_that_is_not_there_is_refused_before_anything_is_stored(self, bus: Bus) -> None:
        with pytest.raises(Refused, match="no partition 3"), published(bus, message(b"k"), message(b"k", partition=3)):
            pass
        assert set(bus.ends().values()) == {0}
        assert bus.begins() == bus.ends()

    def test_headers_keep_order_and_repetition(self, bus: Bus) -> None:
        headers = (("b", b"2"), ("a", b""), ("b", b"1"), ("b", b"2"), ("머리글", b"\xff\x00"))
        with published(bus, message(b"k", headers=headers)) as (at,):
            (record,) = bus.read(at.topic, at.partition, 0, 1)
        assert record.headers == headers

    def test_an_absent_key_or_value_stays_absent_and_an_empty_one_empty(self, bus: Bus) -> None:
        pairs = [(None, b"v"), (b"k", None), (b"", b"v"), (b"k", b"")]
        with published(bus, *(message(key, value, partition=1) for key, value in pairs)):
            read = bus.read("submissions", 1, 0, 9)
        assert [(record.key, record.value) for record in read] == pairs

    def test_a_message_without_key_and_value_is_refused(self, bus: Bus) -> None:
        with pytest.raises(Refused, match="without key and value"), published(bus, message(None, None)):
            pass

    def test_a_message_that_is_too_large_is_refused(self, bus: Bus) -> None:
        with pytest.raises(Refused), published(bus, message(b"k", bytes(1_100_000))):
            pass

    def test_a_message_of_one_megabyte_passes(self, bus: Bus) -> None:
        with published(bus, message(b"k", bytes(1_000_000))) as (at,):
            (record,) = bus.read(at.topic, at.partition, at.offset, at.offset + 1)
        assert record.value == bytes(1_000_000)

    def test_on_broker_topics_the_stamp_is_the_broker_s_whatever_the_sender_says(self, bus: Bus) -> None:
        before = time.time_ns() // 1_000_000
        with published(bus, message(b"k", timestamp_ms=YEAR_2019_MS)) as (at,):
            (record,) = bus.read(at.topic, at.partition, 0, 1)
        assert record.received_by == "broker"
        assert before - 5000 <= record.received_ms <= time.time_ns() // 1_000_000 + 5000

    @pytest.mark.parametrize("stamp", [YEAR_2019_MS, YEAR_2199_MS])
    def test_on_scenario_topics_the_stamp_is_the_sender_s_in_the_past_and_in_the_future(
        self, make_bus: MakeBus, stamp: int
    ) -> None:
        bus = make_bus(clock="scenario")
        with published(bus, message(b"k", timestamp_ms=stamp)) as (at,):
            (record,) = bus.read(at.topic, at.partition, 0, 1)
        assert (record.received_ms, record.received_by) == (stamp, "producer")

    def test_an_intake_resumes_where_start_says_and_not_where_the_group_was_committed(self, bus: Bus) -> None:
        with published(bus, *(message(b"k", b"%d" % n, partition=0) for n in range(10))):
            with closing(bus.intake("g", from_the_beginning)) as first:
                take(first, 10)
                first.commit({("submissions", 0): 10})
                time.sleep(0.2)
            with closing(bus.intake("g", lambda places: {("submissions", 0): 7})) as second:
                assert [record.offset for record in take(second, 3)] == [7, 8, 9]

    def test_start_is_asked_for_all_partitions_of_the_four_topics_and_no_others(self, bus: Bus) -> None:
        asked: list[tuple[str, int]] = []

        def start(places: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
            asked.extend(places)
            return {}

        with published(bus, message(b"k")), closing(bus.intake("g", start)) as intake:
            take(intake, 1)
        assert sorted(asked) == sorted((topic, number) for topic in TOPICS for number in range(PARTITIONS))

    def test_a_rewound_intake_asks_start_again_and_repeats_from_there(self, bus: Bus) -> None:
        places = {("submissions", 0): 0}
        with (
            published(bus, *(message(b"k", b"%d" % n, partition=0) for n in range(10))),
            closing(bus.intake("g", lambda _: places)) as intake,
        ):
            take(intake, 10)
            places["submissions", 0] = 4
            intake.rewind()
            assert [record.offset for record in take(intake, 6)] == [4, 5, 6, 7, 8, 9]

    def test_no_more_than_the_wanted_number_comes_and_the_rest_follows(self, bus: Bus) -> None:
        with (
            published(bus, *(message(b"k%d" % n) for n in range(50))),
            closing(bus.intake("g", from_the_beginning)) as intake,
        ):
            counts: list[int] = []
            while sum(counts) < 50:
                counts.append(len(intake.poll(5, 7)))
        assert max(counts) <= 7
        assert sum(counts) == 50

    def test_a_start_that_fails_is_raised_and_asked_again_with_nothing_lost(self, bus: Bus) -> None:
        outcomes: list[Exception | None] = [ConnectionError("database is away"), None]

        def start(places: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
            if error := outcomes.pop(0):
                raise error
            return {}

        with published(bus, *(message(b"k", partition=0) for _ in range(5))), closing(bus.intake("g", start)) as intake:
            with pytest.raises(ConnectionError, match="away"):
                take(intake, 5)
            assert len(take(intake, 5)) == 5

    def test_a_start_behind_the_end_of_the_log_is_not_taken_for_a_new_beginning(self, bus: Bus) -> None:
        with (
            published(bus, message(b"k", partition=0)),
            closing(bus.intake("g", lambda _: {("submissions", 0): 500})) as intake,
            pytest.raises(Tampered),
        ):
            take(intake, 1)

    def test_ends_count_the_four_topics_only(self, bus: Bus) -> None:
        with published(bus, message(b"k", partition=2), message(b"k", topic=DEAD_LETTERS, partition=2)):
            ends = bus.ends()
        assert set(ends) == {(topic, number) for topic in TOPICS for number in range(PARTITIONS)}
        assert {place: end for place, end in ends.items() if end} == {("submissions", 2): 1}

    def test_a_bus_that_lost_nothing_begins_everywhere_at_the_first_offset(self, bus: Bus) -> None:
        with published(bus, message(b"k", partition=2)):
            assert bus.begins() == {(topic, number): 0 for topic in TOPICS for number in range(PARTITIONS)}

    def test_dead_letters_can_be_written_and_read(self, bus: Bus) -> None:
        letter = message(b"k", b"as it came", DEAD_LETTERS, headers=(("phasegate_reason", b"late"),))
        with published(bus, letter) as (at,):
            (record,) = bus.read(DEAD_LETTERS, at.partition, 0, 10)
        assert (record.topic, record.key, record.value, record.headers) == (
            DEAD_LETTERS,
            b"k",
            b"as it came",
            letter.headers,
        )

    def test_reading_takes_start_and_leaves_stop(self, bus: Bus) -> None:
        with published(bus, *(message(b"k", b"%d" % n, partition=0) for n in range(10))):
            assert [record.offset for record in bus.read("submissions", 0, 3, 6)] == [3, 4, 5]
            assert [record.offset for record in bus.read("submissions", 0, 8, 99)] == [8, 9]
            assert (
                bus.read("submissions", 0, 10, 99)
                == bus.read("submissions", 0, 5, 5)
                == bus.read("scores", 0, 0, 9)
                == []
            )

    def test_topics_can_be_ensured_again(self, bus: Bus) -> None:
        with published(bus, message(b"k", partition=0)):
            bus.ensure_topics()
            assert bus.ends()["submissions", 0] == 1

    def test_publishing_nothing_returns_nothing(self, bus: Bus) -> None:
        with published(bus) as positions:
            assert positions == []
