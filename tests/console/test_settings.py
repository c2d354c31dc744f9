"""Settings: where each value comes from, and that reading them leaves no trace."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pydantic
import pytest

from infra.settings import CURRENT, SettingInvalid, Settings, read_current, remember, sources, unknown_variables


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PHASEGATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_follow_the_home() -> None:
    settings = Settings.load(home=Path("elsewhere"))
    assert settings.database == "sqlite:///elsewhere/ledger.sqlite"
    assert settings.office_key == Path("elsewhere/keys/office.pem")
    assert settings.log_key == Path("elsewhere/keys/log.pem")


def test_an_absolute_home_gives_an_absolute_database(tmp_path: Path) -> None:
    assert Settings.load(home=tmp_path).database == f"sqlite:///{tmp_path}/ledger.sqlite"


def test_loading_creates_nothing(tmp_path: Path) -> None:
    Settings.load()
    Settings.load(home=tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_an_option_is_before_the_environment_before_the_current_run_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sources(Settings.load())["prefix"] == "default"
    remember(Path(".phasegate"), prefix="run", database="sqlite:///run", origin="run.example")
    monkeypatch.setenv("PHASEGATE_PREFIX", "env")
    monkeypatch.setenv("PHASEGATE_DATABASE", "sqlite:///env")
    settings = Settings.load(database="sqlite:///option")
    assert (settings.database, settings.prefix, settings.origin) == ("sqlite:///option", "env", "run.example")
    found = sources(settings)
    assert [found[name] for name in ("database", "prefix", "origin", "partitions")] == [
        "option",
        "environment",
        "current run",
        "default",
    ]
    assert set(found) == set(Settings.model_fields)


def test_the_current_run_is_that_of_the_home_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(Path("one"), prefix="one")
    remember(Path("two"), prefix="two")
    assert Settings.load(home=Path("one")).prefix == "one"
    monkeypatch.setenv("PHASEGATE_HOME", "two")
    assert Settings.load().prefix == "two"


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEGATE_PREFIX", "")
    assert Settings.load().prefix == "phasegate"
    assert sources(Settings.load())["prefix"] == "default"


def test_office_vkeys_are_separated_by_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEGATE_OFFICE_VKEYS", "a+1+x  b+2+y")
    assert Settings.load().office_vkeys == ("a+1+x", "b+2+y")


def test_a_dot_env_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PHASEGATE_PREFIX=hidden\n")
    assert Settings.load().prefix == "phasegate"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Settings.load().prefix = "other"  # type: ignore[misc]  # that is the test


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARTITIONS", "many"),
        ("PARTITIONS", "0"),
        ("KAFKA", "no-port"),
        ("KAFKA", "a:1,b"),
        ("PREFIX", "has.dot"),
        ("ORIGIN", "has space"),
        ("ORIGIN", "has+plus"),
    ],
)
def test_an_unusable_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PHASEGATE_{name}", value)
    with pytest.raises(SettingInvalid, match=f"PHASEGATE_{name}.*{value.replace('+', '.')}"):
        Settings.load()


@pytest.mark.parametrize("value", ["host:9092", "a:1,b:2", "[::1]:9092"])
def test_bootstrap_servers_are_hosts_with_ports(value: str) -> None:
    assert Settings.load(kafka=value).kafka == value


@pytest.mark.parametrize("text", ["", "[]", "{", '{"home": "x"}', '{"unheard": "of"}', '{"java": "x"}'])
def test_a_current_run_that_no_run_wrote_is_refused(text: str) -> None:
    Path(".phasegate").mkdir()
    (Path(".phasegate") / CURRENT).write_text(text)
    with pytest.raises(SettingInvalid, match=r"current\.json"):
        Settings.load()


def test_what_is_remembered_is_read_again_and_replaced_whole() -> None:
    home = Path(".phasegate")
    remember(home, prefix="first", origin="first.example")
    remember(home, prefix="second", office_key=Path("k.pem"), office_vkeys=["v"])
    assert read_current(home) == {"prefix": "second", "office_key": "k.pem", "office_vkeys": ["v"]}
    assert Settings.load().office_vkeys == ("v",)
    assert [path.name for path in home.iterdir()] == [CURRENT]
    assert json.loads((home / CURRENT).read_text())["office_key"] == "k.pem"


def test_a_run_leaves_nothing_of_the_machine_behind() -> None:
    with pytest.raises(SettingInvalid, match="java"):
        remember(Path(".phasegate"), java="elsewhere")


def test_a_slip_of_the_pen_in_a_variable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEGATE_DATABSE", "x")
    assert unknown_variables() == ["PHASEGATE_DATABSE"]
