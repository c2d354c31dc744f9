"""One life of one service: from its start until it has ended."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from infra.services import bound
from infra.services.notify import VARIABLE, is_said, listener
from infra.services.plan import Planned

LOG_BYTES, LOG_FILES = 8 * 1024 * 1024, 4
PROBED_WITHIN_S = 1.0
LAST_WORDS_WITHIN_S = 1.0
"""A process that this one has started may hold its output for longer; that is no reason to wait with the next life."""


class Life:
    """Use it as a context: at its end what the process still says is written down, and its socket is gone."""

    def __init__(self, planned: Planned, logs: Path, sockets: Path) -> None:
        self._planned = planned
        self._socket = sockets / planned.name
        self._heard = listener(self._socket)
        command = [sys.executable, "-I", str(bound.__file__), str(os.getpid()), *planned.argv]
        self._process = subprocess.Popen(
            command,
            env={**planned.environment, VARIABLE: str(self._socket)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdout is not None  # It is a pipe.
        path = logs / f"{planned.name}.log"
        self._copying = threading.Thread(target=_copy, args=(self._process.stdout, path), daemon=True)
        self._copying.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int:
        """The exit code of a process that has ended; negative for a signal."""
        return self._process.wait()

    def ended_within(self, seconds: float) -> int | None:
        """Its exit code if it ends in this time."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def is_ready(self) -> bool:
        """Whether it has said so, or answers at its probe."""
        if not self._planned.probe:
            return is_said(self._heard, 0.0)
        return answers_http(self._planned.probe)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.wait()
        self._copying.join(LAST_WORDS_WITHIN_S)
        self._heard.close()
        self._socket.unlink(missing_ok=True)


def answers_http(url: str) -> bool:
    """Whether a GET there is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=PROBED_WITHIN_S) as answer:  # noqa: S310 - from our own plan
            return bool(answer.status == 200)
    except OSError:
        return False


def _copy(output: IO[bytes], path: Path) -> None:
    """What a process says, line by line, into a file that is exchanged for a new one when it has grown large."""
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    with output:
        for line in output:
            text = line.decode(errors="replace").rstrip("\n")
            handler.emit(logging.LogRecord("", logging.INFO, "", 0, text, None, None))
    handler.close()
