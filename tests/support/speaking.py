"""Lines that a process says on a pipe. Nobody waits for one for ever, and no full pipe stops the process; whoever waits in vain
is shown all that it said.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO

PATIENCE_S = 120.0
"""How long a process may take to begin, on a machine that is busy with other things."""


class Lines:
    """What comes on one pipe of a process, read by a thread until its end."""

    def __init__(self, process: subprocess.Popen[str], pipe: IO[str] | None) -> None:
        assert pipe is not None
        self._process, self._pipe = process, pipe
        self._said: list[str] = []
        self._grown = threading.Condition()
        self._is_over = False
        threading.Thread(target=self._listen, name=f"lines of {process.pid}", daemon=True).start()

    def _listen(self) -> None:
        with self._pipe:
            for line in self._pipe:
                self._add(line.rstrip("\n"))
        self._add(None)

    def _add(self, line: str | None) -> None:
        with self._grown:
            self._is_over = line is None
            if line is not None:
                self._said.append(line)
            self._grown.notify_all()

    def has(self, pattern: str) -> re.Match[str] | None:
        """The first line so far that is all of this pattern."""
        with self._grown:
            return next((found for line in self._said if (found := re.fullmatch(pattern, line))), None)

    def wait_for(
        self, pattern: str, within_s: float = PATIENCE_S, meanwhile: Callable[[], None] = lambda: None
    ) -> re.Match[str]:
        """The first such line, once it is said; `meanwhile` is called again and again until then."""
        deadline = time.monotonic() + within_s
        while (found := self.has(pattern)) is None:
            with self._grown:
                assert not self._is_over, f"{self._told()} and ended with {self._process.wait(10)}, without {pattern!r}"
                assert time.monotonic() < deadline, f"{self._told()} and not {pattern!r} within {within_s:.0f} s"
                self._grown.wait(0.2)
            meanwhile()
        return found

    def _told(self) -> str:
        return f"{self._process.args!r} said {self._said!r}"
