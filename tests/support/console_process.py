"""`phasegate console` as a process of its own, whatever it says in a file."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Answering:
    """A console that answers at `url`, and tells its metrics at `metrics`."""

    process: subprocess.Popen[bytes]
    url: str
    metrics: str


@contextmanager
def console_process(names: Mapping[str, str], said: Path) -> Iterator[Answering]:
    """Started with this environment, on ports of its own; killed at the end. What it says goes into `said`."""
    command = [sys.executable, "-m", "console", "console", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    with said.open("wb") as log, subprocess.Popen(command, cwd=ROOT, env=names, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while len(found := re.findall(r"(?:answering|metrics) at (\S+)", said.read_text())) < 2:
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < deadline, said.read_text()
                time.sleep(0.1)
            yield Answering(process, *found)
        finally:
            process.kill()
