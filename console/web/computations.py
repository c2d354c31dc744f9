"""What takes seconds to compute, for pages that only look: one computation at a time in this process, in a thread of its own,
and its answer kept. A page waits a little for it; then it says how far it is.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from console.web.problems import Problem
from events.errors import PhasegateError, Refused

KEPT = 32
"""Answers that are remembered, the latest asked for."""

PATIENCE_S = 6.0
"""How long a page waits for its answer."""

LONGEST_S = 300.0
ABANDONED_S = 120.0
"""A computation for whose answer nobody has asked this long is given up."""

ERROR_KEPT_S = 60.0

Key = tuple[str, int, str]
"""A programme, how many of its records are erased now, and what is computed of it."""

log = structlog.get_logger("phasegate.web")


class GivenUp(Refused):
    """It takes longer than is allowed, or nobody waits for it any more."""


@dataclass(slots=True)
class Computation:
    """`done` of `whole` steps; once it `is_over` there is a `result`, or the `error` that ended it."""

    whole: int
    done: int = 0
    result: Any = None
    error: PhasegateError | Problem | None = None
    _began: float = field(default_factory=time.monotonic)
    _asked: float = field(default_factory=time.monotonic)
    _ended: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    @property
    def is_stale(self) -> bool:
        """An error is told for a while, and then it is tried again."""
        return self.error is not None and time.monotonic() > self._ended + ERROR_KEPT_S

    def step(self) -> None:
        """Another step is done. Raises GivenUp where there is to be none."""
        self.done += 1
        now = time.monotonic()
        if now > self._began + LONGEST_S:
            raise GivenUp(f"this takes longer than {LONGEST_S:g} s, which is as long as a page may compute")
        if now > self._asked + ABANDONED_S:
            raise GivenUp("nobody has asked for this any more")

    def asked(self, patience_s: float) -> None:
        """Somebody asks, and waits so long at most."""
        self._asked = time.monotonic()
        self._over.wait(patience_s)

    def end(self) -> None:
        self._ended = time.monotonic()
        self._over.set()


@dataclass(slots=True)
class Computations:
    """Of this process, by what they are of. What was erased since is not told from what was kept before."""

    _kept: OrderedDict[Key, Computation] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, key: Key, whole: int, make: Callable[[Callable[[], None]], Any]) -> Computation | None:
        """The computation of this, begun where there was none; None while another one is under way. `make` calls what it is
        given at each of about `whole` steps.
        """
        with self._lock:
            self._forget(key)
            found = self._kept.get(key)
            if found is None or found.is_stale:
                if any(not one.is_over for one in self._kept.values()):
                    return None
                found = self._kept[key] = Computation(max(1, whole))
                threading.Thread(target=_compute, args=(found, make), name="computation", daemon=True).start()
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        found.asked(PATIENCE_S)
        return found

    def _forget(self, key: Key) -> None:
        """What rests on records that are erased now."""
        programme, erased, _ = key
        for old in [old for old in self._kept if old[0] == programme and old[1] != erased]:
            del self._kept[old]


def _compute(computation: Computation, make: Callable[[Callable[[], None]], Any]) -> None:
    try:
        computation.result = make(computation.step)
    except (PhasegateError, Problem) as error:
        computation.error = error
    except Exception:
        log.exception("computation failed")
        computation.error = Problem("unexpected", "phasegate met something that it does not expect; its log says what")
    finally:
        computation.end()
