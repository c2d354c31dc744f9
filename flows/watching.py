"""Watching the logs: what falls due, by an event that was recorded or by the clock, is performed at once, in this process.

A look is one cheap query, for the sizes of all logs; folded is only what grew, and only as far as it grew. So nothing is
lost when this ends: `rounds` looks at everything anew, and so does the next watch. Knows nothing of Prefect.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import structlog

from events.errors import PhasegateError
from flows.kept import ENTRIES_MAX
from flows.kept_open import KeptPublisher
from flows.lines import tell_performed
from flows.transitions import Progress
from flows.wiring import Parts
from handlers.due import due, next_instant
from handlers.transition import Transition
from infra.clock import now_ms
from infra.ledger import Head

log = structlog.get_logger("phasegate.watch")

LOOK_EVERY_S = 0.2
RUNS_AT_ONCE = 8
RUN_WITHIN_S = 180.0
"""A run that takes longer is left to itself: the next one begins from the ledger, with nothing of what this one folded."""
AGAIN_AFTER_S = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Pauses of a programme whose runs failed, one after the other; the last for ever."""
WARM_AT_MOST = 64
"""Programmes that stay folded in memory. Those that nothing happened to for longest are folded anew when something does."""

Run = Callable[[Progress, Transition], Awaitable[None]]
"""Performs what is due in a programme, from this transition on."""


@dataclass(slots=True)
class Watched:
    """What is remembered of a programme between looks. Its way is touched by one thread at a time: by the look, or by its
    run.
    """

    size: int = -1
    due_ms: int | None = None
    way: Progress | None = None
    run: asyncio.Task[None] | None = None
    failures: int = 0
    not_before: float = 0.0
    touched: float = 0.0

    def is_quiet(self, size: int, at_ms: int) -> bool:
        """Whether it has neither grown nor reached an instant since it was looked at."""
        return self.size == size and (self.due_ms is None or at_ms < self.due_ms)


@dataclass(slots=True)
class Watch:
    """Watches every programme of a ledger that runs in the broker's time, until it is cancelled."""

    parts: Parts
    run: Run
    clock_ms: Callable[[], int] = now_ms
    _watched: dict[str, Watched] = field(default_factory=dict)
    _publisher: KeptPublisher = field(init=False)

    def __post_init__(self) -> None:
        self._publisher = KeptPublisher(self.parts.bus)

    async def watch(self) -> None:
        """Looks, and runs what is due; a look that fails is told, and the next one made."""
        while True:
            try:
                found = await asyncio.to_thread(lambda: list(self.look()))
            except PhasegateError as error:
                log.warning("cannot-look", error=error.message, hint=error.hint)
                await asyncio.sleep(AGAIN_AFTER_S[0])
                continue
            for name, transition in found:
                one = self._watched[name]
                one.run = asyncio.create_task(self._perform(name, one, transition), name=f"run of {name}")
            await asyncio.sleep(self._until_next_s())

    def look(self) -> Iterator[tuple[str, Transition]]:
        """The programmes in which something is due and no run is under way, with the first thing that is."""
        at_ms = self.clock_ms()
        free = RUNS_AT_ONCE - sum(one.run is not None for one in self._watched.values())
        for head in self.parts.ledger.heads():
            one = self._watched.setdefault(head.programme, Watched())
            if free <= 0 or one.run is not None or one.not_before > time.monotonic() or one.is_quiet(head.size, at_ms):
                continue
            try:
                transition = self._due(head, one, at_ms)
            except PhasegateError as error:  # One log that cannot be read leaves the others as they are.
                self._failed(head.programme, one, error)
                continue
            if transition is not None:
                free -= 1
                yield head.programme, transition
        self._cool()

    def _due(self, head: Head, one: Watched, at_ms: int) -> Transition | None:
        if one.way is None:
            one.way = Progress(self.parts, head.programme, partial(tell_performed, head.programme))
            one.way.office.publisher = self._publisher
        state = one.way.state
        one.touched = time.monotonic()
        if state.announced is not None and state.clock != "broker":  # No clock tells what time it is there.
            one.size, one.due_ms = state.size, None
            return None
        transition = due(state, at_ms)
        one.due_ms = None
        if transition is None:  # Else it stays unquiet, until a run was made and found nothing more.
            one.size, one.due_ms = state.size, next_instant(state, at_ms)
        if state.concluded is not None:
            one.way = None
        return transition

    async def _perform(self, name: str, one: Watched, transition: Transition) -> None:
        assert one.way is not None  # What is due was found on it.
        try:
            async with asyncio.timeout(RUN_WITHIN_S):
                await self.run(one.way, transition)
        except Exception as error:  # noqa: BLE001 - told, and tried again: one programme's failure stops no other
            self._failed(name, one, error)
        else:
            one.failures = 0
        finally:
            one.run, one.size = None, -1

    def _failed(self, name: str, one: Watched, error: Exception) -> None:
        """Its way is forgotten: a thread of a run that was given up may still be on it."""
        one.failures += 1
        pause_s = AGAIN_AFTER_S[min(one.failures, len(AGAIN_AFTER_S)) - 1]
        one.not_before, one.due_ms, one.way = time.monotonic() + pause_s, None, None
        log.warning("run-failed", programme=name, error=f"{type(error).__name__}: {error}", again_in_s=pause_s)

    def _until_next_s(self) -> float:
        """Until the next look: sooner where something falls due by the clock before it."""
        instants = [one.due_ms for one in self._watched.values() if one.due_ms is not None]
        left_s = (min(instants) - self.clock_ms()) / 1000 if instants else LOOK_EVERY_S
        return min(max(left_s, 0.005), LOOK_EVERY_S)

    def _cool(self) -> None:
        """Keeps those that something happened to last, within both bounds; a heavier one alone."""
        warm = [one for one in self._watched.values() if one.way is not None and one.run is None]
        weight = 0
        for place, one in enumerate(sorted(warm, key=lambda one: one.touched, reverse=True)):
            assert one.way is not None
            weight += one.way.reader.kept.weight()
            if place >= WARM_AT_MOST or (place > 0 and weight > ENTRIES_MAX):
                one.way = None

    async def finish(self, within_s: float) -> None:
        """Waits for what runs, and cancels what has not ended then. What is left undone is still due."""
        runs = [one.run for one in self._watched.values() if one.run is not None]
        if runs:
            _, left = await asyncio.wait(runs, timeout=within_s)
            for run in left:
                run.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await asyncio.to_thread(self._publisher.close)
