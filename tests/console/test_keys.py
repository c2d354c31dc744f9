"""`keys rotate` and `keys revoke` against a real broker: said on every topic, seen recorded, and in force from then on."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from events.record import TOPICS
from events.values import format_instant, parse_instant
from infra.keys import load_key, new_key
from tests.console.conftest import Answer, Phasegate
from tests.console.test_sending import appointment, file_of, recorded, rulebook_file, unreached
from tests.support import small

__all__ = ["recorded", "unreached"]

pytestmark = pytest.mark.kafka


def verdicts(answer: Answer) -> list[str]:
    return [row["verdict"] for row in answer.data["entries"]]


def test_the_offices_key_is_rotated_on_every_topic_and_then_revoked(
    recorded: None, phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert phasegate("announce", str(rulebook_file(tmp_path))).code == 0
    old, new = tmp_path / "keys" / "office.phasegate.example.pem", tmp_path / "keys" / "office-2.pem"
    vkey = new_key(tmp_path / "keys", "office-2").vkey
    start = format_instant(int(time.time() * 1000) + 2500)
    rotate = ("keys", "rotate", small.PROGRAMME[:5], "office-2", "--from", start, "--reason", "yearly")
    told = phasegate(*rotate, "--json")
    assert [row["topic"] for row in told.data["entries"]] == list(TOPICS)
    assert verdicts(told) == ["accepted"] * 4
    assert (told.data["key"], told.data["from"]) == (vkey, start)
    assert verdicts(phasegate(*rotate, "--json")) == ["duplicate"] * 4
    time.sleep(max(0.0, (parse_instant(start) + 200) / 1000 - time.time()))

    lines = str(file_of(tmp_path, appointment(1)))
    refused = phasegate("publish", lines, "--wait", "--key", str(old))
    assert refused.code == 6
    assert "signature-invalid" in refused.out
    assert phasegate("publish", lines, "--wait", "--key", str(new)).code == 0

    monkeypatch.setenv("PHASEGATE_OFFICE_KEY", str(new))
    monkeypatch.setenv("PHASEGATE_OFFICE_VKEYS", load_key(old).vkey)
    revoke = ("keys", "revoke", small.PROGRAMME, load_key(old).vkey, "--reason", "destroyed")
    assert verdicts(phasegate(*revoke, "--json")) == ["accepted"] * 4
    replayed = json.loads(phasegate("replay", small.PROGRAMME, "--json").out)["data"]
    assert replayed["verdicts"] == {"checked": 1 + 2 * 4 + 2 + 4, "identical": 15, "different": 0, "unchecked": 0}


def test_what_cannot_be_is_refused_before_anything_is_sent(unreached: None, phasegate: Phasegate) -> None:
    rotate = ("keys", "rotate", small.PROGRAMME)
    assert phasegate(*rotate, "nobody", "--reason", "x").code == 5
    assert phasegate(*rotate, "a+b+c", "--reason", "x").code == 6
    assert phasegate(*rotate, "office").code == 2
    assert phasegate(*rotate, "office.phasegate.example", "--reason", "x", "--from", "tomorrow").code == 2
    assert phasegate(*rotate, "office.phasegate.example", "--reason", "x", "--log", "--source", "urn:a").code == 2
