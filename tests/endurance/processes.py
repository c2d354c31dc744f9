"""Commands of phasegate as processes of their own, and what the kernel says of a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    own: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # A thread that has just ended.
            own += [int(text) for text in path.read_text().split()]
    return own + [grandchild for child in own for grandchild in children(child)]


def resident_bytes(pid: int) -> int:
    """Memory in use, what is shared with others included; 0 of a process that has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


def proportional_bytes(pid: int) -> int:
    """Memory in use, of what is shared its part only; 0 of a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def handles(pid: int) -> int:
    """Files, sockets and pipes that it has open; 0 of a process that has ended."""
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - counting, in a folder that changes meanwhile
    return 0


def cpu_seconds(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def disk_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # Deleted since it was listed.
            total += path.stat().st_blocks * 512
    return total


def spawn(arguments: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Python with these arguments, its output appended to a log, in a process group of its own."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out,
            stderr=out, process_group=0,
        )  # fmt: skip


def end(process: subprocess.Popen[bytes], patience_s: float) -> int:
    """SIGTERM, and SIGKILL to its whole group where that was not enough. Returns how it ended."""
    process.send_signal(signal.SIGCONT)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


@contextmanager
def service(
    name: str, environment: Mapping[str, str], log: Path, patience_s: float = 30
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of phasegate that runs until the block ends."""
    process = spawn(["-m", "console", name], environment, log)
    try:
        yield process
    finally:
        end(process, patience_s)
