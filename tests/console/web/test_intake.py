"""Events over HTTP, in the three modes of the CloudEvents binding, to a real broker."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from events.entry import decode_entry
from events.envelope import CONTENT_TYPE_HEADER, JWS_HEADER, encode
from events.note import parse_vkey
from events.proof_file import verify_proof
from events.receipt import open_receipt
from events.record import Position
from flows.office import message
from tests.support import small
from tests.support.stage import OFFICE_KEY
from tests.support.website import BATCHED, STRUCTURED, Website, registration, said

pytestmark = pytest.mark.kafka


def test_an_event_in_structured_mode_goes_to_kafka_byte_for_byte(site: Website) -> None:
    body = b" " + json.dumps(json.loads(encode(registration("oak"))), indent=1).encode() + b"\n"
    answer = site.post(body, site.key())
    assert answer.status_code == 202
    (receipt,) = answer.json()["receipts"]
    (record,) = site.parts.bus.read(receipt["topic"], receipt["partition"], receipt["offset"], receipt["offset"] + 1)
    assert (record.key, record.value, record.headers) == (small.PROGRAMME.encode(), body, (CONTENT_TYPE_HEADER,))
    assert receipt["sha256"] == sha256(body).hexdigest()
