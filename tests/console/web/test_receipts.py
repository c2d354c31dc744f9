"""Receipts: signed when given, and leading to entry, verdict and proof for those who may ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.main import main
from events.bundle import decode_opening
from events.entry import commitment, decode_entry
from events.envelope import encode
from events.errors import Tampered
from events.note import format_vkey, parse_vkey, verifier_key
from events.proof_file import verify_proof
from events.receipt import RECORDED_WITHIN_MS, open_receipt
from events.values import parse_instant
from flows.office import message
from infra.clock import now_ms
from tests.support import small
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN
from tests.support.website import BATCHED, Website, registration, said

pytestmark = pytest.mark.kafka

LOG = f"{ORIGIN}/{small.PROGRAMME}"


def score(event_id: str, source: str = "urn:jury:ann") -> Any:
    return said(
        "score.recorded", event_id, source,
        phase="heat", entrant="ash", criterion="jury", item="art", evaluator="ann", value="30",
    )  # fmt: skip


def test_a_receipt_is_signed_and_says_what_it_promises(site: Website) -> None:
    receipt = site.sent(registration("ash"), site.key())
    opened = open_receipt(receipt["note"].encode(), [site.intake_key.verifier])
    assert str(opened.position) == f"{receipt['topic']}/{receipt['partition']}/{receipt['offset']}"
    told = (opened.id, opened.source, opened.sha256, opened.log)
    assert told == tuple(receipt[name] for name in ("id", "source", "sha256", "log"))
    assert opened.log == LOG
    assert parse_instant(receipt["recorded_by"]) - parse_instant(receipt["received"]) == RECORDED_WITHIN_MS


def test_a_receipt_that_was_changed_or_signed_by_another_is_none(site: Website) -> None:
    note = site.sent(registration("ash"), site.key())["note"].encode()
    with pytest.raises(Tampered):
        open_receipt(note.replace(b'"offset":', b'"offset":1'), [site.intake_key.verifier])
    with pytest.raises(Tampered):
        open_receipt(note, [OFFICE_KEY.verifier])
    with pytest.raises(Tampered, match="not a receipt"):
        open_receipt(site.intake_key.sign_note(b"something else\n"), [site.intake_key.verifier])


def test_verify_tells_a_receipt_of_the_intake_from_any_other_file(
    site: Website, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = site.sent(registration("ash"), site.key())
    path = tmp_path / "mine.receipt"
    path.write_text(receipt["note"])
    assert main(["verify", str(path), "--vkey", format_vkey(site.intake_key.verifier)]) == 0
    assert receipt["sha256"] in capsys.readouterr().out
    path.write_text(receipt["note"].replace(receipt["id"], "another"))
    assert main(["verify", str(path), "--vkey", format_vkey(site.intake_key.verifier)]) == 3


def test_a_record_is_pending_until_it_is_recorded(site: Website) -> None:
    key = site.key()
    receipt = site.sent(registration("birch"), key)
    before = site.asked(receipt, key)
    assert (before["state"], before["verdict"], before["first"]) == ("pending", None, None)
    site.record()
    after = site.asked(receipt, key)
    assert (after["state"], after["verdict"], after["reason"]) == ("recorded", "accepted", None)
    assert (after["programme"], after["log"]) == (small.PROGRAMME, LOG)
    for name in ("topic", "partition", "offset", "received", "sha256"):
        assert before[name] == after[name] == receipt[name]


def test_the_proof_holds_without_the_server(site: Website) -> None:
    key = site.key()
    receipt = site.sent(registration("cedar"), key)
    site.record()
    told = site.asked(receipt, key)
    entry = told["first"]["entry"].encode()
    index, checkpoint = verify_proof(told["first"]["proof"].encode(), entry, [parse_vkey(told["vkey"])])
    assert told["vkey"] == format_vkey(verifier_key(LOG, LOG_KEY.public))
    assert (index, checkpoint.origin) == (told["first"]["index"], LOG)
    assert decode_entry(entry).offset == receipt["offset"]
    number, opening = decode_opening(told["opening"].encode().removesuffix(b"\n"), "the answer")
    assert (number, commitment(opening)) == (index, decode_entry(entry).commitment)
    assert opening.value == encode_of(opening.value)


def encode_of(value: bytes | None) -> bytes | None:
    """The bytes are those of an event that was sent as it is."""
    from events.envelope import decode

    return encode(decode(value))


def test_a_refusal_comes_with_its_reason_and_what_it_says_of_the_value(site: Website) -> None:
    key = site.key()
    receipt = site.sent(said("finding.recorded", "no-auditor", "urn:team:ash"), key)
    site.record()
    told = site.asked(receipt, key)
    assert (told["verdict"], told["reason"]) == ("refused", "schema-invalid")
    assert told["first"]["detail"]


def test_a_record_that_waits_is_told_with_the_entry_that_settles_it(site: Website) -> None:
    """A mark of an evaluator who was not appointed waits; the phase is opened too late here, so it is refused at its end."""
    key = site.key()
    receipt = site.sent(score("waits"), key)
    site.record()
    told = site.asked(receipt, key)
    assert (told["state"], told["verdict"], told["settlement"]) == ("recorded", "pending", None)


def test_the_token_asks_in_place_of_the_key(site: Website) -> None:
    receipt = site.sent(registration("ash"), site.key())
    answer = site.client.get(receipt["url"], params={"token": receipt["token"]})
    assert (answer.status_code, answer.json()["sha256"]) == (200, receipt["sha256"])


def test_nobody_else_learns_that_it_is_there(site: Website) -> None:
    """Another key, another receipt's token, nothing at all: the answer is that for a place where nothing stands."""
    own, other = site.key(), site.key()
    receipt, second = site.sent(registration("ash"), own), site.sent(registration("birch"), own)
    empty = {**receipt, "url": receipt["url"].rpartition("/")[0] + "/900719"}
    answers = []
    for asked in (receipt, empty):
        for headers, token in (
            ({"authorization": f"Bearer {other}"}, None),
            ({}, second["token"]),
            ({}, ""),
            ({}, None),
        ):
            answer = site.client.get(asked["url"], headers=headers, params={} if token is None else {"token": token})
            answers.append((answer.status_code, {**answer.json(), "instance": ""}))
    assert answers == [answers[0]] * 8
    assert answers[0][0] == 404


def test_a_batch_s_receipts_each_have_a_token_of_their_own(site: Website) -> None:
    body = b"[" + b",".join(encode(registration(team)) for team in ("ash", "birch")) + b"]"
    receipts = site.post(body, site.key(), BATCHED).json()["receipts"]
    first, second = receipts
    assert first["token"] != second["token"]
    crossed = site.client.get(first["url"], params={"token": second["token"]})
    assert crossed.status_code == 404


def test_a_record_that_came_over_kafka_has_no_receipt(site: Website) -> None:
    (at,) = site.tell(message("submissions", registration("ash"), None, now_ms()))
    url = f"/v1/receipts/{at.topic}/{at.partition}/{at.offset}"
    assert site.client.get(url, headers={"authorization": f"Bearer {site.key()}"}).status_code == 404
