"""Replays under way, and what came of the last ones. One runs at a time in this process, in a thread of its own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from console.arguments import At
from console.commands.replaying import replay_programme
from console.output import Report
from console.web.problems import Problem
from events.errors import PhasegateError
from infra.settings import Settings

KEPT = 32
"""Results that are remembered: a prefix of a log does not change, and neither does what replaying it gives."""

log = structlog.get_logger("phasegate.web")


@dataclass(slots=True)
class Run:
    """One replay of the first `size` entries: how many are `done`, and at its end `data`, or the `problem`."""

    size: int
    done: int = 0
    data: dict[str, Any] | None = None
    problem: str = ""

    @property
    def is_over(self) -> bool:
        return self.data is not None or bool(self.problem)


class _Heard(Report):
    """Hears how far a replay is."""

    def __init__(self, run: Run) -> None:
        super().__init__(quiet=True)
        self._run = run

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        def advance(done: int) -> None:
            self._run.done = done

        yield advance


@dataclass(slots=True)
class Replays:
    """Of this process, by programme and size."""

    settings: Settings
    _runs: OrderedDict[tuple[str, int], Run] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, programme: str, size: int) -> Run | None:
        """The replay of this prefix, if there is one."""
        return self._runs.get((programme, size))

    def start(self, programme: str, size: int) -> None:
        """Begins it, unless it runs or has come to a result. Raises Problem where another one runs."""
        with self._lock:
            before = self._runs.get((programme, size))
            if before is not None and not before.problem:
                return
            if any(not run.is_over for run in self._runs.values()):
                raise Problem("busy", "another replay is under way", {"retry-after": "10"})
            run = self._runs[programme, size] = Run(size)
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
        threading.Thread(target=self._replay, args=(programme, run), name="replay", daemon=True).start()

    def _replay(self, programme: str, run: Run) -> None:
        try:
            run.data = replay_programme(self.settings, programme, At(size=run.size), _Heard(run))
        except PhasegateError as error:
            run.problem = error.message[:2000]
        except Exception:
            log.exception("replay failed", programme=programme, size=run.size)
            run.problem = "phasegate met something that it does not expect; its log says what"
