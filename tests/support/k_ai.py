"""The K-AI example played once, for everything that only reads what came of it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.support.scenarios import memory, play_scenario

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026"
PROGRAMME = "k-ai-2026"


@cache
def played() -> Path:
    """The ledger, in SQLite, of one play in this process. Nobody may write to it."""
    folder = Path(tempfile.mkdtemp(prefix="phasegate-k-ai-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ledger = folder / "ledger.sqlite"
    play_scenario(EXAMPLE, memory(), f"sqlite:///{ledger}")
    return ledger
