"""What the doctor finds, each caused for real: clocks that differ, a log that nobody signs, a disk that is full."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console import health_clocks
from console.health import Finding
from infra import clock
from infra.kafka.broker import TemporaryBroker
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from infra.settings import Settings
from tests.console.conftest import Phasegate
from tests.infra.conftest import postgres_database, postgres_url
from tests.support import small
from tests.support.stage import Stage
from tests.support.stage import stage as stage_of

__all__ = ["postgres_database", "postgres_url"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets this machine's clock off by so many milliseconds, for the doctor. It is ours that is moved: the broker's and the
    database's are the kernel's, and two of them on one machine cannot differ. What is compared is the same.
    """
    real = clock.now_ms

    def moved(by_ms: int) -> None:
        monkeypatch.setattr(clock, "now_ms", lambda: real() + by_ms)

    return moved


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.kafka
def test_a_cluster_whose_clock_differs_is_found_on_either_side_and_nothing_is_written(
    kafka: TemporaryBroker, ours: Callable[[int], None], phasegate: Phasegate
) -> None:
    settings = Settings.load().model_copy(update={"kafka": kafka.bootstrap})
    found = health_clocks.cluster_clock(settings)
    assert found.state == "ok", found
    ours(60_000)
    behind = health_clocks.cluster_clock(settings)
    assert (behind.state, "s behind ours" in behind.found) == ("failed", True), behind
    ours(-60_000)
    ahead = health_clocks.cluster_clock(settings)
    assert (ahead.state, "s ahead of ours" in ahead.found) == ("failed", True), ahead


@pytest.mark.postgres
def test_a_database_whose_clock_differs_is_found(postgres_database: str, ours: Callable[[int], None]) -> None:
    upgrade(postgres_database)
    settings = Settings.load(database=postgres_database)
    assert health_clocks.database_clock(settings).state == "ok"
    ours(60_000)
    found = health_clocks.database_clock(settings)
    assert found == Finding("db clock", "failed", found.found, health_clocks.SET_THEM)
    assert "behind ours" in found.found


def test_a_file_has_no_clock_of_its_own(phasegate: Phasegate, tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/ledger.sqlite")
    found = health_clocks.database_clock(Settings.load(database=f"sqlite:///{tmp_path}/ledger.sqlite"))
    assert (found.state, found.found) == ("ok", "SQLite: the ledger has no clock of its own")


# --- checkpoints ------------------------------------------------------------------------------------------------------


@pytest.fixture
def unsigned(tmp_path: Path) -> Iterator[Stage]:
    """A log in the broker's time that has grown a thousand seconds ago, and no checkpoint was signed since."""
    at_ms = clock.now_ms() - 1_000_000
    made = stage_of(MemoryBus("test", 4, "broker", lambda: at_ms), f"sqlite:///{tmp_path}/ledger.sqlite")
    made.send([made.message(small.announced(clock="broker"))])
    made.recorder.step(0.01)
    yield made
    made.parts.ledger.close()


def test_a_log_that_nobody_signs_is_found(unsigned: Stage, phasegate: Phasegate, tmp_path: Path) -> None:
    def checkpoints() -> dict[str, Any]:
        answer = phasegate("doctor", "--json", "--database", f"sqlite:///{tmp_path}/ledger.sqlite")
        (found,) = [row for row in answer.data["checks"] if row["name"] == "checkpoints"]
        return dict(found)

    assert checkpoints()["state"] == "ok", "a decision is signed at once"
    unsigned.send([unsigned.message(said) for said in small.submissions()])
    unsigned.recorder.step(0.01)
    found = checkpoints()
    assert found["state"] == "failed"
    assert "small-cup for 100" in found["found"]
    assert "phasegate checkpoint small-cup" in found["todo"]
    status = phasegate("status", "--check", "--database", f"sqlite:///{tmp_path}/ledger.sqlite")
    assert (status.code, status.out.startswith("ATTENTION ")) == (10, True)
    assert "checkpoint-stale: no checkpoint of small-cup covers" in status.out
    unsigned.recorder.settle_up()
    assert checkpoints()["state"] == "ok"


# --- disk -------------------------------------------------------------------------------------------------------------

SMALL_DISK = 'mount -t tmpfs -o size=64m tmpfs "$1" && shift && exec "$@"'


def on_a_small_disk(at: Path, *words: str) -> dict[str, Any]:
    """The finding about disks of a doctor for whom 64 MB are mounted at that folder: seen by its process alone."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is missing: no small disk can be mounted here")
    command = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", str(at), sys.executable, "-m", "console"]
    run = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if not run.stdout:
        pytest.skip(f"no small disk can be mounted here: {run.stderr.strip()}")
    (found,) = [row for row in json.loads(run.stdout)["data"]["checks"] if row["name"] == "disk"]
    return dict(found)


@pytest.mark.parametrize("what", ["home", "ledger", "broker"])
def test_a_full_disk_is_found_wherever_it_is(phasegate: Phasegate, tmp_path: Path, what: str) -> None:
    home = tmp_path / "home"
    place = {"home": home, "ledger": tmp_path / "elsewhere", "broker": home / "kafka" / "data"}[what]
    place.mkdir(parents=True)
    database = f"sqlite:///{tmp_path}/elsewhere/ledger.sqlite"
    found = on_a_small_disk(place, "doctor", "--json", "--home", str(home), "--database", database)
    assert found["state"] == "failed"
    assert f"0.1 GB free at {place} ({what}" in found["found"]
    assert "docs/operating.md#full-disk" in found["todo"]


def test_disks_are_told_once_each(phasegate: Phasegate, tmp_path: Path) -> None:
    (found,) = [row for row in phasegate("doctor", "--json").data["checks"] if row["name"] == "disk"]
    assert found["found"].endswith("(home, ledger, broker)")


def test_a_ledger_is_asked_for_nothing_that_it_does_not_have(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/ledger.sqlite")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        assert (ledger.server_time(), ledger.extents()) == (None, [])
