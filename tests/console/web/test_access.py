"""Who may send what, how much of it, and what everybody else is told."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.web.problems import KINDS, TYPE_PREFIX
from console.web.shell import HEADERS
from events.envelope import BYTES_MAX, encode
from infra.clock import now_ms
from tests.support import small
from tests.support.website import BATCHED, STRUCTURED, Website, new_api_key, registration, said

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parents[3]


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Checks the document that every error is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == TYPE_PREFIX + code
    assert (document["status"], document["title"]) == (status, KINDS[code].title)
    assert document["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    return document


def test_every_problem_has_its_entry_in_the_documents() -> None:
    told = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", (ROOT / "docs" / "intake.md").read_text(), re.MULTILINE))
    assert told == {code: str(kind.status) for code, kind in KINDS.items()}


def test_without_a_key_nothing_is_taken(site: Website) -> None:
    answer = site.client.post("/v1/events", content=encode(registration("ash")), headers=STRUCTURED)
    problem(answer, 401, "key-missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "key", ["x", "phg_aaaaaaaaaaaa_" + "A" * 43, "phg_../../etc/pw_" + "A" * 43, "phg_" + "a" * 5000]
)
def test_a_key_that_is_none_is_refused(site: Website, key: str) -> None:
    answer = site.post(encode(registration("ash")), key)
    assert answer.json()["type"].endswith(("key-invalid", "key-missing"))
    assert answer.status_code == 401


def test_the_id_of_a_key_opens_nothing_without_its_secret(site: Website) -> None:
    _, key = new_api_key(site.parts.ledger)
    problem(site.post(encode(registration("ash")), key[:-1] + ("A" if key[-1] != "A" else "B")), 401, "key-invalid")


def test_a_key_ends_when_it_is_revoked_and_when_it_expires(site: Website) -> None:
    key_id, key = new_api_key(site.parts.ledger)
    site.sent(registration("ash"), key)
    site.parts.ledger.intake().revoke_key(key_id, now_ms(), "lost")
    problem(site.post(encode(registration("ash")), key), 401, "key-invalid")
    _, expired = new_api_key(site.parts.ledger, expires_ms=now_ms() - 1)
    problem(site.post(encode(registration("ash")), expired), 401, "key-invalid")


def test_a_key_sends_for_its_source_type_and_programme_alone(site: Website) -> None:
    narrow = site.key(sources=["urn:team:ash"], types=["entrant.registered"], programmes=[small.PROGRAMME])
    site.sent(registration("ash"), narrow)
    other_programme = registration("ash")
    other_programme.subject = "small-cup-2"
    for event, why in (
        (registration("birch"), "urn:team:birch"),
        (said("entrant.withdrawn", "w", "urn:team:ash", entrant="ash", reason="r"), "entrant.withdrawn"),
        (other_programme, "small-cup-2"),
    ):
        assert why in problem(site.post(encode(event), narrow), 403, "out-of-scope")["detail"]


def test_what_the_office_alone_may_say_needs_to_be_named(site: Website) -> None:
    event = said("evaluator.appointed", "appoint-1", small.OFFICE, evaluator="eve", panel="jury")
    problem(site.post(encode(event), site.key(types=["*"])), 403, "out-of-scope")
    assert site.post(encode(event), site.key(types=["evaluator.appointed"])).status_code == 202


def test_a_batch_with_one_event_out_of_scope_sends_none(site: Website) -> None:
    before = site.parts.bus.ends()
    narrow = site.key(sources=["urn:team:ash"])
    body = b"[" + encode(registration("ash")) + b"," + encode(registration("birch")) + b"]"
    assert problem(site.post(body, narrow, BATCHED), 403, "out-of-scope")["detail"].startswith("event 1")
    assert site.parts.bus.ends() == before


def test_what_is_over_the_rate_waits_as_long_as_it_is_told(site: Website) -> None:
    key = site.key(per_minute=2, burst=2)
    answers = [site.post(encode(registration("ash")), key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[0].headers["ratelimit"] == '"events";r=1;t=30'
    assert answers[0].headers["ratelimit-policy"] == '"events";q=2;w=60'
    problem(answers[2], 429, "rate-limited")
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30


def test_a_batch_counts_as_many_events_as_it_has(site: Website) -> None:
    key = site.key(per_minute=1, burst=3)
    pair = b"[" + encode(registration("ash")) + b"," + encode(registration("birch")) + b"]"
    assert site.post(pair, key, BATCHED).status_code == 202
    before = site.parts.bus.ends()
    problem(site.post(pair, key, BATCHED), 429, "rate-limited")
    assert site.parts.bus.ends() == before
    four = b"[" + b",".join([encode(registration("ash"))] * 4) + b"]"
    problem(site.post(four, site.key(per_minute=9, burst=3), BATCHED), 413, "too-many-events")


def test_a_body_is_too_large_by_what_comes_not_by_what_is_said(site: Website) -> None:
    key = site.key()
    answer = site.client.post(
        "/v1/events", content=iter([b"x" * 65_536] * 9), headers={"authorization": f"Bearer {key}", **STRUCTURED}
    )
    problem(answer, 413, "too-large")
    problem(site.post(b"x" * (BYTES_MAX + 1), key), 413, "too-large")
    largest = encode(registration("ash"))
    assert site.post(largest[:-1] + b" " * (BYTES_MAX - len(largest)) + b"}", key).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/v1/events", {}, 405, "method-not-allowed"),
        ("DELETE", "/v1/receipts/scores/0/0", {}, 405, "method-not-allowed"),
        ("GET", "/nothing", {}, 404, "not-found"),
        ("GET", "/docs", {}, 404, "not-found"),
        ("GET", "/v1/receipts/nowhere/0/0", {}, 422, "unprocessable-request"),
        ("GET", "/v1/receipts/scores/0/-1", {}, 422, "unprocessable-request"),
        ("GET", "/v1/receipts/scores/0/99999999999999999999", {}, 422, "unprocessable-request"),
        ("GET", "/v1/receipts/scores/0/0", {}, 404, "not-found"),
        ("POST", "/v1/events", {"content-type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", "/v1/events", {}, 415, "unsupported-media-type"),
        ("POST", "/v1/events?topic=letters", STRUCTURED, 422, "unprocessable-request"),
    ],
)
def test_every_error_is_a_problem_document(
    site: Website, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = site.client.request(method, path, headers={"authorization": f"Bearer {site.key()}", **headers})
    problem(answer, status, code)
    assert code != "method-not-allowed" or answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "not-json"),
        (b"{}", 400, "not-cloudevents"),
        (b'{"specversion":"1.0","specversion":"1.0"}', 400, "duplicate-json-key"),
        (b"[" * 400_000, 400, "too-deep"),
        (encode(said("no.such", "x", "urn:x")), 422, "unknown-type"),
        (encode(registration("ash")).replace(b'"id":"', b'"id":"\xc3\xa9'), 422, "schema-invalid"),
        (encode(registration("ash")).replace(b'"small-cup"', b'""'), 422, "unknown-programme"),
    ],
)
def test_a_problem_has_the_reason_for_which_a_record_would_be_refused(
    site: Website, body: bytes, status: int, reason: str
) -> None:
    answer = site.post(body, site.key())
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_good_answers_have_the_headers_that_browsers_obey_too(site: Website) -> None:
    for path in ("/healthz", "/readyz", "/v1/openapi.json"):
        answer = site.client.get(path)
        assert answer.status_code == 200, answer.text
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
        assert "server" not in answer.headers


def test_the_log_has_who_was_refused_what_and_no_secret(site: Website, capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    key_id, key = new_api_key(site.parts.ledger, sources=["urn:team:ash"])
    with structlog.testing.capture_logs() as lines:
        receipt = site.sent(registration("ash"), key)
        site.post(encode(registration("birch")), key)
        site.client.get(receipt["url"], params={"token": receipt["token"]})
        site.client.get("/healthz")
    refused = [line for line in lines if line["event"] == "refused"]
    assert [(line["api_key"], line["problem"]) for line in refused] == [(key_id, "out-of-scope")]
    answered = [(line["method"], line["path"], line["status"]) for line in lines if line["event"] == "answered"]
    assert answered == [("POST", "/v1/events", 202), ("POST", "/v1/events", 403), ("GET", receipt["url"], 200)]
    text = json.dumps(lines, default=str)
    assert key not in text
    assert receipt["token"] not in text
    assert '"entrant"' not in text


def test_a_defect_is_told_without_what_it_was_and_kept_in_the_log(
    site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    import structlog

    def broken(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("console.web.intake.read_events", broken)
    with structlog.testing.capture_logs() as lines:
        answer = site.post(encode(registration("ash")), key := site.key())
    assert "inside" not in str(problem(answer, 500, "unexpected"))
    (failed,) = (line for line in lines if line["event"] == "failed")
    assert "ZeroDivisionError: inside" in failed["trace"]
    assert key not in str(lines)


def test_a_sender_that_stops_in_the_middle_harms_nobody(site: Website) -> None:
    url = httpx.URL(str(site.client.base_url))
    with socket.create_connection((url.host, url.port or 80)) as broken:
        broken.sendall(
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/cloudevents+json\r\n"
            b"authorization: Bearer " + site.key().encode() + b"\r\ncontent-length: 1000\r\n\r\n{"
        )
        assert site.client.get("/healthz").status_code == 200
    site.sent(registration("ash"), site.key())
