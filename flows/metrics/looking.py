"""Looking at one part again and again, in a thread of its own: one that hangs holds up neither the others nor a scrape."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from events.errors import PhasegateError
from infra.clock import now_ms

EVERY_S = 2.0
STALE_S = 7.0
"""A part whose last answer is older does not answer: its client may still wait, for up to half a minute. With EVERY_S a
stopped part shows within ten seconds, whatever its client does.
"""

log = structlog.get_logger("phasegate.metrics")


@dataclass(slots=True)
class Part:
    """One part, and when it last answered. `look` asks it; what it raises is told once, until it is something else."""

    name: str
    look: Callable[[], None]
    answered_ms: int | None = None
    """Unix milliseconds of the last answer: what is served of this part is as old as that."""
    was_asked: threading.Event = field(default_factory=threading.Event)
    _answered_at: float = 0.0
    _problem: str | None = None

    def ask(self) -> None:
        """Looks once."""
        try:
            self.look()
        except PhasegateError as error:
            self._tell(error.message, error.hint)
        else:
            self.answered_ms, self._answered_at = now_ms(), time.monotonic()
            self._tell(None, "")
        self.was_asked.set()

    @property
    def is_up(self) -> bool:
        """Whether the last look succeeded, and not long ago."""
        fresh = self.answered_ms is not None and time.monotonic() - self._answered_at <= STALE_S
        return fresh and self._problem is None

    def _tell(self, problem: str | None, hint: str) -> None:
        if problem != self._problem:
            if problem is None:
                log.info("answers-again", part=self.name)
            else:
                log.warning("does-not-answer", part=self.name, error=problem, hint=hint)
        self._problem = problem

    def watch(self, stop: threading.Event) -> None:
        """Until `stop` is set. What is no error of ours ends the thread: /healthz says so."""
        while not stop.is_set():
            self.ask()
            stop.wait(EVERY_S)
