"""Judging what a record is before anything is asked about the programme: bytes, envelope, topic, schema, signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest

from events.derived import pipeline_source
from events.envelope import BYTES_MAX, Envelope
from events.record import Record
from handlers.judge import log_of
from handlers.state import State
from infra.keys import from_seed
from tests.spec import given
from tests.support import small
from tests.support.log import PARTITION, PARTITIONS, Log, record_of
from tests.support.stages import DECISION, at
from tests.support.told import ANN, BENCH, correction, mark

Change = Callable[[Record], Record]
GOOD = mark("m1", ANN, small.OPENS + 15 * small.DAY, "ash", "ann")


def value(text: bytes) -> Change:
    return lambda record: replace(record, value=text)


def changed(**members: object) -> Change:
    """The good mark with other attributes; None takes one away."""

    def change(record: Record) -> Record:
        document = orjson.loads(record.value or b"") | members
        return replace(record, value=orjson.dumps({k: v for k, v in document.items() if v is not None}))

    return change


def data(**members: object) -> Change:
    return changed(data={**GOOD.data, **members})


def headers(*rows: tuple[str, bytes]) -> Change:
    return lambda record: replace(record, headers=rows)


STRUCTURED = ("content-type", b"application/cloudevents+json")

FAULTS: list[tuple[str, str, Change]] = [
    ("not-json", "no value", lambda record: replace(record, value=None)),
    ("not-json", "JSON", value(b"")),
    ("not-json", "JSON", value(b"{")),
    ("not-json", "JSON", value(b"\xff\xfe{}")),
    ("not-json", "JSON", value(b'{"id":"\xed\xa0\x80"}')),
    ("not-json", "JSON", value(b'{"value":NaN}')),
    ("not-cloudevents", "object", value(b"[]")),
    ("not-cloudevents", "'id'", value(b"{}")),
    ("not-cloudevents", "specversion", changed(specversion="0.3")),
    ("not-cloudevents", "'type'", changed(type=7)),
    ("not-cloudevents", "'source'", changed(source="")),
    ("not-cloudevents", "content-type", headers()),
    ("not-cloudevents", "content-type", headers(("content-type", b"application/json"))),
    ("duplicate-header", "content-type", headers(STRUCTURED, ("Content-Type", b"text/plain"))),
    ("duplicate-header", "phasegate-jws", headers(STRUCTURED, ("phasegate-jws", b"a"), ("phasegate-jws", b"b"))),
    ("duplicate-json-key", "'id'", lambda record: replace(record, value=b'{"id":"x",' + (record.value or b"")[1:])),
    ("too-large", str(BYTES_MAX), value(b'"' + b" " * BYTES_MAX + b'"')),
    ("too-deep", "64", value(b"[" * 65 + b"]" * 65)),
    ("key-mismatch", "other-cup", changed(subject="other-cup")),
    ("key-mismatch", "None", changed(subject=None)),
    ("wrong-partition", "murmur2", lambda record: replace(record, partition=(PARTITION + 1) % PARTITIONS)),
    ("wrong-topic", "submissions", lambda record: replace(record, topic="submissions")),
    ("unknown-type", "score.guessed", changed(type="phasegate.score.guessed.v1")),
    ("unknown-type", "v2", changed(type="phasegate.score.recorded.v2")),
    ("schema-invalid", "value", data(value="1e3")),
    ("schema-invalid", "value", data(value=7)),
    ("schema-invalid", "value", data(value="٧")),
    ("schema-invalid", "value", data(value="7\n")),
    ("schema-invalid", "weight", data(weight="2")),
    ("schema-invalid", "entrant", data(entrant="Ash")),
    ("schema-invalid", "evaluator", data(evaluator=None)),
    ("schema-invalid", "time", changed(time="yesterday")),
    ("schema-invalid", "data", changed(data="text")),
    ("schema-invalid", "id", changed(id="x" * 129)),
    ("schema-invalid", "datacontenttype", changed(datacontenttype="text/xml")),
]


@pytest.mark.parametrize(("reason", "match", "change"), FAULTS)
def test_a_record_with_one_fault_is_refused_with_its_reason(reason: str, match: str, change: Change) -> None:
    given(on=at("submitted")).when(change(record_of(GOOD))).refused(reason, match=match)


def test_the_record_without_a_fault_is_accepted() -> None:
    given(on=at("submitted")).when(GOOD).accepted()


@pytest.mark.parametrize("stage", ["announced", "submitted", "final"])
def test_what_cannot_be_read_is_refused_at_any_time(stage: str) -> None:
    given(on=at(stage)).when(value(b"?")(record_of(GOOD))).refused("not-json")


@pytest.mark.parametrize("key", [None, b"", b"Small Cup", b"\xff", b"small-cup\n", b"x" * 65])
def test_a_record_without_a_usable_key_goes_to_the_log_of_its_partition_and_is_refused(key: bytes | None) -> None:
    record = replace(record_of(GOOD), key=key, partition=2)
    assert log_of(record) == "unrouted/scores/2"
    given(on=Log(State(log_of(record)))).when(record).refused("unknown-programme", match="not a programme id")


def test_a_signature_that_is_asked_for_must_be_there() -> None:
    given().when(record_of(small.announced(), signed=False)).refused("signature-missing", match="phasegate-jws")
    unsigned = record_of(small.signature(DECISION), signed=False)
    given(on=at("announced")).when(unsigned).refused("signature-missing", match="phasegate-jws")


def test_a_signature_must_be_of_a_key_that_may_speak() -> None:
    record = record_of(small.announced())
    stranger = from_seed("stranger.example", bytes([1]) * 32)
    forged = replace(record, headers=(STRUCTURED, ("phasegate-jws", stranger.jws(record.value or b""))))
    given().when(forged).refused("signature-invalid", match="may speak here")


def test_a_signature_must_be_over_these_very_bytes() -> None:
    record = record_of(small.announced())
    moved = replace(record, value=(record.value or b"").replace(b"Small cup", b"Great cup"))
    given().when(moved).refused("signature-invalid", match="does not verify")


@pytest.mark.parametrize("garbage", [b"", b"..", b"a.b.c", b"\xff", b"e30..e30", b"x" * 5000])
def test_a_malformed_signature_is_refused_and_stops_nothing(garbage: bytes) -> None:
    record = record_of(small.announced())
    given().when(replace(record, headers=(STRUCTURED, ("phasegate-jws", garbage)))).refused("signature-invalid")


@pytest.mark.parametrize(
    ("told", "match"),
    [
        (mark("m", "urn:nobody", GOOD_AT := small.OPENS + 15 * small.DAY, "ash", "ann"), "does not name"),
        (mark("m", ANN, GOOD_AT, "ash", "ben"), "evaluator ann, not for 'ben'"),
        (mark("m", BENCH, GOOD_AT, "ash", "ann"), "speaks for bench"),
        (mark("m", "urn:team:ash", GOOD_AT, "ash", "ann"), "does not let"),
        (mark("m", pipeline_source("other-cup"), GOOD_AT, "ash", "ann"), "does not name"),
    ],
)
def test_a_source_says_only_what_the_rulebook_lets_it_say(told: Envelope, match: str) -> None:
    given(on=at("submitted")).when(told).refused("source-not-authorised", match=match)


def test_the_pipelines_name_alone_opens_nothing() -> None:
    told = mark("m", pipeline_source(small.PROGRAMME), GOOD_AT, "ash", "ann")
    given(on=at("submitted")).when(record_of(told, signed=False)).refused("signature-missing")


def test_the_same_bytes_again_are_a_duplicate_and_other_bytes_under_the_id_are_refused() -> None:
    once = given(GOOD, on=at("submitted"))
    index = once.log.state.size - 1
    twice = once.when(GOOD).duplicate(of=index)
    twice.when(mark("m1", ANN, GOOD_AT, "birch", "ann")).refused("id-reused", match="m1")


def test_a_refused_record_reserves_nothing() -> None:
    wrong = mark("m1", ANN, GOOD_AT, "ash", "ann", "99")
    given(on=at("submitted")).when(wrong).refused("out-of-range").when(wrong).refused("out-of-range").when(
        GOOD
    ).accepted()


def test_two_sources_may_use_the_same_id_for_what_nothing_refers_to() -> None:
    log = at("scored")
    first = correction("same", ANN, GOOD_AT + 1, "score-ash-art-ann", "3")
    second = correction("same", "urn:jury:ben", GOOD_AT + 1, "score-ash-art-ben", "3")
    given(first, on=log).when(second).accepted()


def test_two_marks_of_one_id_would_make_a_correction_ambiguous_so_the_second_is_refused() -> None:
    second = mark("m1", "urn:jury:ben", GOOD_AT, "ash", "ben")
    given(GOOD, on=at("submitted")).when(second).refused("id-reused", match="unambiguous")
