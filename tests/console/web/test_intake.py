"""Events over HTTP, in the three modes of the CloudEvents binding, to a real broker."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from events.entry import decode_headers
from events.envelope import CONTENT_TYPE_HEADER, JWS_HEADER, encode
from events.record import Position, Record
from flows.office import message
from tests.support import small
from tests.support.stage import OFFICE_KEY
from tests.support.website import BATCHED, STRUCTURED, Website, registration, said

pytestmark = pytest.mark.kafka


def record_of(site: Website, receipt: dict[str, Any]) -> Record:
    """What the broker has at the place that the receipt names."""
    at = Position(receipt["topic"], receipt["partition"], receipt["offset"])
    (record,) = site.parts.bus.read(at.topic, at.partition, at.offset, at.offset + 1)
    return record


def binary_headers(**attributes: str) -> dict[str, str]:
    own = {
        "specversion": "1.0",
        "id": "binary-1",
        "source": "urn:team:ash",
        "type": "phasegate.entrant.registered.v1",
        "subject": small.PROGRAMME,
        "time": "2026-11-24T06:00:00Z",
    } | attributes
    return {"content-type": "application/json"} | {f"ce-{name}": value for name, value in own.items()}


def test_an_event_in_structured_mode_goes_to_kafka_byte_for_byte(site: Website) -> None:
    body = b" " + json.dumps(json.loads(encode(registration("oak"))), indent=1).encode() + b"\n"
    answer = site.post(body, site.key())
    assert answer.status_code == 202
    (receipt,) = answer.json()["receipts"]
    record = record_of(site, receipt)
    assert (record.key, record.value, record.headers) == (small.PROGRAMME.encode(), body, (CONTENT_TYPE_HEADER,))
    assert receipt["sha256"] == sha256(body).hexdigest()
    assert answer.headers["location"] == receipt["url"]


def test_a_receipt_has_the_broker_s_stamp(site: Website) -> None:
    from events.values import parse_instant

    receipt = site.sent(registration("elm"), site.key())
    assert parse_instant(receipt["received"]) == record_of(site, receipt).received_ms
    assert record_of(site, receipt).received_by == "broker"


def test_a_signature_travels_in_the_header_that_kafka_has(site: Website) -> None:
    appointed = said("evaluator.appointed", "appoint-by-http", small.OFFICE, evaluator="dan", panel="jury")
    value = encode(appointed)
    signature = OFFICE_KEY.jws(value)
    key = site.key(types=["evaluator.appointed"])
    answer = site.post(value, key, {**STRUCTURED, JWS_HEADER: signature.decode()})
    assert answer.status_code == 202, answer.text
    (receipt,) = answer.json()["receipts"]
    assert record_of(site, receipt).headers == (CONTENT_TYPE_HEADER, (JWS_HEADER, signature))
    site.record()
    assert site.asked(receipt, key)["verdict"] == "accepted"


def test_a_batch_is_taken_in_its_order_with_a_receipt_for_each(site: Website) -> None:
    told = [registration(team) for team in ("fir", "yew", "bay")]
    values = [json.dumps(json.loads(encode(one)), ensure_ascii=False).encode() for one in told]
    answer = site.post(b"[\n" + b" ,\n".join(values) + b"]", site.key(), BATCHED)
    assert answer.status_code == 202, answer.text
    receipts = answer.json()["receipts"]
    assert [receipt["id"] for receipt in receipts] == [one.id for one in told]
    assert [record_of(site, receipt).value for receipt in receipts] == values
    offsets = [receipt["offset"] for receipt in receipts]
    assert offsets == sorted(offsets)


def test_an_empty_batch_is_taken_and_says_nothing(site: Website) -> None:
    answer = site.post(b" [ ] ", site.key(), BATCHED)
    assert (answer.status_code, answer.json()) == (202, {"receipts": []})


def test_a_batch_with_one_bad_event_sends_none(site: Website) -> None:
    before = site.parts.bus.ends()
    good = encode(registration("rowan"))
    answer = site.post(b"[" + good + b',{"specversion":"1.0"}]', site.key(), BATCHED)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "not-cloudevents"
    assert "event 1 of the batch" in answer.json()["detail"]
    assert site.parts.bus.ends() == before


def test_an_event_in_binary_mode_stands_in_kafka_in_structured_mode(site: Website) -> None:
    body = b'{"entrant":"ivy", "members":[],"name":"\xec\x95\x84\xec\x9d\xb4\xeb\xb9\x84"}'
    answer = site.post(body, site.key(), binary_headers(id="binary-ivy", partitionkey="any%20thing"))
    assert answer.status_code == 202, answer.text
    (receipt,) = answer.json()["receipts"]
    record = record_of(site, receipt)
    assert record.headers == (CONTENT_TYPE_HEADER,)
    assert body in (record.value or b"")
    document = json.loads(record.value or b"")
    assert document["data"] == json.loads(body)
    assert document["partitionkey"] == "any thing"
    assert document["datacontenttype"] == "application/json"
    assert receipt["id"] == "binary-ivy"


def test_the_same_event_in_binary_mode_twice_is_the_same_record(site: Website) -> None:
    key, headers = site.key(), binary_headers(id="binary-twice", source="urn:team:birch")
    body = b'{"entrant":"birch","members":[],"name":"birch"}'
    first, second = (site.post(body, key, headers).json()["receipts"][0] for _ in range(2))
    assert first["sha256"] == second["sha256"]
    site.record()
    assert (site.asked(first, key)["verdict"], site.asked(second, key)["verdict"]) == ("accepted", "duplicate")


def test_a_record_over_http_gives_the_entry_that_it_gives_over_kafka(site: Website) -> None:
    """All but salt, place and stamp: both openings hold the same key, headers and value."""
    over_http = site.sent(registration("ash"), site.key())
    direct = message("submissions", registration("ash", over_http["id"]), None, 0)
    value = record_of(site, over_http).value
    (at,) = site.tell(type(direct)(direct.topic, direct.key, value, direct.headers))
    site.record()
    entries = [
        site.parts.ledger.record_at(place)
        for place in (Position(over_http["topic"], over_http["partition"], over_http["offset"]), at)
    ]
    first, second = (one for one in entries if one is not None)
    assert first.opening is not None
    assert second.opening is not None
    openings = [(one.key, one.headers, one.value) for one in (first.opening, second.opening)]
    assert openings[0] == openings[1]
    assert decode_headers(first.opening.headers) == (CONTENT_TYPE_HEADER,)
    documents = [json.loads(one.entry) for one in (first, second)]
    differing = {name for name in documents[0] if documents[0][name] != documents[1][name]}
    assert differing == {"commitment", "index", "offset", "received", "verdict"}
    assert [document["verdict"] for document in documents] == ["accepted", "duplicate"]


def test_the_topic_is_chosen_where_a_type_stands_on_several(site: Website) -> None:
    revoked = said("key.revoked", "revoke-1", small.OFFICE, source="urn:team:ash", key="x", reason="lost")
    key = site.key(types=["key.revoked"])
    assert site.post(encode(revoked), key).json()["reason"] == "wrong-topic"
    answer = site.post(encode(revoked), key, params={"topic": "audits"})
    assert [receipt["topic"] for receipt in answer.json()["receipts"]] == ["audits"]
    wrong = site.post(encode(registration("ash")), site.key(), params={"topic": "audits"})
    assert (wrong.status_code, wrong.json()["reason"]) == (422, "wrong-topic")
