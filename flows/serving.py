"""Serving the flows: `rounds` at an interval, `attest-all` every night, and each for one programme on request, as deployments
of a Prefect server. Runs are processes of their own; where one is killed, the next goes on from the ledger.

A runner that is simply stopped leaves its runs Running for ever. So the schedules are paused first, what runs is let
finish or cancelled, and only then the runner ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from prefect import Flow, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, FlowRun, StateType
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.states import Cancelling
from prefect.types.entrypoint import EntrypointType

from flows.nightly import attest, attest_all
from flows.progress import progress
from flows.rounds import rounds
from infra.services.notify import ready
from infra.settings import Settings

log = structlog.get_logger("phasegate.serve")

RUNS_AT_ONCE = 4
FINISH_WITHIN_S = 45.0
"""How long runs may take to finish when the service is stopped; then they are cancelled."""
CANCELLED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.2

_UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """The four, by their flows and names. Of those with a schedule one run at a time: one that is still busy makes the next
    unnecessary, and a dead one gives its slot up after a while.
    """
    every = IntervalSchedule(interval=timedelta(seconds=settings.progress_seconds))
    nightly = CronSchedule(cron=settings.attest_cron, timezone="UTC")
    return [
        _deployment(rounds, "all", "Performs what is due in every programme.", every),
        _deployment(attest_all, "nightly", "Replays every programme and attests its decisions.", nightly),
        _deployment(progress, "one", "Performs what is due in one programme."),
        _deployment(attest, "one", "Replays one programme and attests its decisions."),
    ]


def _deployment(
    which: Flow[..., Any], name: str, about: str, schedule: CronSchedule | IntervalSchedule | None = None
) -> RunnerDeployment:
    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    return RunnerDeployment.from_flow(
        which,
        name,
        schedules=None if schedule is None else [schedule],
        concurrency_limit=None if schedule is None else alone,
        description=about,
        tags=["phasegate"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def serve(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. In a thread of its own, so that Prefect leaves the signals of the process alone."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_serve(settings, stop))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            failed.append(error)

    thread = threading.Thread(target=run, name="phasegate-serve")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


async def _serve(settings: Settings, stop: threading.Event) -> None:
    runner = Runner(name="phasegate", limit=RUNS_AT_ONCE, pause_on_shutdown=False, prefetch_seconds=1)
    names = deployments(settings)
    served = [await runner.aadd_deployment(one) for one in names]
    ready()
    log.info("serving", deployments=[one.full_name for one in names])
    polling = asyncio.create_task(runner.start())
    wanted = asyncio.create_task(asyncio.to_thread(stop.wait))
    await asyncio.wait({polling, wanted}, return_when=asyncio.FIRST_COMPLETED)
    if polling.done():  # It came to an end by itself: no server, most likely. The thread that waits is let go.
        stop.set()
    else:
        await _drain(served)
        await runner.astop()
    with suppress(asyncio.CancelledError):
        await polling
    log.info("stopped")


async def _drain(served: Sequence[UUID]) -> None:
    """Nothing new begins; what runs finishes, or is cancelled, so that the server knows how each run ended."""
    async with get_client() as client:
        for one in served:
            await client.pause_deployment(one)
        left = await _ended(client, served, FINISH_WITHIN_S)
        for run in left:
            log.warning("cancelling", run=run.name)
            await client.set_flow_run_state(run.id, Cancelling(message="phasegate serve is stopped"))
        if left:
            await _ended(client, served, CANCELLED_WITHIN_S)


async def _ended(client: PrefectClient, served: Sequence[UUID], within_s: float) -> list[FlowRun]:
    """What is still under way when all has ended, or time is up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while True:
        left = await _under_way(client, served)
        if not left or loop.time() > until:
            return left
        await asyncio.sleep(LOOK_EVERY_S)


async def _under_way(client: PrefectClient, served: Sequence[UUID]) -> list[FlowRun]:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNDER_WAY))
    which = DeploymentFilter(id=DeploymentFilterId(any_=list(served)))
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter(state=state), deployment_filter=which)
