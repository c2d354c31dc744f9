"""`announce` and `publish`: nothing is sent that cannot be judged, and what was sent is told with its place and verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from events.envelope import JWS_HEADER, encode
from events.values import parse_instant
from flows.play import recording
from flows.sending import read_lines, uuid7
from flows.wiring import open_parts
from infra.kafka import client
from infra.kafka.broker import TemporaryBroker
from infra.keys import load_key
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import OFFICE_KEY

NOWHERE = "127.0.0.1:1"


def settle(monkeypatch: pytest.MonkeyPatch, home: Path, kafka: str, prefix: str, clock: str = "broker") -> None:
    """An empty ledger, bound to topics of its own, and the stage's keys."""
    url = f"sqlite:///{home}/ledger.sqlite"
    more = {"PHASEGATE_PREFIX": prefix, "PHASEGATE_PARTITIONS": "4"}
    for name, value in (environment(home, url, kafka) | more).items():
        monkeypatch.setenv(name, value)
    upgrade(url)
    with Ledger.open(url) as ledger:
        ledger.bind(prefix, 4, clock)


@pytest.fixture
def unreached(tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with a Kafka that is not there: a command that gets as far as asking it ends with 7."""
    settle(monkeypatch, tmp_path, NOWHERE, "nowhere", "scenario")


@pytest.fixture
def recorded(
    tmp_path: Path,
    phasegate: Phasegate,
    monkeypatch: pytest.MonkeyPatch,
    kafka: TemporaryBroker,
    topic_prefix: str,
) -> Iterator[None]:
    """Topics on a real broker, in the broker's time, with a recorder at work."""
    settle(monkeypatch, tmp_path, kafka.bootstrap, topic_prefix)
    parts = open_parts(make_topics=True)
    with recording(parts):
        yield
    parts.close()


def file_of(folder: Path, *events: Mapping[str, Any] | bytes) -> Path:
    path = folder / "events.ndjson"
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in events))
    return path


def rulebook_file(folder: Path, **changed: Any) -> Path:
    """JSON is YAML."""
    path = folder / "rulebook.yaml"
    path.write_text(json.dumps(small.rulebook() | changed), encoding="utf-8")
    return path


def appointment(number: int = 1, **more: Any) -> dict[str, Any]:
    data = {"evaluator": f"e{number}", "panel": "jury"}
    event = small.event("evaluator.appointed", f"appoint-{number}", small.OFFICE, small.OPENS, **data)
    return {**json.loads(encode(event)), **more}


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be an object"),
        (b'{"subject": "a", "subject": "b"}', "more than once"),
        (b'{"type": "phasegate.intake.marked.v1", "subject": "a"}', "does not say its topic"),
        (b'{"type": "unknown", "subject": "a"}', "does not say its topic"),
        (b'{"type": "unknown", "topic": "odd", "subject": "a"}', "is no topic"),
        (b'{"type": "unknown", "topic": "scores"}', "subject is None"),
        (b'{"type": "unknown", "topic": "scores", "subject": "a"}', "stamped by its own `time`"),
    ],
)
@pytest.mark.usefixtures("unreached")
def test_a_bad_line_is_refused_with_its_number_before_anything_is_sent(
    phasegate: Phasegate, tmp_path: Path, row: bytes, fault: str
) -> None:
    path = file_of(tmp_path, appointment(), b"", row)
    answer = phasegate("publish", path)
    assert answer.code == 6
    assert f"{path}:3: " in answer.err
    assert fault in answer.err


@pytest.mark.usefixtures("unreached")
def test_a_file_that_is_not_there_is_not_found_and_a_kafka_that_is_not_there_unavailable(
    phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", 0.1)
    assert phasegate("publish", tmp_path / "no.ndjson").code == 5
    assert phasegate("publish", file_of(tmp_path, appointment())).code == 7


def test_a_line_is_sent_as_it_stands_and_without_its_topic_where_it_names_one(tmp_path: Path) -> None:
    spaced = json.dumps(appointment(), indent=None, separators=(" , ", " : ")).encode()
    first, second = read_lines(file_of(tmp_path, spaced, appointment(2, topic="audits")), "scenario", None)
    assert (first.message.value, first.message.topic) == (spaced, "decisions")
    assert (first.message.key, first.message.timestamp_ms) == (b"small-cup", small.OPENS)
    assert second.message.topic == "audits"
    assert json.loads(second.message.value or b"") == appointment(2)


def test_a_key_signs_the_very_bytes_that_are_sent(tmp_path: Path, phasegate: Phasegate) -> None:
    key = load_key(Path(environment(tmp_path, "")["PHASEGATE_OFFICE_KEY"]))
    (line,) = read_lines(file_of(tmp_path, appointment(topic="decisions")), "broker", key)
    headers = dict(line.message.headers)
    assert headers[JWS_HEADER] == OFFICE_KEY.jws(line.message.value or b"")
    assert line.message.timestamp_ms is None


def test_new_ids_are_of_version_7_and_sort_by_time() -> None:
    ids = [uuid7(ms) for ms in (1, 2, 1_700_000_000_000)]
    assert sorted(ids) == ids
    assert {(UUID(text).version, UUID(text).variant) for text in ids} == {(7, "specified in RFC 4122")}
    assert UUID(ids[2]).int >> 80 == 1_700_000_000_000
    assert uuid7(5) != uuid7(5)


# --- rulebooks --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unreached")
def test_a_rulebook_with_a_fault_is_not_announced(phasegate: Phasegate, tmp_path: Path) -> None:
    answer = phasegate("announce", rulebook_file(tmp_path, titel="x"), "--json")
    assert answer.code == 6
    assert "titel" in answer.document["error"]["details"]["faults"][0]
    bare = tmp_path / "bare.yaml"
    bare.write_text(json.dumps({"criteria": small.rulebook()["phases"][0]["criteria"]}))
    assert phasegate("announce", bare).code == 6


@pytest.mark.usefixtures("unreached")
def test_a_clock_that_the_topics_do_not_have_is_refused(phasegate: Phasegate, tmp_path: Path) -> None:
    answer = phasegate("announce", rulebook_file(tmp_path), "--clock", "broker")
    assert answer.code == 6
    assert "the scenario's time" in answer.err


# --- over Kafka -------------------------------------------------------------------------------------------------------


@pytest.mark.kafka
@pytest.mark.usefixtures("recorded")
def test_a_programme_is_announced_and_events_get_their_verdicts(phasegate: Phasegate, tmp_path: Path) -> None:
    answer = phasegate("announce", rulebook_file(tmp_path), "--clock", "broker", "--json")
    assert answer.code == 0, answer.out + answer.err
    assert (answer.data["programme"], answer.data["verdict"], answer.data["index"]) == ("small-cup", "accepted", 0)
    entry = phasegate("log", "small-cup", "0", "--json").data["entry"]
    event = entry["record"]["event"]
    assert (event["source"], event["data"]["clock"], event["id"]) == (small.OFFICE, "broker", answer.data["id"])
    assert event["data"]["rulebook"] == small.rulebook()
    assert parse_instant(entry["received"]) - parse_instant(event["time"]) < 60_000

    again = phasegate("announce", rulebook_file(tmp_path))
    assert again.code == 6
    assert "refused" in again.err

    path = file_of(tmp_path, appointment(1), appointment(2, topic="decisions"))
    key = Path(environment(tmp_path, "")["PHASEGATE_OFFICE_KEY"])
    sent = phasegate("publish", path, "--key", key, "--wait", "--json")
    assert sent.code == 0, sent.out + sent.err
    assert [(row["line"], row["id"], row["verdict"]) for row in sent.data["events"]] == [
        (1, "appoint-1", "accepted"),
        (2, "appoint-2", "accepted"),
    ]
    unsigned = phasegate("publish", file_of(tmp_path, appointment(3)), "--wait", "--json")
    assert unsigned.code == 6
    assert unsigned.data["events"][0]["reason"] == "signature-missing"
    assert "signature-missing" in phasegate("publish", path, "--wait").out + unsigned.out

    only_sent = phasegate("publish", path, "--key", key, "--json")
    assert only_sent.code == 0
    assert "verdict" not in only_sent.data["events"][0]
    assert only_sent.data["events"][0]["offset"] > sent.data["events"][1]["offset"]


@pytest.mark.kafka
@pytest.mark.usefixtures("recorded")
def test_acts_of_people_travel_through_kafka_and_are_told_their_verdict(phasegate: Phasegate, tmp_path: Path) -> None:
    assert phasegate("announce", rulebook_file(tmp_path)).code == 0
    answer = phasegate("register", "small", "ash", "--name", "Ash", "--json")
    assert answer.code == 0, answer.out + answer.err
    assert (answer.data["verdict"], answer.data["index"], answer.data["source"]) == ("accepted", 1, "urn:team:ash")
    assert phasegate("appoint", "small", "ann", "jury", "--json").data["signed"]
    again = phasegate("register", "small", "ash", "--name", "Ash", "--json")
    assert (again.code, again.data["reason"]) == (6, "illegal-transition")
    assert "registered already" in again.data["detail"]
    late = phasegate("register", "small", "birch", "--name", "Birch", "--now", "2030-01-01T00:00:00Z")
    assert late.code == 2
    assert phasegate("status", "small", "--json").data["size"] == 4
