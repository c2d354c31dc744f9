"""As an operator would: everything comes up in one command, Kafka goes and comes back, and nobody has to lend a hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.kafka.process import free_ports
from infra.services.plan import FOLDER, read_state
from tests.support.deployment import environment

ROOT = Path(__file__).resolve().parents[2]
TOLD_WITHIN_S = 10.0
"""What an operator was promised. Measured from the end of the command that stops the broker."""


@dataclass
class Local:
    """A deployment in a folder of its own, spoken to by the command line."""

    home: Path
    environment: dict[str, str]

    def phasegate(self, *words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "console", *words, "--json"],
            cwd=ROOT, env=self.environment, text=True, capture_output=True, check=False, timeout=300,
        )  # fmt: skip
        document = json.loads(done.stdout)
        return {**document.get("data", {}), "exit": done.returncode}

    def part(self, name: str) -> Any:
        return next(row for row in self.phasegate("up")["parts"] if row["part"] == name)

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://{self.environment['PHASEGATE_METRICS']}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(name)))


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    names = environment(tmp_path, f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    names["PHASEGATE_PARTITIONS"] = "2"
    names["PHASEGATE_METRICS"] = f"127.0.0.1:{free_ports(1)[0]}"
    made = Local(tmp_path, names)
    yield made
    made.phasegate("down")


def eventually(is_so: Callable[[], bool], within_s: float = 120.0) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < within_s
        time.sleep(0.3)
    return time.monotonic() - began


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kafka_stops_and_comes_back_and_everything_goes_on_by_itself(local: Local) -> None:
    up = local.phasegate("up")
    assert up["exit"] == 0, up
    assert {row["part"] for row in up["parts"]} >= {"kafka", "prefect", "record", "serve", "metrics", "console"}
    assert {row["state"] for row in up["parts"]} == {"running"}
    assert local.phasegate("up")["parts"][0]["address"] == up["parts"][0]["address"]

    local.phasegate("kafka", "down")
    told = eventually(lambda: local.metric('phasegate_up{part="broker"}') == 0)
    status = local.phasegate("status", "--check")
    assert status["exit"] in (7, 10), status
    assert told < TOLD_WITHIN_S

    local.phasegate("kafka", "up")
    eventually(lambda: local.metric('phasegate_up{part="broker"}') == 1)
    eventually(lambda: local.phasegate("status", "--check")["exit"] == 0)

    local.phasegate("announce", "examples/variations/tie-at-the-cut/rulebook.yaml")
    eventually(lambda: len(local.phasegate("status")["logs"]) == 1)

    services = read_state(local.home / FOLDER)
    assert services is not None
    recorder = next(row.pid for row in services.services if row.name == "record")
    assert recorder is not None
    os.kill(recorder, signal.SIGKILL)
    eventually(lambda: local.part("record")["restarts"] == 1 and local.part("record")["state"] == "running")

    assert set(local.phasegate("down")["ended"]) >= {"kafka", "prefect", "record", "serve", "metrics", "console"}
    left = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/environ") if _is_readable(path)]
    assert [one for one in left if str(local.home).encode() in one] == []


def _is_readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
