"""Setting up a machine: keys, configuration, the ledger's tables, the local broker, and what the doctor says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console import health, health_machine
from console.commands import doctor
from console.health import Finding
from console.main import main
from events.errors import Unavailable
from events.note import parse_vkey
from infra.kafka.broker import down, up
from infra.kafka.bus import KafkaBus
from infra.settings import Settings, remember
from tests.conftest import required
from tests.console.conftest import Phasegate

# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_new_key_shows_its_public_half_and_is_its_owners_alone(phasegate: Phasegate) -> None:
    answer = phasegate("keys", "new", "office", "--json")
    path = Path(answer.data["file"])
    assert path == Path(".phasegate/keys/office.pem")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    vkey = parse_vkey(answer.data["vkey"])
    assert answer.data["kid"] == f"office+{vkey.key_id.hex()}"
    assert "PRIVATE" not in answer.out + answer.err


def test_a_key_is_never_overwritten(phasegate: Phasegate) -> None:
    phasegate("keys", "new", "office")
    before = Path(".phasegate/keys/office.pem").read_bytes()
    answer = phasegate("keys", "new", "office", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (6, "refused")
    assert Path(".phasegate/keys/office.pem").read_bytes() == before


@pytest.mark.parametrize("name", ["has space", "has+plus", "../up", ".hidden", ""])
def test_a_name_that_is_no_key_name_is_refused(phasegate: Phasegate, name: str) -> None:
    assert phasegate("keys", "new", name).code == 6
    assert list(Path().rglob("*.pem")) == []


def test_keys_are_listed_by_name(phasegate: Phasegate) -> None:
    assert phasegate("keys", "list", "--json").data == {"keys": []}
    made = [phasegate("keys", "new", name, "--json").data for name in ("log", "example.org/auditor", "office")]
    listed = phasegate("keys", "list", "--json").data["keys"]
    assert listed == sorted(made, key=lambda key: str(key["file"]))
    assert made[0]["vkey"] in phasegate("keys", "list").out


# --- config, db, version ----------------------------------------------------------------------------------------------


def test_config_shows_each_value_with_its_source(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEGATE_PARTITIONS", "3")
    remember(Path(".phasegate"), prefix="run")
    shown = phasegate("config", "--database", "sqlite:///x", "--json").data["settings"]
    assert set(shown) == set(Settings.model_fields)
    assert shown["database"] == {"value": "sqlite:///x", "source": "option", "variable": "PHASEGATE_DATABASE"}
    assert (shown["partitions"]["value"], shown["partitions"]["source"]) == (3, "environment")
    assert (shown["prefix"]["value"], shown["prefix"]["source"]) == ("run", "current run")
    assert (shown["java"]["value"], shown["java"]["source"]) == (None, "default")
    assert "current run" in phasegate("config").out


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@host/name", "postgresql://host/name?user=me&password=hunter2", "hunter2@@@"]
)
def test_config_shows_no_password(phasegate: Phasegate, url: str) -> None:
    for words in ((), ("--json",)):
        assert "hunter2" not in phasegate("config", "--database", url, *words).out


def test_db_upgrade_makes_the_tables_and_may_be_repeated(phasegate: Phasegate) -> None:
    assert phasegate("db", "upgrade").code == 0
    assert Path(".phasegate/ledger.sqlite").is_file()
    answer = phasegate("db", "upgrade", "--json")
    assert answer.data["database"] == "sqlite:///.phasegate/ledger.sqlite"
    assert answer.data["from"] == answer.data["to"]


def test_a_database_that_cannot_hold_a_ledger_is_refused(phasegate: Phasegate) -> None:
    assert phasegate("db", "upgrade", "--database", "mysql://host/name").code == 6
    assert phasegate("db", "upgrade", "--database", "postgresql://127.0.0.1:1/none").code == 7


def test_version_names_the_parts(phasegate: Phasegate) -> None:
    assert {"phasegate", "python", "prefect", "kafka-python"} <= set(phasegate("version", "--json").data["versions"])


@pytest.mark.parametrize(
    "words", [("version",), ("config",), ("keys", "list"), ("doctor",), ("kafka", "status"), ("kafka", "down")]
)
def test_a_command_that_asks_creates_nothing(phasegate: Phasegate, words: tuple[str, ...], tmp_path: Path) -> None:
    phasegate(*words)
    assert list(tmp_path.iterdir()) == []


# --- doctor -----------------------------------------------------------------------------------------------------------


def checks(phasegate: Phasegate, *words: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in phasegate("doctor", "--json", *words).data["checks"]}


def test_the_doctor_of_an_empty_home_says_what_to_do(phasegate: Phasegate) -> None:
    answer = phasegate("doctor", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (7, "unavailable")
    found = checks(phasegate)
    assert list(found) == list(doctor.CHECKS)
    assert {check["state"] for check in found.values()} <= {"ok", "warning", "failed"}
    todo = {name: check["todo"] for name, check in found.items() if check["state"] == "failed"}
    assert todo["broker"] == "phasegate kafka up"
    assert todo["database"] == "phasegate db upgrade"
    assert todo["office key"] == "phasegate keys new office"
    assert (found["python"]["state"], found["packages"]["state"]) == ("ok", "ok")


def test_the_doctor_sees_a_key_that_others_can_read(phasegate: Phasegate) -> None:
    phasegate("keys", "new", "log")
    assert checks(phasegate)["log key"]["state"] == "ok"
    Path(".phasegate/keys/log.pem").chmod(0o644)
    found = checks(phasegate)["log key"]
    assert found["state"] == "failed"
    assert "0644" in found["found"]
    assert "chmod 600" in found["todo"]


def test_the_doctor_sees_a_full_disk(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_machine, "NO_DISK", 10**18)
    assert checks(phasegate)["disk"]["state"] == "failed"
    monkeypatch.setattr(health_machine, "NO_DISK", 0)
    monkeypatch.setattr(health_machine, "LOW_DISK", 10**18)
    assert checks(phasegate)["disk"]["state"] == "warning"


def test_a_cluster_that_does_not_answer_is_named(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEGATE_KAFKA", "127.0.0.1:1")
    found = checks(phasegate)["broker"]
    assert found["state"] == "failed"
    assert "127.0.0.1:1" in found["found"]
    assert phasegate("kafka", "status", "--json").document["data"]["answering"] == []


def test_a_check_that_breaks_does_not_silence_the_others() -> None:
    def breaks() -> Finding:
        raise ZeroDivisionError("division")

    def unavailable() -> Finding:
        raise Unavailable("gone", hint="fetch it")

    assert health.examine("x", breaks).state == "failed"
    assert health.examine("x", unavailable) == Finding("x", "failed", "gone", "fetch it")


# --- the local broker -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose broker could be started, stopped again whatever happens."""
    folder = tmp_path_factory.mktemp("deployment") / ".phasegate"
    required("Kafka", lambda: up(folder / "kafka"))
    try:
        yield folder
    finally:
        down(folder / "kafka")


@pytest.mark.kafka
def test_the_broker_comes_up_is_seen_and_goes_down(phasegate: Phasegate, home: Path) -> None:
    first = phasegate("kafka", "up", "--home", home, "--json").data
    assert first["running"] is True
    assert phasegate("kafka", "up", "--home", home, "--json").data["pid"] == first["pid"]
    assert first["bootstrap"] in phasegate("kafka", "status", "--home", home).out
    assert phasegate("kafka", "down", "--home", home, "--json").data["stopped"] is True
    assert phasegate("kafka", "down", "--home", home, "--json").data["stopped"] is False
    assert phasegate("kafka", "status", "--home", home).code == 7


@pytest.mark.kafka
def test_the_doctor_reads_the_topics_back(phasegate: Phasegate, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap = phasegate("kafka", "up", "--home", home, "--json").data["bootstrap"]
    monkeypatch.setenv("PHASEGATE_PARTITIONS", "3")
    assert checks(phasegate, "--home", str(home))["topics"]["state"] == "warning"
    bus = KafkaBus(bootstrap, partitions=3)
    bus.ensure_topics()
    bus.close()
    for words in (("db", "upgrade"), ("keys", "new", "office"), ("keys", "new", "log")):
        assert phasegate(*words, "--home", home).code == 0
    answer = phasegate("doctor", "--home", home)
    assert answer.code == 0, answer.out
    assert "FAILED" not in answer.out
    monkeypatch.setenv("PHASEGATE_PARTITIONS", "6")
    found = checks(phasegate, "--home", str(home))["topics"]
    assert found["state"] == "failed"
    assert "partitions is 3" in found["found"]
    assert "not 6" in found["found"]


def test_the_home_of_a_broker_may_be_named_by_the_environment(
    phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PHASEGATE_HOME", str(tmp_path / "there"))
    assert str(tmp_path / "there") in phasegate("kafka", "status", "--json").document["error"]["message"]
    assert main(["version", "-q"]) == 0
    assert os.environ["PHASEGATE_HOME"] == str(tmp_path / "there")
