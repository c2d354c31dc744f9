"""The command line, called as a person would, with nothing of this machine in its settings."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from console.main import main
from flows.office import Office
from tests.infra.conftest import postgres_database, postgres_url
from tests.support import long_cup, long_told, small
from tests.support.deployment import environment
from tests.support.long_cup import TEAMS, day, instant
from tests.support.stage import Stage, memory_stage

__all__ = ["postgres_database", "postgres_url"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document, whose form every test that reads it checks again."""
        document: dict[str, Any] = json.loads(self.out)
        assert set(document) <= {"schema", "ok", "data", "error", "warnings"}
        assert document["schema"].startswith("phasegate/")
        assert document["schema"].endswith("/v1")
        assert document["ok"] is (self.code == 0)
        assert isinstance(document["warnings"], list)
        if not document["ok"]:
            assert set(document["error"]) == {"code", "message", "details", "hint"}
        assert self.out == json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        return document

    @property
    def data(self) -> Any:
        return self.document["data"]


Phasegate = Callable[..., Answer]


@pytest.fixture
def phasegate(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Phasegate:
    """Calls `main` in an empty folder, in this process."""
    for name in [name for name in os.environ if name.startswith("PHASEGATE_") and name != "PHASEGATE_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("traces")))

    def call(*words: object) -> Answer:
        capfd.readouterr()
        code = main([str(word) for word in words])
        streams = capfd.readouterr()
        return Answer(code, streams.out, streams.err)

    return call


def acted_rules() -> dict[str, Any]:
    """The long cup, where voiding a mark takes a second person and nothing is awarded by itself."""
    return long_cup.rulebook(heat={"approvals": {"score.voided": "minister"}, "awards": None})


@pytest.fixture
def stage(tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A ledger that the command line finds, over a bus in this process; while a command waits, the recorder works."""
    for name, value in environment(tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite").items():
        monkeypatch.setenv(name, value)
    stage = memory_stage(tmp_path)
    monkeypatch.setattr("flows.wiring.open_bus", lambda _settings, _ledger: stage.parts.bus)

    def record_meanwhile(_seconds: float) -> None:
        stage.record()

    monkeypatch.setattr("flows.acting.Office", partial(Office, pause=record_meanwhile))
    return stage


@pytest.fixture
def calling(phasegate: Phasegate) -> Callable[..., Answer]:
    """A command at a day of the long cup: `calling(5, "withdraw entrant", "ash", …)`."""

    def call(at: float, command: str, *words: str) -> Answer:
        return phasegate(*command.split(), small.PROGRAMME, *words, "--now", instant(at), "--json")

    return call


@pytest.fixture
def begun(stage: Stage) -> Stage:
    stage.tell(long_cup.announced(acted_rules()), *long_told.beginnings())
    stage.progress(day(0) + 1)
    return stage


@pytest.fixture
def decided(begun: Stage) -> Stage:
    """The heat: ash and birch advance, cedar is behind birch by 15 points."""
    begun.tell(*(long_told.submitted(team, 5) for team in TEAMS))
    begun.progress(day(10) + 1)
    begun.tell(*long_told.marks("heat", TEAMS, 15))
    begun.progress(day(21) + 1)
    return begun
