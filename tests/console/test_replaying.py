"""`replay`: what was recorded comes out again from public keys alone; what was not, is named."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from events.envelope import Envelope
from handlers import decide
from tests.console.conftest import Phasegate
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, memory_stage, play

ROOT = Path(__file__).resolve().parents[2]


def played(home: Path) -> str:
    """A ledger of the small programme; its address."""
    stage = memory_stage(home)
    play(stage)
    stage.recorder.settle_up()
    stage.parts.ledger.close()
    return f"sqlite:///{home}/ledger.sqlite"


@pytest.fixture
def ledger(tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> str:
    """The small programme in a ledger that an auditor reads: there are no key files, only vkeys in the settings."""
    for name, value in auditor(tmp_path, url := played(tmp_path)).items():
        monkeypatch.setenv(name, value)
    return url


def auditor(home: Path, url: str) -> dict[str, str]:
    return {
        "PHASEGATE_HOME": str(home / "auditor"),
        "PHASEGATE_DATABASE": url,
        "PHASEGATE_OFFICE_VKEYS": OFFICE_KEY.vkey,
        "PHASEGATE_LOG_VKEYS": LOG_KEY.vkey,
    }


def tallies(data: Mapping[str, Any]) -> tuple[int, int, int]:
    """Verdicts and decisions checked, and what came out differently."""
    verdicts, decisions = data["verdicts"], data["decisions"]
    return verdicts["checked"], decisions["checked"], verdicts["different"] + decisions["different"]


def test_everything_comes_out_again_from_public_keys_alone(phasegate: Phasegate, ledger: str) -> None:
    answer = phasegate("replay", "small-cup", "--json")
    assert (answer.code, answer.document["warnings"]) == (0, [])
    assert answer.document["schema"] == "phasegate/replay/v1"
    assert tallies(answer.data) == (59, 29, 0)
    assert answer.data["first_difference"] is None
    checkpoint = answer.data["checkpoint"]
    assert (checkpoint["size"], checkpoint["root"]) == (59, answer.data["root"])
    assert checkpoint["verified"] is True
    shown = phasegate("replay", "small").out
    assert "decisions   29 checked, 29 identical, 0 different" in shown
    assert len(shown.splitlines()) <= 6


def test_key_files_serve_by_their_public_half(
    phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(tmp_path, played(tmp_path)).items():
        monkeypatch.setenv(name, value)
    answer = phasegate("replay", "small-cup", "--json")
    assert (answer.code, answer.data["checkpoint"]["verified"]) == (0, True)


@pytest.mark.parametrize("at", ["1", "40", "58", "2030-01-11T00:00:00.001Z", "2040-01-01T00:00:00Z"])
def test_any_prefix_can_be_replayed(phasegate: Phasegate, ledger: str, at: str) -> None:
    answer = phasegate("replay", "small-cup", "--at", at, "--json")
    assert answer.code == 0, answer.out
    checked, _, different = tallies(answer.data)
    assert (checked, different) == (answer.data["size"], 0)
    assert answer.data["size"] >= int(at if at.isdigit() else 1)
    assert answer.data["checkpoint"] is None or answer.data["checkpoint"]["size"] <= answer.data["size"]


def test_a_prefix_that_ends_before_a_settlement_is_replayed_with_it(phasegate: Phasegate, ledger: str) -> None:
    """A record and what it settles are judged together; half of it would look like something that is missing."""
    rows = phasegate("log", "small-cup", "--json").data["entries"]
    settlements = [row["index"] for row in rows if row["of"] is not None]
    assert settlements
    for index in settlements:
        answer = phasegate("replay", "small-cup", "--at", index, "--json")
        assert (answer.code, tallies(answer.data)[2]) == (0, 0)
        assert answer.data["size"] > index


def test_without_the_key_of_the_log_checkpoints_are_said_to_be_unverified(
    phasegate: Phasegate, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHASEGATE_LOG_VKEYS")
    answer = phasegate("replay", "small-cup", "--json")
    assert (answer.code, answer.data["checkpoint"]["verified"]) == (0, False)
    assert "not verified" in answer.document["warnings"][0]
    assert "not verified" in phasegate("replay", "small-cup").out


def test_another_key_of_the_log_verifies_nothing(
    phasegate: Phasegate, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASEGATE_LOG_VKEYS", OFFICE_KEY.vkey)
    answer = phasegate("replay", "small-cup", "--json")
    assert (answer.code, answer.document["error"]["details"]["table"]) == (3, "checkpoints")


def test_without_a_key_of_the_office_nothing_can_be_judged(
    phasegate: Phasegate, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHASEGATE_OFFICE_VKEYS")
    answer = phasegate("replay", "small-cup")
    assert answer.code == 7
    assert "PHASEGATE_OFFICE_VKEYS" in answer.err


def test_under_another_key_of_the_office_the_first_verdict_differs(
    phasegate: Phasegate, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASEGATE_OFFICE_VKEYS", LOG_KEY.vkey)
    answer = phasegate("replay", "small-cup", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (4, "replay-differs")
    first = answer.data["first_difference"]
    assert (first["member"], first["recorded"], first["replayed"]) == ("verdict", "accepted", "refused")
    assert f"first entry {first['index']}" in answer.document["error"]["message"]


def test_a_decision_that_does_not_follow_is_named_with_both_values(
    phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole log is consistent, signed, and judged as it was: only deciding again shows that it was decided wrongly."""

    def without_vacancies(*given: Any) -> list[tuple[str, Envelope]]:
        *assessments, (topic, said) = truly(*given)
        return [*assessments, (topic, replace(said, data={**said.data, "vacancies": 0}))]

    truly = decide.phase_decided
    with monkeypatch.context() as patch:
        patch.setattr(decide, "phase_decided", without_vacancies)
        url = played(tmp_path)
    for name, value in auditor(tmp_path, url).items():
        monkeypatch.setenv(name, value)
    answer = phasegate("replay", "small-cup", "--json")
    assert (answer.code, tallies(answer.data)) == (4, (59, 29, 1))
    first = answer.data["first_difference"]
    assert first["what"].startswith("phasegate.phase.decided.v1 ")
    assert (first["member"], first["recorded"], first["replayed"]) == ("data.vacancies", "0", "1")
    assert f"phasegate log small-cup {first['index']}" in phasegate("replay", "small-cup").err


def test_a_changed_byte_is_named_by_table_row_column_and_both_values(
    phasegate: Phasegate, ledger: str, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database, database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        change = 'UPDATE entries SET entry = CAST(replace(entry, ?, ?) AS BLOB) WHERE "index" = 20'
        database.execute(change, (b'"offset":', b'"offset":9'))
    answer = phasegate("replay", "small-cup", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (3, "tampered")
    details = answer.document["error"]["details"]
    assert (details["table"], details["key"], details["column"]) == ("entries", "small-cup[20]", "offset")
    assert f"9{details['found']}" == details["expected"]
    assert len(details["faults"]) > 1


@pytest.mark.parametrize("change", ["UPDATE logs SET programme = 'other'", "DELETE FROM logs"])
def test_a_log_that_was_made_away_with_is_no_missing_log(
    phasegate: Phasegate, ledger: str, tmp_path: Path, change: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database, database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(change)
    assert phasegate("replay", "small-cup").code == 3


def test_a_log_that_is_not_there_is_told_with_those_that_are(phasegate: Phasegate, ledger: str) -> None:
    answer = phasegate("replay", "big-cup")
    assert answer.code == 5
    assert "small-cup" in answer.err
    assert phasegate("replay", "small-cup", "--at", "60").code == 5


def test_replay_brings_in_neither_kafka_nor_prefect(tmp_path: Path) -> None:
    script = "import sys; from console.main import main; code = main(sys.argv[1:]); print(); print(code, *sys.modules)"
    settings = {**environment(tmp_path, played(tmp_path)), **auditor(tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite")}
    command = [sys.executable, "-c", script, "replay", "small-cup", "--json"]
    run = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=True)
    code, *modules = run.stdout.splitlines()[-1].split()
    assert code == "0"
    assert json.loads(run.stdout[: run.stdout.rindex("\n\n")])["data"]["verdicts"]["different"] == 0
    assert {"prefect", "kafka"} & {name.split(".")[0] for name in modules} == set()
