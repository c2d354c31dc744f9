"""`refused` and `requeue`: what was refused, against what was asked; and sent again after a fix, on record."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from console.next_steps import NEXT_STEPS, next_step
from events.bus import Message
from events.entry import decode_entry
from events.envelope import CONTENT_TYPE_HEADER
from events.reasons import REFUSALS
from events.values import format_instant
from flows.office import Office
from infra.clock import now_ms
from infra.memory_bus import MemoryBus
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.log import record_of
from tests.support.stage import Stage
from tests.support.stage import stage as stage_on
from tests.support.told import ANN, BENCH, mark

CUP, DAY = small.PROGRAMME, small.DAY
AT = small.OPENS + 15 * DAY
MARK = mark("a-mark", ANN, AT, "ash", "ann", "30")
NOW = ("--now", format_instant(AT + DAY))
WHY = ("--reason", "the runner wrote values as numbers")


def send(on: Stage, **changed: Any) -> int:
    """Sends the mark with other data, or other parts of its record; the index of its entry."""
    record = record_of(MARK)
    data, parts = changed.pop("data", {}), changed
    document = orjson.loads(record.value or b"")
    document["data"] |= data
    record = replace(record, **{"value": orjson.dumps(document), **parts})
    on.send(
        [Message(record.topic, record.key, record.value, record.headers, record.received_ms, parts.get("partition"))]
    )
    on.record()
    return on.parts.ledger.heads()[0].size - 1


@pytest.fixture
def marked(stage: Stage) -> Stage:
    """The scores can come in. The recorder works while a command waits."""
    stage.tell(small.announced(), *small.beginnings())
    stage.progress(small.OPENS + 1)
    stage.tell(*small.submissions())
    stage.progress(small.DEADLINES["submissions"] + 1)
    return stage


def replayed(phasegate: Phasegate) -> bool:
    return phasegate("replay", CUP, "--json").code == 0


# --- what was refused -------------------------------------------------------------------------------------------------


def test_refused_records_of_one_reason_and_source_stand_together(phasegate: Phasegate, marked: Stage) -> None:
    first, second = send(marked, data={"value": 30}), send(marked, data={"value": 31})
    send(marked, value=b"{")
    groups = phasegate("refused", CUP, "--json").data["groups"]
    assert [(row["reason"], row["source"], row["count"]) for row in groups] == [
        ("schema-invalid", ANN, 2), ("not-json", None, 1),
    ]  # fmt: skip
    assert groups[0]["entries"] == [first, second]
    assert (groups[0]["example"], groups[0]["topics"]) == (second, ["scores"])
    assert [row["reason"] for row in phasegate("refused", CUP, "--source", ANN, "--json").data["groups"]] == [
        "schema-invalid"
    ]
    assert phasegate("refused", CUP, "--reason", "late", "--json").data["count"] == 0
    assert phasegate("refused", CUP, "--at", first, "--json").data["count"] == 0
    assert phasegate("refused", CUP, "--reason", "odd").code == 2


def test_records_that_belong_to_no_programme_are_listed_too(phasegate: Phasegate, marked: Stage) -> None:
    send(marked, key=None, partition=1)
    logs = {row["programme"]: row for row in phasegate("refused", "--json").data["logs"]}
    assert logs["unrouted/scores/1"]["groups"][0]["reason"] == "unknown-programme"
    one = phasegate("refused", "unrouted/scores/1", 0, "--json").data
    assert (one["source"], one["record"]["key"]) == (ANN, None)
    assert "unrouted/scores/1" in phasegate("refused").out
    told = phasegate("requeue", "unrouted/scores/1", 0, *WHY, "--json")
    assert (told.code, "belongs to no programme" in told.document["error"]["message"]) == (6, True)


def test_a_record_is_shown_against_the_schema_of_its_type(phasegate: Phasegate, marked: Stage) -> None:
    index = send(marked, data={"value": 30, "colour": "red", "entrant": "Ash!"})
    shown = phasegate("refused", CUP, index, "--json").data
    faults = {row["pointer"]: row for row in shown["faults"]}
    assert faults["/data/value"]["value"] == 30
    assert faults["/data/value"]["asked"]["type"] == "string"
    assert "pattern" in faults["/data/entrant"]["asked"]
    assert faults["/data/colour"]["asked"] is None
    assert shown["schema"].endswith("phasegate.score.recorded.v1.json")
    assert shown["rule"] == REFUSALS["schema-invalid"]
    assert shown["record"]["event"]["data"]["colour"] == "red"
    assert (shown["then"]["phase"], shown["then"]["status"]) == ("heat", "open")
    text = phasegate("refused", CUP, index).out
    assert '"colour": "red"' in text
    assert "at /data/value: is 30" in text
    assert f"refused {CUP} {index} --out FILE" in text


def test_a_member_that_is_missing_is_named_with_what_is_asked_for_there(phasegate: Phasegate, marked: Stage) -> None:
    document = orjson.loads(record_of(MARK).value or b"")
    del document["data"]["evaluator"]
    index = send(marked, value=orjson.dumps(document))
    (fault,) = phasegate("refused", CUP, index, "--json").data["faults"]
    assert (fault["pointer"], fault["missing"], fault["asked"]["type"]) == ("/data/evaluator", True, "string")
    assert "at /data/evaluator: is missing" in phasegate("refused", CUP, index).out


def test_what_a_sender_writes_does_not_move_the_cursor(phasegate: Phasegate, marked: Stage) -> None:
    document = orjson.loads(record_of(MARK).value or b"")
    index = send(marked, value=orjson.dumps(document | {"source": "urn:\x1b[2J", "data": {"\x1b[2J": "\x1b[2J"}}))
    headed = send(marked, value=b"\x1b[2J", headers=(CONTENT_TYPE_HEADER, ("\x1b[2J", b"\x1b[2J")))
    for words in (("refused",), ("refused", CUP, index), ("refused", CUP, headed)):
        assert "\x1b" not in phasegate(*words).out


def test_what_was_not_refused_has_nothing_to_show(phasegate: Phasegate, marked: Stage) -> None:
    assert phasegate("refused", CUP, 0, "--json").code == 6
    assert phasegate("refused", CUP, 4000, "--json").code == 5
    assert phasegate("refused", CUP, "--out", "f").code == 2


def test_every_reason_says_what_to_do_next() -> None:
    assert NEXT_STEPS.keys() == REFUSALS.keys()
    for reason in REFUSALS:
        assert "{" not in next_step(reason, CUP, 41)


# --- sent again -------------------------------------------------------------------------------------------------------


def test_a_corrected_mark_is_sent_again_accepted_counted_and_replayed(
    phasegate: Phasegate, marked: Stage, tmp_path: Path
) -> None:
    index = send(marked, data={"value": 30})
    file = tmp_path / "mark.json"
    assert phasegate("refused", CUP, index, "--out", file).code == 0
    assert phasegate("refused", CUP, index, "--out", file).code == 6
    file.write_bytes(file.read_bytes().replace(b'"value":30', b'"value":"30"'))
    sent = phasegate("requeue", CUP, index, "--value", file, *WHY, *NOW, "--json")
    assert sent.code == 0, sent.out
    assert (sent.data["said"], sent.data["record"]["index"]) == (index + 1, index + 2)
    assert (sent.data["record"]["verdict"], sent.data["same_bytes"]) == ("accepted", False)
    assert marked.way.reader.state(CUP).phases["heat"].marks["ash", "jury", "art", "ann"].ids == ("a-mark",)
    assert replayed(phasegate)
    again = phasegate("refused", CUP, index, "--json").data["sent_again"]
    assert again["record"] == {"index": index + 2, "verdict": "accepted", "reason": None}
    assert "nothing" in phasegate("refused", CUP, index, "--json").data["next"]
    assert phasegate("refused", CUP, "--json").data["groups"][0]["sent_again"] == 1
    (told,) = phasegate("explain", CUP, "--record", index, "--json").data["sent_again"]
    assert (told["code"], told["entries"]) == ("record.sent-again", [index + 1, index + 2])
    (told,) = phasegate("explain", CUP, "--record", index + 2, "--json").data["sent_again"]
    assert (told["code"], told["entries"]) == ("record.sent-before", [index, index + 1])
    assert f"[{index}, {index + 1}] It is what was sent again" in phasegate("explain", CUP, "--record", index + 2).out
    act = phasegate("log", CUP, index + 1, "--json").data["entry"]
    assert act["record"]["event"]["data"]["reason"] == WHY[1]
    once = phasegate("requeue", CUP, index, "--value", file, *WHY, *NOW, "--json")
    assert (once.code, "sent again already" in once.document["error"]["message"]) == (6, True)


def test_the_same_bytes_of_a_misplaced_record_go_to_its_own_partition(phasegate: Phasegate, marked: Stage) -> None:
    partition = (record_of(MARK).partition + 1) % 4
    index = send(marked, partition=partition)
    sent = phasegate("requeue", CUP, index, "--reason", "the partitioner was another", *NOW, "--json").data
    assert (sent["same_bytes"], sent["record"]["verdict"]) == (True, "accepted")
    assert sent["record"]["partition"] == record_of(MARK).partition
    assert replayed(phasegate)


def test_a_record_on_the_wrong_topic_goes_to_that_of_its_type(phasegate: Phasegate, marked: Stage) -> None:
    index = send(marked, topic="audits")
    sent = phasegate("requeue", CUP, index, "--reason", "wrong topic", *NOW, "--json").data
    assert (sent["record"]["topic"], sent["record"]["verdict"]) == ("scores", "accepted")


def test_what_would_be_refused_again_is_not_sent_unless_it_is_asked_for(phasegate: Phasegate, marked: Stage) -> None:
    index = send(marked, data={"value": 30})
    size = marked.parts.ledger.heads()[0].size
    told = phasegate("requeue", CUP, index, *WHY, *NOW, "--json")
    assert (told.code, told.data["sent"], told.data["would_be"]["reason"]) == (6, False, "schema-invalid")
    assert marked.parts.ledger.heads()[0].size == size
    anyway = phasegate("requeue", CUP, index, *WHY, *NOW, "--anyway", "--json")
    assert (anyway.code, anyway.data["record"]["reason"]) == (6, "schema-invalid")
    again = anyway.data["record"]["index"]
    assert f"refused {CUP} {again}" in phasegate("refused", CUP, index, "--json").data["next"]
    assert phasegate("refused", CUP, "--json").data["groups"][0]["example"] == again
    assert phasegate("requeue", CUP, again, *WHY, *NOW, "--anyway", "--json").data["record"]["index"] > again
    assert replayed(phasegate)


def test_a_dry_run_says_the_verdict_and_sends_nothing(phasegate: Phasegate, marked: Stage, tmp_path: Path) -> None:
    index = send(marked, data={"value": 30})
    size = marked.parts.ledger.heads()[0].size
    (tmp_path / "m.json").write_bytes(record_of(MARK).value or b"")
    told = phasegate("requeue", CUP, index, "--value", tmp_path / "m.json", *WHY, "--dry-run", "--json")
    assert (told.code, told.data["would_be"]["verdict"], told.data["sent"]) == (0, "accepted", False)
    assert marked.parts.ledger.heads()[0].size == size


def test_on_the_brokers_time_it_is_received_when_it_comes(
    phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite").items():
        monkeypatch.setenv(name, value)
    on = stage_on(MemoryBus("test", 4, "broker", now_ms), f"sqlite:///{tmp_path}/ledger.sqlite")
    monkeypatch.setattr("flows.wiring.open_bus", lambda _settings, _ledger: on.parts.bus)

    def record_meanwhile(_seconds: float) -> None:
        on.record()

    monkeypatch.setattr("flows.acting.Office", partial(Office, pause=record_meanwhile))
    on.tell(small.announced(clock="broker"))
    registered = record_of(small.beginnings()[-1])
    elsewhere = (registered.partition + 1) % 4
    on.send([Message("submissions", registered.key, registered.value, registered.headers, None, elsewhere)])
    on.record()
    words = ("requeue", CUP, 1, "--reason", "the partitioner was another", "--json")
    assert phasegate(*words, *NOW).code == 2
    sent = phasegate(*words)
    assert (sent.code, sent.data["record"]["verdict"]) == (0, "accepted")


def test_what_was_late_stays_late(phasegate: Phasegate, marked: Stage) -> None:
    marked.progress(small.DEADLINES["scores"] + 1)
    index = send(marked, received_ms=small.DEADLINES["scores"] + 2)
    later = ("--now", format_instant(small.DEADLINES["scores"] + DAY // 2))
    told = phasegate("requeue", CUP, index, "--reason", "please", *later, "--json")
    assert (told.code, told.data["would_be"]["reason"]) == (6, "late")
    assert "moves no deadline" in told.document["error"]["hint"]
    shown = phasegate("refused", CUP, index, "--json").data
    assert shown["then"]["deadlines"]["scores"] in shown["detail"]


def test_interrupted_between_the_act_and_the_record_it_goes_on(
    phasegate: Phasegate, marked: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = send(marked, data={"value": 30})
    (tmp_path / "m.json").write_bytes(record_of(MARK).value or b"")
    words = ("requeue", CUP, index, "--value", tmp_path / "m.json", *WHY, *NOW, "--json")
    with monkeypatch.context() as patched:
        patched.setattr("flows.acting.send_one", _stopping_at_the_second(marked))
        assert phasegate(*words).code == 1
    size = marked.parts.ledger.heads()[0].size
    assert phasegate("refused", CUP, index, "--json").data["sent_again"]["record"] is None
    (tmp_path / "other.json").write_bytes((record_of(MARK).value or b"").replace(b"a-mark", b"b-mark"))
    other = phasegate(*words[:4], tmp_path / "other.json", *WHY, *NOW, "--json")
    assert (other.code, "not as b-mark" in other.document["error"]["message"]) == (6, True)
    went_on = phasegate(*words)
    assert (went_on.code, went_on.data["record"]["verdict"]) == (0, "accepted")
    assert marked.parts.ledger.heads()[0].size == size + 1  # The act was not said again.


def _stopping_at_the_second(on: Stage) -> Any:
    from flows import acting

    real, calls = acting.send_one, []

    def send_one(*words: Any) -> Any:
        calls.append(words)
        if len(calls) > 1:
            raise RuntimeError("killed")
        return real(*words)

    return send_one


def test_what_counts_already_is_not_sent_again(phasegate: Phasegate, marked: Stage, tmp_path: Path) -> None:
    index = send(marked, data={"value": 30})
    marked.tell(MARK)
    (tmp_path / "m.json").write_bytes(record_of(MARK).value or b"")
    told = phasegate("requeue", CUP, index, "--value", tmp_path / "m.json", *WHY, *NOW, "--json")
    assert (told.code, told.data["would_be"]["verdict"], told.data["sent"]) == (6, "duplicate", False)
    (tmp_path / "n.json").write_bytes((record_of(MARK).value or b"").replace(b'"30"', b'"31"'))
    told = phasegate("requeue", CUP, index, "--value", tmp_path / "n.json", *WHY, *NOW, "--json")
    assert (told.code, told.data["would_be"]["reason"], told.data["sent"]) == (6, "id-reused", False)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"id":1,"subject":"small-cup"}', b'{"id":"x","subject":"other"}'])
def test_a_file_that_is_no_event_of_the_programme_is_not_sent(
    phasegate: Phasegate, marked: Stage, tmp_path: Path, content: bytes
) -> None:
    index = send(marked, data={"value": 30})
    (tmp_path / "m.json").write_bytes(content)
    assert phasegate("requeue", CUP, index, "--value", tmp_path / "m.json", *WHY, *NOW, "--json").code == 6


def test_bytes_that_are_no_event_need_a_corrected_one(phasegate: Phasegate, marked: Stage) -> None:
    index = send(marked, value=b"{")
    told = phasegate("requeue", CUP, index, *WHY, *NOW, "--json")
    assert (told.code, "--value FILE" in told.document["error"]["hint"]) == (6, True)
    assert phasegate("requeue", CUP, index, *WHY, *NOW, "--value-key", "k.pem").code == 2
    assert phasegate("requeue", CUP, 0, *WHY, *NOW).code == 6


def test_a_source_that_signs_signs_its_corrected_record_itself(
    phasegate: Phasegate, marked: Stage, tmp_path: Path
) -> None:
    """The office appoints; a source of its own signs, and its unsigned record was refused."""
    said = small.event("evaluator.appointed", "cy", small.OFFICE, AT, evaluator="cy", panel="jury")
    value = record_of(said).value or b""
    index = send(marked, topic="decisions", value=value)
    (tmp_path / "a.json").write_bytes(value)
    words = ("requeue", CUP, index, "--value", tmp_path / "a.json", "--reason", "it was not signed", *NOW, "--json")
    assert phasegate(*words).data["would_be"]["reason"] == "signature-missing"
    (key,) = (tmp_path / "keys").glob("office*.pem")
    assert phasegate(*words, "--value-key", key).data["record"]["verdict"] == "accepted"


def test_who_is_not_the_office_cannot_say_it(phasegate: Phasegate, marked: Stage) -> None:
    index = send(marked, partition=(record_of(MARK).partition + 1) % 4)
    told = phasegate("requeue", CUP, index, "--reason", "x", *NOW, "--as", BENCH, "--json")
    assert (told.code, "source-not-authorised" in told.out) == (6, True)
    rows = [decode_entry(row.entry) for row in marked.parts.ledger.read(CUP)]
    assert rows[-1].reason == "source-not-authorised"
