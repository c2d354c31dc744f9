"""The formats, checked by public Go modules that know nothing of phasegate: `golang.org/x/mod/sumdb/{note,tlog}`.

Where Go or the module cannot be had the test is skipped, and says so; in CI a Go that is there must work.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from events.note import format_vkey
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.contracts.ledger import Writing
from tests.support.bundles import export_to, key_of
from tests.support.stage import LOG_KEY

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent / "go" / "check.go"
MODULE = "golang.org/x/mod@v0.17.0"
Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """The Go program, built in a temporary folder."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("NOT CHECKED INDEPENDENTLY: there is no Go on this machine")
    folder = tmp_path_factory.mktemp("go")
    (folder / "go.mod").write_text("module check\n\ngo 1.21\n")
    shutil.copy(SOURCE, folder)
    for words in ((go, "get", MODULE), (go, "build", "-o", "check", ".")):
        run = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
        if run.returncode and words[1] == "get" and not os.environ.get("CI"):
            pytest.skip(f"NOT CHECKED INDEPENDENTLY: {MODULE} cannot be had: {run.stderr[-300:]}")
        assert run.returncode == 0, run.stderr

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "check"), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return call


def log_of(size: int, folder: Path, old: int = 0, value: bytes = b"{}") -> tuple[Path, Path]:
    """A bundle of a log of this size, and a checkpoint that was signed at an older one."""
    upgrade(url := f"sqlite:///{folder}/l.sqlite")
    log, note = Writing("p"), folder / "old"
    with Ledger.open(url) as ledger:
        for count in filter(None, (old, size - old)):
            ledger.append(log.batch(*[log.first(value=value) for _ in range(count)]))
            ledger.sign("p", LOG_KEY)
        note.write_bytes(ledger.checkpoints("p")[0].note)
        return export_to(ledger, folder / "b", 4, "p"), note


@pytest.mark.parametrize(("size", "old"), [(1, 0), (255, 3), (256, 255), (257, 256), (70_000, 65_537)])
def test_public_go_modules_accept_checkpoint_tiles_entries_and_consistency(
    check: Check, tmp_path: Path, size: int, old: int
) -> None:
    bundle, note = log_of(size, tmp_path, old)
    run = check(bundle, format_vkey(key_of("p")), note)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"{size} entries")


def test_public_go_modules_refuse_what_was_changed(check: Check, tmp_path: Path) -> None:
    bundle, note = log_of(300, tmp_path, 20)
    vkey = format_vkey(key_of("p"))
    changes = [("tile/entries/000", 40), ("tile/0/000", 40), ("tile/0/001.p/44", 3), ("checkpoint", 30)]
    for path, at in changes:
        data = (bundle / path).read_bytes()
        (bundle / path).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert check(bundle, vkey, note).returncode == 3, path
        (bundle / path).write_bytes(data)
    assert check(bundle, vkey, note).returncode == 0
    (tmp_path / "other").mkdir()
    _, fork = log_of(30, tmp_path / "other", 10, b"[]")
    run = check(bundle, vkey, fork)
    assert (run.returncode, "does not extend" in run.stderr) == (3, True)
