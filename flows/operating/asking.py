"""Asking a part that many want to see, again and again: once at a time for all of them, and nobody waits long for it."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from events.errors import PhasegateError
from flows.bounded import ANSWER_S

FRESH_S = 2.0
"""An answer that is younger is told again without asking."""

Answer = TypeVar("Answer")
log = structlog.get_logger("phasegate.operating")


@dataclass(frozen=True, slots=True)
class Told(Generic[Answer]):
    """The answer, or the problem instead. `waiting_s`: for how long the part has been asked and has said nothing."""

    value: Answer | None = None
    problem: str = ""
    hint: str = ""
    waiting_s: int | None = None


class Asking(Generic[Answer]):
    """One question to one part. A part that hangs has one thread, which waits until its client gives up; whoever comes
    meanwhile is told at once for how long that has been so.
    """

    def __init__(self, what: str, ask: Callable[[], Answer]) -> None:
        self._what, self._ask = what, ask
        self._lock = threading.Lock()
        self._under_way: Future[None] | None = None
        self._since = 0.0
        self._told: Told[Answer] = Told()
        self._told_at: float | None = None

    def begin(self) -> None:
        """Asks, unless somebody has and the answer is fresh or still to come."""
        with self._lock:
            is_fresh = self._told_at is not None and time.monotonic() - self._told_at < FRESH_S
            if is_fresh or self._under_way is not None:
                return
            done = self._under_way = Future()
            self._since = time.monotonic()
        threading.Thread(target=self._run, args=(done,), name=f"ask-{self._what}", daemon=True).start()

    def _run(self, done: Future[None]) -> None:
        told: Told[Answer]
        try:
            told = Told(self._ask())
        except PhasegateError as error:
            told = Told(problem=error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001 - told as what it is, with its trace kept; the others are still heard
            log.error("ask-failed", what=self._what, trace=traceback.format_exc())  # noqa: TRY400 - no values in it
            told = Told(problem=f"asking it broke: {type(error).__name__}", hint="the console's log says where")
        with self._lock:
            self._told, self._told_at, self._under_way = told, time.monotonic(), None
        done.set_result(None)

    def told(self, within_s: float = ANSWER_S) -> Told[Answer]:
        """The answer, at most so long after it was asked for."""
        self.begin()
        with self._lock:
            under_way, since = self._under_way, self._since
        if under_way is not None:
            wait([under_way], max(0.0, since + within_s - time.monotonic()))
        with self._lock:
            if self._under_way is not None and self._under_way is under_way:
                return Told(waiting_s=max(1, round(time.monotonic() - since)))
            return self._told
