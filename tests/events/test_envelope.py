"""A value is read strictly: one reading or none, and every refusal has its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.envelope import (
    BYTES_MAX,
    CONTENT_TYPE_HEADER,
    DEPTH_MAX,
    Envelope,
    Malformed,
    _without_duplicates,
    check_headers,
    decode,
    encode,
    parse_object,
    schema_uri,
)
from events.errors import Refused
from events.reasons import REFUSALS

MARK = {
    "specversion": "1.0",
    "id": "019bb05f-8e00-7bf0-a2b1-8ff26d1ca7b7",
    "source": "urn:k-ai:expert-03",
    "type": "phasegate.score.recorded.v1",
    "subject": "k-ai-2026",
    "time": "2026-01-12T04:20:00.000Z",
    "data": {"value": "12.3"},
}


def value(**changes: Any) -> bytes:
    return json.dumps(MARK | changes, ensure_ascii=False).encode()


def without(*names: str) -> bytes:
    return json.dumps({name: said for name, said in MARK.items() if name not in names}).encode()


def with_data(text: bytes) -> bytes:
    """The mark with this JSON text as a member of its data."""
    return value(data={"x": 0}).replace(b'{"x": 0}', b'{"x": ' + text + b"}")


def refusal(text: bytes | None) -> Malformed:
    with pytest.raises(Malformed) as caught:
        decode(text)
    return caught.value


# --- writing and reading ----------------------------------------------------------------------------------------------


def test_an_event_is_written_in_one_way() -> None:
    event = Envelope(
        "1", "urn:x", "a.b.v1", "k-ai-2026", "2026-01-12T04:20:00.000Z", {"b": "한", "a": "1"}, causationid="0"
    )
    assert encode(event).decode() == (
        '{"causationid":"0","data":{"a":"1","b":"한"},"datacontenttype":"application/json",'
        '"dataschema":"https://phasegate.example/schemas/a.b.v1.json","id":"1","source":"urn:x","specversion":"1.0",'
        '"subject":"k-ai-2026","time":"2026-01-12T04:20:00.000Z","type":"a.b.v1"}'
    )


def test_what_is_absent_is_not_written() -> None:
    written = encode(Envelope("1", "urn:x", "a.b.v1", None, "2026-01-12T04:20:00.000Z", {}))
    assert not {"subject", "correlationid", "causationid"} & set(json.loads(written))


NAMES = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789"), min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
OWN = {*MARK, "datacontenttype", "dataschema", "correlationid", "causationid"}
ENVELOPES = st.builds(
    Envelope,
    id=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128),
    source=st.text(min_size=1, max_size=256),
    type=st.text(min_size=1, max_size=40),
    subject=st.none() | st.text(max_size=20),
    time=st.sampled_from(["2026-01-12T04:20:00.000Z", "2026-01-12T04:20:00Z"]),
    data=st.dictionaries(st.text(max_size=5), JSON, max_size=4),
    correlationid=st.none() | st.text(max_size=20),
    causationid=st.none() | st.text(max_size=20),
    extensions=st.dictionaries(NAMES.filter(lambda name: name not in OWN), st.text(max_size=9), max_size=2),
)


@given(ENVELOPES)
def test_an_event_survives_writing_and_reading(event: Envelope) -> None:
    assert decode(encode(event)) == event


@given(ENVELOPES, st.integers(0, 4))
def test_spaces_and_the_order_of_members_mean_nothing(event: Envelope, indent: int) -> None:
    document = json.loads(encode(event))
    shuffled = json.dumps(dict(reversed(document.items())), indent=indent).encode()
    assert decode(shuffled) == event
    assert encode(decode(shuffled)) == encode(event)


@given(st.binary(max_size=60) | st.text(st.sampled_from('{}[]":,\\ue019.-+atrue \n'), max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_known_reason(junk: bytes) -> None:
    for text in (junk, with_data(junk), value().replace(b"12.3", junk)):
        assert reason_of(text) in {None, *REFUSALS}


def reason_of(text: bytes) -> str | None:
    try:
        decode(text)
    except Malformed as malformed:
        return malformed.reason
    return None


def test_extension_attributes_are_kept() -> None:
    assert decode(value(partitionkey="k", dataschema="urn:any")).extensions == {"partitionkey": "k"}


def test_a_schema_is_named_for_its_type() -> None:
    assert schema_uri("a.b.v1") == "https://phasegate.example/schemas/a.b.v1.json"


# --- refusals ---------------------------------------------------------------------------------------------------------


def nested(levels: int) -> bytes:
    """A mark whose arrays make this many levels in all, the event and its data included."""
    return with_data(b"[" * (levels - 2) + b"]" * (levels - 2))


REFUSED: list[tuple[bytes | None, str, str]] = [
    (None, "not-json", "has no value"),
    (b"", "not-json", "not JSON"),
    (b"{", "not-json", "not JSON"),
    (value() + b"{}", "not-json", "not JSON"),
    (b"\xef\xbb\xbf" + value(), "not-json", "byte order mark"),
    (value().decode().encode("utf-16"), "not-json", "not JSON"),
    (value(id="\xe9").replace(b"\xc3\xa9", b"\xe9"), "not-json", "UTF-8"),
    (with_data(b"NaN"), "not-json", "not JSON"),
    (with_data(b"Infinity"), "not-json", "not JSON"),
    (with_data(b"1e400"), "not-json", "infinity"),
    (with_data(b"1" * 5000), "not-json", "infinity"),
    (with_data(b"01"), "not-json", "not JSON"),
    (with_data(b".5"), "not-json", "not JSON"),
    (with_data(b"'a'"), "not-json", "not JSON"),
    (with_data(b"1,"), "not-json", "not JSON"),
    (with_data(b'"\\ud800"'), "not-json", "surrogate"),
    (with_data(b'"\\udc00\\ud800"'), "not-json", "surrogate"),
    (with_data(b'"\xed\xa0\x80"'), "not-json", "UTF-8"),
    (with_data(b'"\n"'), "not-json", "not JSON"),
    (b"[]", "not-cloudevents", "must be an object"),
    (b"[" + value() + b"]", "not-cloudevents", "must be an object"),
    (b"null", "not-cloudevents", "must be an object"),
    (b'"event"', "not-cloudevents", "must be an object"),
    (b"{}", "not-cloudevents", "'id' is None"),
    *((without(name), "not-cloudevents", f"'{name}' is None") for name in ("specversion", "id", "source", "type")),
    *((value(**{name: ""}), "not-cloudevents", f"'{name}' is ''") for name in ("specversion", "id", "source", "type")),
    *((value(**{name: 1}), "not-cloudevents", f"'{name}' is 1") for name in ("specversion", "id", "source", "type")),
    (value(specversion="0.3"), "not-cloudevents", "only 1.0"),
    (value(id="x" * 129), "schema-invalid", "1 to 128 printable"),
    (value(source="x" * 257), "schema-invalid", "256"),
    *((value(**{name: 7}), "schema-invalid", f"'{name}' is 7") for name in ("subject", "correlationid", "causationid")),
    (without("time"), "schema-invalid", "time is None"),
    (value(time="2026-01-12T13:20:00+09:00"), "schema-invalid", "instant in UTC"),
    (value(time=1768191600), "schema-invalid", "instant in UTC"),
    (value(time="2026-02-30T00:00:00Z"), "schema-invalid", "instant in UTC"),
    (value(datacontenttype="application/xml"), "schema-invalid", "must be application/json"),
    (without("data"), "schema-invalid", "data must be a JSON object"),
    (value(data=[]), "schema-invalid", "data must be a JSON object"),
    (value(data="{}"), "schema-invalid", "data must be a JSON object"),
    (value(data=None, data_base64="e30="), "schema-invalid", "data must be a JSON object"),
    (b'{"id":"1",' + value()[1:], "duplicate-json-key", "'id'"),
    (with_data(b'{"a":1,"a":1}'), "duplicate-json-key", "'a'"),
    (with_data(b'[[{"b":{"a":1,"a":2}}]]'), "duplicate-json-key", "'a'"),
    (with_data(b'{"a":1,"\\u0061":2}'), "duplicate-json-key", "'a'"),
    (with_data(b'{"":1,"":2}'), "duplicate-json-key", "''"),
    (nested(DEPTH_MAX + 1), "too-deep", "65 levels deep"),
    (b"[" * 200_000, "too-deep", "200000 levels deep"),
    (with_data(b'{"a":' * 100 + b"1" + b"}" * 100), "too-deep", "102 levels deep"),
    (value(data={"x": "x" * BYTES_MAX}), "too-large", "at most 524288"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason", "said"), REFUSED)
def test_a_value_that_is_no_event_is_refused_with_its_reason(text: bytes | None, reason: str, said: str) -> None:
    refused = refusal(text)
    assert (refused.reason, isinstance(refused, Refused)) == (reason, True)
    assert said in refused.message
    assert reason in REFUSALS


def test_every_reason_of_reading_is_tried() -> None:
    tried = {reason for _, reason, _ in REFUSED}
    assert tried == {"not-json", "not-cloudevents", "schema-invalid", "duplicate-json-key", "too-deep", "too-large"}


def test_the_limits_themselves_are_allowed() -> None:
    decode(nested(DEPTH_MAX))
    room = BYTES_MAX - len(value(data={"x": ""}))
    full = value(data={"x": "x" * room})
    assert len(full) == BYTES_MAX
    decode(full)
    assert refusal(full + b" ").reason == "too-large"


def test_brackets_inside_texts_are_no_depth() -> None:
    decode(value(data={"x": "[{" * 100, 'quote"': '\\"[' * 100}))
    decode(value(data={"x": [{}] * 100}))


def test_the_same_name_in_two_objects_is_no_duplicate() -> None:
    assert decode(with_data(b'[{"a": 1}, {"a": 1}, {"a": {"a": 1}}]')).data["x"][2] == {"a": {"a": 1}}


def test_a_null_attribute_is_an_absent_one() -> None:
    event = decode(value(subject=None, correlationid=None, causationid=None))
    assert (event.subject, event.correlationid, event.causationid) == (None, None, None)


def test_a_float_is_read_as_one_so_that_the_strict_model_refuses_it() -> None:
    """JSON cannot tell 3 from 3.0; the models can, since they take numbers that decide as texts."""
    assert isinstance(decode(with_data(b"3.0")).data["x"], float)
    assert isinstance(decode(with_data(b"3")).data["x"], int)


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1])
def test_integers_that_every_reader_keeps_are_read(number: int) -> None:
    assert decode(with_data(str(number).encode())).data["x"] == number


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63, 2**64])
def test_larger_integers_are_refused_however_the_value_is_spaced(number: int) -> None:
    compact = json.dumps(MARK | {"data": {"x": number}}, separators=(",", ":")).encode()
    assert refusal(with_data(str(number).encode())).reason == "schema-invalid"
    assert refusal(compact).reason == "schema-invalid"


# --- headers ----------------------------------------------------------------------------------------------------------

STRUCTURED = ("content-type", b"application/cloudevents+json")


@pytest.mark.parametrize(
    "headers",
    [
        (STRUCTURED,), (CONTENT_TYPE_HEADER,), (("Content-Type", b"APPLICATION/CLOUDEVENTS+JSON"),),
        (("content-type", b"application/cloudevents+json ; charset=utf-8"),), (STRUCTURED, ("phasegate-jws", b"a..b")),
        (("traceparent", b"1"), STRUCTURED, ("traceparent", b"2")),
    ],
)  # fmt: skip
def test_structured_mode_is_recognised(headers: tuple[tuple[str, bytes], ...]) -> None:
    check_headers(headers)


@pytest.mark.parametrize(
    "headers",
    [
        (), (("content-type", b""),), (("content-type", b"application/json"),), (("content_type", STRUCTURED[1]),),
        (("ce_specversion", b"1.0"), ("ce_id", b"1"), ("content-type", b"application/json")),
        (("content-type", b"application/cloudevents-batch+json"),), (("content-type", b"application/cloudevents"),),
        (("content-type", b"application/cloudevents+jsonx"),), (("content-type", b"\xff"),),
    ],
)  # fmt: skip
def test_another_content_type_is_refused(headers: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(Malformed, match="content-type is") as caught:
        check_headers(headers)
    assert caught.value.reason == "not-cloudevents"


@pytest.mark.parametrize("name", ["content-type", "phasegate-jws"])
@pytest.mark.parametrize("respell", [str, str.upper, str.title])
def test_a_header_that_stands_twice_is_refused_in_any_case(name: str, respell: Any) -> None:
    said = STRUCTURED[1] if name == "content-type" else b"a..b"
    headers = [STRUCTURED, (respell(name), said)] + ([(name, said)] if name != "content-type" else [])
    with pytest.raises(Malformed, match=f"the header '{name}' appears 2 times") as caught:
        check_headers(headers)
    assert caught.value.reason == "duplicate-header"


# --- known defects: each of these fails today, and says so when it no longer does -------------------------------------


def test_an_event_with_two_bodies_is_refused() -> None:
    refusal(value(data_base64="e30="))


def test_an_integer_that_is_not_read_exactly_is_refused() -> None:
    refusal(with_data(b"18446744073709551616"))


@pytest.mark.parametrize("event_id", ["two words", "\x00", "식별자"])
def test_an_id_that_no_event_can_refer_to_is_refused(event_id: str) -> None:
    refusal(value(id=event_id))


@pytest.mark.parametrize("name", ["time", "datacontenttype", "specversion"])
def test_a_message_stays_short_whatever_was_sent(name: str) -> None:
    assert len(refusal(value(**{name: "\x7f" * 400_000})).message) < 2000


def test_a_repeated_name_among_many_is_found_in_linear_time() -> None:
    counted = [Counted(str(number)) for number in range(2000)]
    with pytest.raises(Malformed):
        _without_duplicates([(name, 0) for name in [*counted, counted[-1]]])
    assert Counted.comparisons < 100_000


class Counted(str):
    """A name that counts how often it is compared."""

    comparisons = 0
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return str.__eq__(self, other)


def test_another_charset_is_refused() -> None:
    with pytest.raises(Malformed):
        check_headers([("content-type", b"application/cloudevents+json; charset=latin-1")])


def test_an_object_alone_is_read_under_the_same_limits() -> None:
    assert parse_object(b'{"a": [1, null, "x"]}') == {"a": [1, None, "x"]}
    with pytest.raises(Malformed, match="more than once"):
        parse_object(b'{"a": 1, "a": 1}')
