"""The `progress` flow: performs what is due, one task per transition, until a programme waits for people or for time.

Prefect owns scheduling, retries and visibility, and never the only copy of a decision: every task publishes events and
waits until they are recorded, and the next look is at the ledger. Killed anywhere, the next run goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State as RunState
from prefect.client.schemas.objects import TaskRun
from prefect.tasks import Task

from events.errors import Conflict, Unavailable
from events.values import parse_instant
from flows.artifacts import show
from flows.lines import of_a_run, tell_performed
from flows.run_ends import tell_of_end
from flows.slots import programme_slot
from flows.transitions import Progress
from flows.wiring import open_parts
from handlers.transition import MarkWindow, Transition, describe
from infra.clock import now_ms

RETRY_AFTER_S = [0.5, 2.0, 10.0]
"""A transition that met Unavailable or Conflict is tried again after these; a refusal never is."""

STUCK_AFTER_S = 600
"""A run that takes longer has failed, and the next one goes on from the ledger. Deciding takes seconds."""

MARK_AGAIN_AFTER_S = (0.05, 0.2, 0.5, 1.0)
"""A marker that the broker stamped before the deadline is sent again: its clock is behind ours. The last for ever."""


@dataclass(slots=True)
class Run:
    """What the tasks of a flow run work on: kept out of their parameters, which Prefect walks through and records."""

    way: Progress
    now_ms: Callable[[], int]
    transition: Transition | None = None


@dataclass(slots=True)
class Given:
    """A way that was opened already, and whether others may be on it too: then a slot is asked for. The way is taken out at
    the end: threads of Prefect's keep the context that they were started in, and so all that it holds.
    """

    way: Progress
    is_shared: bool


_WAY: ContextVar[Given | None] = ContextVar("phasegate_way", default=None)
_RUN: ContextVar[Run] = ContextVar("phasegate_run")


@contextmanager
def using(way: Progress, *, is_shared: bool = False) -> Iterator[None]:
    """Within the block flows go this way, with what it has folded; elsewhere they open parts of their own, from the
    settings. `is_shared`: other processes may perform what is due in the same programme.
    """
    given = Given(way, is_shared)
    token = _WAY.set(given)
    try:
        yield
    finally:
        _WAY.reset(token)
        del given.way


async def may_pass(task: Task[Any, Any], run: TaskRun, state: RunState[Any]) -> bool:
    """Whether trying again may help: what Prefect asks before each retry."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, Unavailable | Conflict)


@task(
    task_run_name="{programme} / {what}",
    retries=len(RETRY_AFTER_S),
    retry_delay_seconds=RETRY_AFTER_S,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
async def perform(programme: str, what: str) -> None:
    """One transition: published, and recorded when this returns."""
    run = _RUN.get()
    assert run.transition is not None  # The flow sets it before it calls.
    await asyncio.to_thread(run.way.perform, run.transition, run.now_ms())


@flow(
    name="progress",
    flow_run_name="{programme} / {what}",
    timeout_seconds=STUCK_AFTER_S,
    on_failure=[tell_of_end],
    on_crashed=[tell_of_end],
)
async def progress(programme: str, now: str | None = None, what: str = "progress") -> list[str]:
    """Performs everything that is due in a programme and returns what that was. `now`: an RFC 3339 instant for a programme
    that runs in its own time; the clock otherwise. `what` only names the run.
    """
    if (given := _WAY.get()) is None:
        of_a_run()
        with closing(await asyncio.to_thread(open_parts)) as parts:
            async with programme_slot(programme):
                return await _progress(Progress(parts, programme, partial(tell_performed, programme)), now)
    if not given.is_shared:
        return await _progress(given.way, now)
    async with programme_slot(programme):
        return await _progress(given.way, now)


async def _progress(way: Progress, now: str | None) -> list[str]:
    programme, moment = way.programme, None if now is None else parse_instant(now)
    run = Run(way, now_ms if moment is None else lambda: moment)
    token, done, before = _RUN.set(run), list[str](), None
    try:
        while (transition := await asyncio.to_thread(lambda: way.due(run.now_ms()))) is not None:
            await asyncio.sleep(_pause_s(transition, before))
            run.transition = before = transition
            await perform(programme, describe(transition))
            done.append(describe(transition))
            await show(way, transition)
    finally:
        _RUN.reset(token)
        del run.way
    return done


def _pause_s(transition: Transition, before: Transition | None) -> float:
    """Something only where the same window has to be marked again, and the more the more often it was."""
    if not isinstance(transition, MarkWindow) or not isinstance(before, MarkWindow):
        return 0.0
    if (transition.phase, transition.window) != (before.phase, before.window):
        return 0.0
    attempts = max(attempt for _, attempt in transition.attempts)
    return MARK_AGAIN_AFTER_S[min(attempts - 2, len(MARK_AGAIN_AFTER_S) - 1)]


def run_progress(way: Progress, now: str | None, what: str, *, is_shared: bool = False) -> list[str]:
    """Runs the flow once in this process, this way."""
    with using(way, is_shared=is_shared):
        result: list[str] = asyncio.run(progress(way.programme, now, what))
        return result
