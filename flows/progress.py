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
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State as RunState
from prefect.client.schemas.objects import TaskRun
from prefect.tasks import Task

from events.errors import Conflict, Unavailable
from events.values import parse_instant
from flows.lines import of_a_run, tell_performed
from flows.transitions import Progress
from flows.wiring import open_parts
from handlers.transition import DecidePhase, Transition, describe
from handlers.views import phase_view
from infra.clock import now_ms

RETRY_AFTER_S = [0.5, 2.0, 10.0]
"""A transition that met Unavailable or Conflict is tried again after these; a refusal never is."""


@dataclass(slots=True)
class Run:
    """What the tasks of a flow run work on: kept out of their parameters, which Prefect walks through and records."""

    way: Progress
    now_ms: Callable[[], int]
    transition: Transition | None = None


_WAY: ContextVar[Progress | None] = ContextVar("phasegate_way", default=None)
_RUN: ContextVar[Run] = ContextVar("phasegate_run")


@contextmanager
def using(way: Progress) -> Iterator[None]:
    """Within the block flows go this way, with what it has folded; elsewhere they open parts of their own, from the
    settings.
    """
    token = _WAY.set(way)
    try:
        yield
    finally:
        _WAY.reset(token)


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


@flow(name="progress", flow_run_name="{programme} / {what}")
async def progress(programme: str, now: str | None = None, what: str = "progress") -> list[str]:
    """Performs everything that is due in a programme and returns what that was. `now`: an RFC 3339 instant for a programme
    that runs in its own time; the clock otherwise. `what` only names the run.
    """
    if (given := _WAY.get()) is not None:
        return await _progress(given, now)
    of_a_run()
    with closing(open_parts()) as parts:
        return await _progress(Progress(parts, programme, partial(tell_performed, programme)), now)


async def _progress(way: Progress, now: str | None) -> list[str]:
    programme, moment = way.programme, None if now is None else parse_instant(now)
    run = Run(way, now_ms if moment is None else lambda: moment)
    token, done = _RUN.set(run), list[str]()
    try:
        while (transition := run.way.due(run.now_ms())) is not None:
            run.transition = transition
            await perform(programme, describe(transition))
            done.append(describe(transition))
            if isinstance(transition, DecidePhase):
                await _show(run.way, transition.phase)
    finally:
        _RUN.reset(token)
    return done


async def _show(way: Progress, phase_id: str) -> None:
    """Artifacts of a decision, for whoever watches in Prefect: standings as a table, outcomes as text."""
    state = way.state
    view = phase_view(state, state.phases[phase_id].rules)
    key = f"{way.programme}-{phase_id}"
    rows = [
        {"rank": row["rank"], "entrant": row["entrant"], "total": row["total"], **row["scores"]}
        for row in view["standings"]
    ]
    await acreate_table_artifact(rows, key=f"standings-{key}", description=f"Standings of {phase_id} as computed")
    lines = [
        f"- **{row['entrant']}** {row['outcome']}: {', '.join(reason['code'] for reason in row['reasons'])}"
        for row in view["outcomes"]
    ]
    basis = view["basis"]
    text = (
        f"# {way.programme} / {phase_id}\n\n"
        + "\n".join(lines)
        + f"\n\n{view['vacancies']} vacant. Decided from `{basis['log']}` at size {basis['size']}, root `{basis['root']}`.\n"
    )
    await acreate_markdown_artifact(text, key=f"decision-{key}", description=f"Decision of {phase_id}")


def run_progress(way: Progress, now: str | None, what: str) -> list[str]:
    """Runs the flow once in this process, this way."""
    with using(way):
        result: list[str] = asyncio.run(progress(way.programme, now, what))
        return result
