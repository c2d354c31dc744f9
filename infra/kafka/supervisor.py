"""Holds a broker for a parent that may die at any moment: then ends it and removes its folder.

Run as a program, from the standard library alone, so that it is up before the parent can be killed:
`python supervisor.py FOLDER`. Orders come as JSON lines on standard input - {"start": [argv], "log": path} or
{"end": signal} - and each is answered by one line: the pid, or 0. End of input means that the parent has closed us or
died; so does a change of our own parent, since a fork of the parent may still hold the pipe.

If this process is itself killed with -9, the kernel ends the broker (Linux) but the folder stays.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

PR_SET_PDEATHSIG = 1


def main(folder: str) -> None:
    broker: subprocess.Popen[bytes] | None = None
    try:
        for line in _orders():
            order = json.loads(line)
            if broker is not None:
                _end(broker, order.get("end", signal.SIGKILL))
                broker = None
            if "start" in order:
                broker = _start(order["start"], order["log"], folder)
            os.write(1, b"%d\n" % (broker.pid if broker else 0))
    finally:
        if broker is not None:
            _end(broker, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _orders() -> Iterator[bytes]:
    parent, pending = os.getppid(), b""
    while os.getppid() == parent:
        if not select.select([0], [], [], 0.5)[0]:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return
        *lines, pending = (pending + chunk).split(b"\n")
        yield from lines


def _start(argv: list[str], log: str, folder: str) -> subprocess.Popen[bytes]:
    with open(log, "ab") as out:  # noqa: PTH123 - no import that costs start time
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=folder,
            preexec_fn=_die_with_me,  # noqa: PLW1509 - this process has one thread
        )


def _die_with_me() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(broker: subprocess.Popen[bytes], sign: int) -> None:
    broker.send_signal(sign)
    try:
        broker.wait(20)
    except subprocess.TimeoutExpired:
        broker.kill()
        broker.wait()


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGHUP):  # they are meant for the parent; it tells us by closing the pipe
        signal.signal(ignored, signal.SIG_IGN)
    main(sys.argv[1])
