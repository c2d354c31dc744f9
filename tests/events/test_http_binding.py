"""The CloudEvents HTTP binding, clause by clause."""

from __future__ import annotations

import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.envelope import Malformed, decode, encode
from events.http_binding import Headers, MediaTypeUnknown, mode_of, read_events, topic_for
from tests.support import small

VALUE = encode(small.scores()[0])
EVENT = orjson.loads(VALUE)
BODY = orjson.dumps(EVENT["data"])
ATTRIBUTES = {name: value for name, value in EVENT.items() if name not in ("data", "datacontenttype")}


def typed(*said: str) -> Headers:
    return [("content-type", one.encode()) for one in said]


def binary(**attributes: str | bytes) -> Headers:
    """The headers of the event; a keyword changes or adds one."""
    own = ATTRIBUTES | attributes
    return [
        ("content-type", b"application/json"),
        *((f"ce-{name}", value if isinstance(value, bytes) else value.encode()) for name, value in own.items()),
    ]


def refused(reason: str, headers: Headers, body: bytes) -> str:
    with pytest.raises(Malformed) as error:
        read_events(mode_of(headers), headers, body)
    assert error.value.reason == reason
    return error.value.message


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("application/cloudevents+json", "structured"),
        ("Application/CloudEvents+JSON; charset=UTF-8", "structured"),
        ('application/cloudevents+json;charset="utf-8"', "structured"),
        ("application/cloudevents-batch+json", "batched"),
        ("application/json; charset=utf-8", "binary"),
    ],
)
def test_the_content_type_says_the_mode(said: str, mode: str) -> None:
    assert mode_of(typed(said)) == mode


@pytest.mark.parametrize(
    "said",
    ["", "text/plain", "application/cloudevents+avro", "application/cloudevents", "application/json; charset=latin-1"],
)
def test_what_is_not_read_is_said_to_be_unknown(said: str) -> None:
    with pytest.raises(MediaTypeUnknown, match="application/cloudevents-batch"):
        mode_of(typed(said))


def test_a_packed_body_is_not_unpacked() -> None:
    with pytest.raises(MediaTypeUnknown, match="gzip"):
        mode_of([*typed("application/json"), ("content-encoding", b"gzip")])


def test_two_content_types_are_refused() -> None:
    with pytest.raises(Malformed, match="send it once"):
        mode_of(typed("application/json", "application/cloudevents+json"))


def test_attributes_in_headers_count_for_nothing_in_structured_mode() -> None:
    headers = [*typed("application/cloudevents+json"), ("ce-id", b"another")]
    (carried,) = read_events("structured", headers, VALUE)
    assert (carried.value, carried.event.id) == (VALUE, EVENT["id"])


def test_what_was_encoded_by_hand_here_is_what_binary_mode_gives() -> None:
    """A producer may sign or hash it beforehand: members by name, nothing between them."""
    (carried,) = read_events("binary", binary(), BODY)
    assert carried.value == VALUE


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%41%62", "Ab"),
        ("%e2%82%ac", "€"),
        ("%2541", "%41"),
        ('"quoted \\"text\\" \\\\"', 'quoted "text" \\'),
        ('"%20"', " "),
        ("  spaced  ", "spaced"),
    ],
)
def test_a_header_is_unquoted_and_then_decoded_once(raw: str, text: str) -> None:
    (carried,) = read_events("binary", binary(note=raw), BODY)
    assert carried.event.extensions["note"] == text


@pytest.mark.parametrize("raw", [b"%C0%A0", b"%FF", b"%E2%82", b"100%", b"%zz", b"\xff"])
def test_a_header_that_decodes_to_no_text_is_refused(raw: bytes) -> None:
    assert "'ce-note'" in refused("not-cloudevents", binary(note=raw), BODY)


@pytest.mark.parametrize("name", ["ce-data", "ce-datacontenttype", "ce-data_base64", "ce-", "ce-a-b"])
def test_a_header_that_maps_to_no_attribute_is_refused(name: str) -> None:
    refused("not-cloudevents", [*binary(), (name, b"x")], BODY)


def test_a_repeated_attribute_is_refused() -> None:
    refused("duplicate-header", [*binary(), ("ce-id", b"second")], BODY)


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b'{"a":1},"id":"other"', b'{"a":1,"a":2}', b"{}}", b"\xff"])
def test_a_body_that_is_no_single_object_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_events("binary", binary(), body)


@pytest.mark.parametrize("missing", ["id", "source", "type", "specversion", "time"])
def test_an_attribute_that_is_needed_is_missed(missing: str) -> None:
    headers = [(name, value) for name, value in binary() if name != f"ce-{missing}"]
    refused("schema-invalid" if missing == "time" else "not-cloudevents", headers, BODY)


@pytest.mark.parametrize("mode", ["application/json", "application/cloudevents-batch+json"])
def test_a_signature_stands_only_beside_the_bytes_that_it_signs(mode: str) -> None:
    refused("signature-invalid", [*typed(mode), ("phasegate-jws", b"x..y")], b"[]")


BATCH = typed("application/cloudevents-batch+json")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[", b"[[]", b"[]]", b"[,]", b"[" + VALUE + b",]", b"[" + VALUE + b"]]",
        b"[" + VALUE + b" " + VALUE + b"]", b"[1]", b"[" + VALUE + b"}]", b'["]', b"[" + VALUE + b"] []",
        b"[" + VALUE + b"],[" + VALUE + b"]", b"[" * 100_000 + b"]" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_array_of_events_is_no_batch(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_events("batched", BATCH, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=4), max_size=5), st.sampled_from(["", " ", "\n"]))
def test_a_batch_is_cut_where_its_events_end(payloads: list[dict[str, object]], space: str) -> None:
    values = [orjson.dumps(EVENT | {"data": data}) for data in payloads]
    gap = space.encode()
    body = gap + b"[" + gap + (gap + b"," + gap).join(values) + gap + b"]" + gap
    assert [carried.value for carried in read_events("batched", BATCH, body)] == values


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_batch_raises_anything_but_a_refusal(body: bytes) -> None:
    try:
        carried = read_events("batched", BATCH, b"[" + body + b"]")
    except Malformed:
        return
    assert all(decode(one.value) == one.event for one in carried)


def test_a_hostile_batch_costs_one_pass() -> None:
    """Quotes that are never closed: taken anew from each of them, two megabytes would take hours."""
    began = time.monotonic()
    with pytest.raises(Malformed):
        read_events("batched", BATCH, b"[" + b'\\"' * 1_000_000 + b"]")
    assert time.monotonic() - began < 60


def test_the_topic_follows_from_the_type() -> None:
    assert topic_for(small.scores()[0], None) == "scores"
    assert topic_for(small.scores()[0], "scores") == "scores"
    for event, wanted, reason in (
        (small.scores()[0], "audits", "wrong-topic"),
        (small.event("intake.marked", "m", small.OFFICE, 0), None, "wrong-topic"),
        (small.event("no.such", "m", small.OFFICE, 0), None, "unknown-type"),
    ):
        with pytest.raises(Malformed) as error:
            topic_for(event, wanted)
        assert error.value.reason == reason
    assert topic_for(small.event("intake.marked", "m", small.OFFICE, 0), "audits") == "audits"
