from __future__ import annotations

import json
from dataclasses import astuple, replace

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from events.entry import (
    BYTES_MAX,
    NUMBER_MAX,
    RECEIVED_MAX,
    Entry,
    Opening,
    commitment,
    decode_entry,
    decode_headers,
    decode_members,
    encode_entry,
    encode_headers,
)
from events.errors import Refused, Tampered
from events.record import TOPICS

HEX = "ab" * 32
STAMP = 1_768_456_800_123
ENTRY = Entry(17, "scores", 0, 123, STAMP, "broker", "accepted", HEX, "phasegate.score.recorded.v1")
SALT = bytes(range(32))

numbers = st.integers(0, NUMBER_MAX)
entries = st.builds(
    Entry,
    index=numbers,
    topic=st.sampled_from(TOPICS),
    partition=numbers,
    offset=numbers,
    received_ms=st.integers(0, RECEIVED_MAX),
    received_by=st.sampled_from(["broker", "producer"]),
    verdict=st.sampled_from(["accepted", "duplicate", "pending"]),
    commitment=st.binary(min_size=32, max_size=32).map(bytes.hex),
    type=st.none() | st.just("phasegate.phase.decided.v1"),
)


def test_the_bytes_are_those_of_the_design() -> None:
    expected = (
        b'{"commitment":"'
        + HEX.encode()
        + b'","index":17,"offset":123,"partition":0,"received":"2026-01-15T06:00:00.123Z"'
        b',"received_by":"broker","topic":"scores","type":"phasegate.score.recorded.v1","verdict":"accepted"}'
    )
    assert encode_entry(ENTRY) == expected


@given(entries)
def test_every_entry_survives_and_is_rfc_8785(entry: Entry) -> None:
    data = encode_entry(entry)
    assert decode_entry(data) == entry
    assert decode_members(data) == astuple(entry)
    assert data == rfc8785.dumps(json.loads(data))


def test_refusals_carry_a_reason_and_settlements_cite() -> None:
    refused = replace(ENTRY, verdict="refused", reason="late", of=3)
    data = encode_entry(refused)
    assert b'"of":3,"offset":123,"partition":0,"reason":"late","received":' in data
    assert decode_entry(data) == refused
    assert data == rfc8785.dumps(json.loads(data))


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "refused"},
        {"reason": "late"},
        {"of": 17},
        {"of": 3, "verdict": "pending"},
        {"index": -1},
        {"offset": NUMBER_MAX + 1},
        {"index": True},
        {"received_ms": -1},
        {"received_ms": RECEIVED_MAX + 1},
        {"received_by": "nobody"},
        {"topic": "dead-letters"},
        {"commitment": HEX.upper()},
        {"type": 'x","verdict":"accepted'},
        {"type": "x" * BYTES_MAX},
        {"type": ""},
    ],
)
def test_what_has_no_canonical_form_or_contradicts_itself_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(Refused):
        encode_entry(replace(ENTRY, **changed))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b'"index":17', b'"index":017'),
        (b'"index":17', b'"index":17.0'),
        (b'"index":17', b'"index":1_7'),
        (b'"index":17', b'"index": 17'),
        (b'"index":17', b'"index":-17'),
        (b'"index":17', '"index":1٧'.encode()),
        (b'"index":17', b'"index":17,"index":17'),
        (b'"offset":123', b'"offset":9007199254740992'),
        (b'"index":17,"offset":123', b'"offset":123,"index":17'),
        (b'"accepted"}', b'"accepted"}\n'),
        (b'"accepted"}', b'"accepted","x":1}'),
        (b'"accepted"', b'"refused"'),
        (b'"accepted"', b'"\\u0061ccepted"'),
        (b".123Z", b".12Z"),
        (b".123Z", b".123+00:00"),
        (b"2026-01-15", b"2026-02-30"),
        (b"06:00:00", b"06:00:60"),
        (b"abab", b"ABab"),
        (b"{", b"\xef\xbb\xbf{"),
    ],
)
def test_any_other_spelling_is_tampered(found: bytes, instead: bytes) -> None:
    data = encode_entry(ENTRY)
    assert found in data
    with pytest.raises(Tampered):
        decode_entry(data.replace(found, instead, 1))


def test_any_changed_byte_is_another_entry_or_none() -> None:
    data = encode_entry(ENTRY)
    for at in range(len(data)):
        try:
            other = decode_entry(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        except Tampered:
            continue
        assert other != ENTRY


def test_the_commitment_is_that_of_the_design() -> None:
    from hashlib import sha256

    headers = encode_headers([("content-type", b"a"), ("x", b"\xff"), ("x", b"")])
    assert headers == b'[["content-type","YQ=="],["x","/w=="],["x",""]]'
    framed = SALT + b"\0\0\0\x01k" + len(headers).to_bytes(4, "big") + headers + b"value"
    assert commitment(Opening(SALT, b"k", headers, b"value")) == sha256(framed).hexdigest()
    framed = SALT + b"\xff\xff\xff\xff" + b"\0\0\0\x02[]" + b"\xff\xff\xff\xff"
    assert commitment(Opening(SALT, None, b"[]", None)) == sha256(framed).hexdigest()


def test_absent_and_empty_differ() -> None:
    digests = {commitment(Opening(SALT, key, b"[]", value)) for key in (None, b"", b"k") for value in (None, b"", b"v")}
    assert len(digests) == 9


def test_a_salt_has_32_bytes() -> None:
    with pytest.raises(Refused, match="31"):
        commitment(Opening(SALT[1:], None, b"[]", None))


header_lists = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary()))


@given(header_lists)
def test_headers_survive_in_order_and_are_rfc_8785(headers: list[tuple[str, bytes]]) -> None:
    data = encode_headers(headers)
    assert decode_headers(data) == tuple(headers)
    assert data == rfc8785.dumps(json.loads(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b'[["a"]]', b'[[1,""]]', b'[["a","YQ"]]', b'[["a","YR=="]]', b'[["a", ""]]', b'[["a",""]] ', b"[[]]", b"[1]",
     b'[["a","!"]]', b'["ab"]', b'[["\\u0061",""]]'],
)  # fmt: skip
def test_other_spellings_of_headers_are_tampered(data: bytes) -> None:
    with pytest.raises(Tampered):
        decode_headers(data)


def test_a_header_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(Refused):
        encode_headers([("\ud800", b"")])
