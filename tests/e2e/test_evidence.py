"""K-AI 2026 as an auditor gets it: exported whole, verified from the bundle alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def phasegate(home: Path, *words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "console", *map(str, words), "--json", "--home", str(home)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    data: dict[str, Any] = json.loads(answer.stdout)["data"]
    return data


def test_k_ai_is_exported_whole_and_verified_to_the_last_decision(tmp_path: Path) -> None:
    home = tmp_path / "home"
    played = phasegate(home, "run", "examples/k-ai-2026", "--bus", "memory")
    replayed = phasegate(home, "replay", "k-ai-2026")
    early = phasegate(home, "checkpoint", "k-ai-2026")
    (tmp_path / "old").write_text(early["note"])
    for extra, place in (((), "bundle"), (("--zip",), "bundle.zip")):
        exported = phasegate(home, "export", "k-ai-2026", "--out", tmp_path / place, *extra)
        assert exported["size"] == played["size"]
        auditor = tmp_path / "auditor"  # an empty home: the bundle and a key are all there is
        words = ("verify", exported["path"], "--vkey", exported["vkey"], "--since", tmp_path / "old")
        checked = phasegate(auditor, *words)["checked"]
        assert checked["entries"] == checked["verdicts"] == replayed["verdicts"]["checked"]
        assert checked["decisions"] == replayed["decisions"]["checked"] > 20
        assert checked["attributions"] >= 1
        assert not auditor.exists()
