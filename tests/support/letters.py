"""The letters that docs/letters shows: NC AI's of K-AI, phase 1, an hour after it was signed. `python -m tests.support.letters`
writes them.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from console.main import main
from console.telling.writing import LANGUAGES
from tests.support.deployment import environment
from tests.support.scenarios import memory, play_scenario
from tests.support.stage import LOG_KEY, ORIGIN

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "k-ai-2026"
SHOWN = ROOT / "docs" / "letters"
WORDS = (
    *("explain", "k-ai-2026", "nc-ai", "--phase", "phase-1", "--letter"),
    *("--at", "2026-01-15T07:00:00Z", "--scenario", str(EXAMPLE)),
)
FORMATS = ("md", "html")
_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_ROW = re.compile(r"^(\| |<tr><td>)\d+(?= \| [^|]*\d\d:\d\d|</td><td>[^<]*\d\d:\d\d)", re.MULTILINE)
_ENTRY = re.compile(r"(?<![0-9A-Za-z.,:-])\d{3,4}(?![0-9A-Za-z]|[.,]\d)")


def played(folder: Path) -> str:
    """The whole of K-AI in a ledger of its own, with a checkpoint over it; the URL."""
    url = f"sqlite:///{folder}/ledger.sqlite"
    play_scenario(EXAMPLE, memory(), url)
    return url


def comparable(text: str) -> str:
    """Without what differs from run to run: roots, since salts are drawn anew, and places in the log, since nothing says in
    which order a recorder reads the topics. Whole numbers of three or four digits are taken for places.
    """
    return _ENTRY.sub("…", _ROW.sub(r"\1…", _HASH.sub("…", text)))


def write() -> None:
    """Plays and writes all of them."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ.update(environment(folder, played(folder)))
        assert main(["checkpoint", "k-ai-2026"]) == 0
        SHOWN.mkdir(exist_ok=True)
        for lang in LANGUAGES:
            for form in FORMATS:
                name = f"nc-ai-phase-1.{lang}.{form}"
                assert main([*WORDS, "--lang", lang, "--format", form, "--out", made]) == 0
                _keep(SHOWN / name, (folder / name).read_text(encoding="utf-8"))


def _keep(path: Path, text: str) -> None:
    """Writes a letter that says something else than the one that is there."""
    if not path.exists() or comparable(path.read_text(encoding="utf-8")) != comparable(text):
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    assert f"{ORIGIN}/k-ai-2026" == LOG_KEY.named(f"{ORIGIN}/k-ai-2026").verifier.name
    write()
    sys.exit(0)
