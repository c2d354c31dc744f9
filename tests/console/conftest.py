"""The command line, called as a person would, with nothing of this machine in its settings."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.main import main


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
