"""Keys go to the partitions that Kafka's default partitioners choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as reference

from events.record import DEAD_LETTERS, TOPICS, Position, Record, murmur2, partition_for

JAVA = [
    (b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829), (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]  # fmt: skip
"""Pairs from Apache Kafka's own UtilsTest, signed as Java has them."""


@pytest.mark.parametrize(("key", "signed"), JAVA)
def test_murmur2_is_javas(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


@given(st.binary(max_size=200))
def test_murmur2_is_kafka_pythons(key: bytes) -> None:
    assert murmur2(key) == reference(key) & 0xFFFFFFFF


@given(st.binary(max_size=80), st.integers(1, 1000))
def test_a_key_goes_where_kafka_python_sends_it(key: bytes, partitions: int) -> None:
    assert partition_for(key, partitions) == (reference(key) & 0x7FFFFFFF) % partitions
    assert 0 <= partition_for(key, partitions) < partitions


def test_the_empty_key_has_a_partition() -> None:
    assert partition_for(b"", 12) == (reference(b"") & 0x7FFFFFFF) % 12


def test_the_scenario_programme_has_its_partition_for_good() -> None:
    assert partition_for(b"k-ai-2026", 12) == 6


def test_a_record_knows_its_position() -> None:
    record = Record("scores", 3, 17, 0, "broker", b"k", (("a", b"1"), ("a", b"2")), None)
    assert record.position == Position("scores", 3, 17)
    assert str(record.position) == "scores/3/17"


def test_positions_sort_by_topic_partition_and_offset_as_numbers() -> None:
    ordered = [Position("audits", 1, 0), Position("scores", 0, 9), Position("scores", 0, 10), Position("scores", 1, 2)]
    assert sorted([ordered[2], ordered[3], ordered[0], ordered[1]]) == ordered


def test_the_dead_letters_are_none_of_the_four_topics() -> None:
    assert DEAD_LETTERS not in TOPICS
    assert len(TOPICS) == 4
