"""Serving the flows: what falls due is performed at once by the watch, in this process; `rounds` at an interval, `attest-all`
every night, and each for one programme on request, are deployments of a Prefect server. Their runs are processes of their
own; where one is killed, the next goes on from the ledger.

Several may serve at once. Whoever is stopped begins nothing more, lets what it runs finish or cancels it, and leaves the
schedules to the others. When the Prefect server goes away, due work goes on without it, and it is joined again when it is
back.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import structlog
from prefect import Flow, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.states import Cancelling
from prefect.types.entrypoint import EntrypointType

from events.errors import Unavailable
from flows.at_once import perform_at_once
from flows.automations import apply_automations
from flows.nightly import attest, attest_all
from flows.prefect_server import answers
from flows.progress import progress
from flows.publishing import publish
from flows.rounds import rounds
from flows.watching import Watch
from flows.wiring import open_parts
from infra.services.notify import ready
from infra.settings import Settings

log = structlog.get_logger("phasegate.serve")

RUNS_AT_ONCE = 4
FINISH_WITHIN_S = 45.0
"""How long runs may take to finish when the service is stopped; then they are cancelled."""
CANCELLED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.2
REAP_EVERY_S = 5.0
JOIN_AGAIN_AFTER_S = 3.0
ASK_EVERY_S, AWAY_AFTER = 2.0, 5
CLOSES_WITHIN_S = 10.0
THREADS = 64  # Each run of the watch uses one; a thread of a run that was given up may hang for a minute.


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """All of them, by their flows and names. Of those with a schedule one run at a time: one that is still busy makes the next
    unnecessary, and a dead one gives its slot up after a while.
    """
    every = IntervalSchedule(interval=timedelta(seconds=settings.progress_seconds))
    nightly = CronSchedule(cron=settings.attest_cron, timezone="UTC")
    return [
        _deployment(rounds, "all", "Performs what is due in every programme.", every),
        _deployment(attest_all, "nightly", "Replays every programme and attests its decisions.", nightly),
        _deployment(progress, "one", "Performs what is due in one programme."),
        _deployment(attest, "one", "Replays one programme and attests its decisions."),
        _deployment(publish, "one", "Puts the public bundles of one programme's final decisions into the folder."),
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
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "phasegate-flows"))
    parts = await asyncio.to_thread(open_parts, settings)
    watch = Watch(parts, perform_at_once)
    watching = asyncio.create_task(watch.watch(), name="watch")
    running = asyncio.create_task(_joined(settings, stop), name="runner")
    stopping = asyncio.create_task(_stopped(stop), name="stop")
    try:
        done, _ = await asyncio.wait({watching, running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()  # What failed is raised.
    finally:
        stop.set()  # Nothing new begins, neither here nor in processes of their own.
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        ends = await asyncio.gather(running, watch.finish(FINISH_WITHIN_S), stopping, return_exceptions=True)
        for error in filter(None, ends):
            log.warning("stopped-badly", error=_told(error))
        await asyncio.to_thread(parts.close)
    log.info("stopped")


async def _joined(settings: Settings, stop: threading.Event) -> None:
    """Polls for runs until `stop` is set; where the server goes away, joins it again. What fails before it was joined once
    is raised.
    """
    was_joined = False
    while not stop.is_set():
        try:
            runner = await _runner(settings)
            was_joined = True
            await _poll(runner, stop)
        except Exception as error:
            if not was_joined:
                raise
            log.warning("prefect-away", error=_told(error), again_in_s=JOIN_AGAIN_AFTER_S)
            await _stopped(stop, JOIN_AGAIN_AFTER_S)


def _told(error: BaseException) -> str:
    """The first of a group is told: the others are cancelled because of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def _stopped(stop: threading.Event, within_s: float | None = None) -> None:
    """Waits until `stop` is set. In small steps: a thread that waits for it could not be given up."""
    await _until(stop.is_set, within_s)


async def _until(is_so: Callable[[], bool], within_s: float | None = None) -> None:
    loop = asyncio.get_running_loop()
    until = None if within_s is None else loop.time() + within_s
    while not is_so() and (until is None or loop.time() < until):  # noqa: ASYNC110 - others set it, in their threads
        await asyncio.sleep(LOOK_EVERY_S)


async def _runner(settings: Settings) -> Runner:
    """A runner that knows all deployments; they are registered with the server, with the automations beside them."""
    runner = Runner(name="phasegate", limit=RUNS_AT_ONCE, pause_on_shutdown=False, prefetch_seconds=1)
    names = deployments(settings)
    for one in names:
        await runner.aadd_deployment(one)
    async with get_client() as client:
        await apply_automations(client, settings)
    ready()
    log.info("serving", deployments=[one.full_name for one in names])
    return runner


async def _poll(runner: Runner, stop: threading.Event) -> None:
    """Until `stop` is set, or the server is away: a runner does not always come to an end by itself then."""
    polling = asyncio.create_task(runner.start(), name="polling")
    wanted = asyncio.create_task(_stopped(stop), name="stop")
    away, reaping = asyncio.create_task(_away(), name="away"), asyncio.create_task(_reap(runner), name="reaping")
    try:
        await asyncio.wait({polling, wanted, away}, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done() and not polling.done():
            await _drain(runner)
            await runner.astop()
            await asyncio.wait({polling}, timeout=CLOSES_WITHIN_S)
    finally:
        for one in (wanted, away, reaping, polling):
            one.cancel()
        await asyncio.wait({polling}, timeout=CLOSES_WITHIN_S)
    if polling.done() and not polling.cancelled():
        polling.result()
    if not stop.is_set():
        raise Unavailable("the Prefect server does not answer", hint="what falls due is performed without it")


async def _away() -> None:
    """Until the server has not answered so often in a row."""
    misses = 0
    while misses < AWAY_AFTER:
        await asyncio.sleep(ASK_EVERY_S)
        misses = 0 if await asyncio.to_thread(answers, os.environ["PREFECT_API_URL"]) else misses + 1


async def _drain(runner: Runner) -> None:
    """Nothing new begins; what runs here finishes, or is cancelled, so that the server knows how each run ended."""
    runner.stopping = runner._scheduled_run_poller.stopping = True  # noqa: SLF001 - else only by killing what runs
    await _ended(runner, FINISH_WITHIN_S)
    left = runner._process_manager.flow_run_ids()  # noqa: SLF001 - no public way to ask; the version is locked
    if not left:
        return
    async with get_client() as client:
        for run_id in left:
            log.warning("cancelling", run_id=str(run_id))
            await client.set_flow_run_state(run_id, Cancelling(message="phasegate serve is stopped"))
    await _ended(runner, CANCELLED_WITHIN_S)


async def _ended(runner: Runner, within_s: float) -> None:
    """Until nothing runs here any more, or time is up."""
    poller = runner._scheduled_run_poller  # noqa: SLF001 - as above
    await _until(lambda: not poller._submitting_flow_run_ids, within_s)  # noqa: SLF001 - until their processes are gone


async def _reap(runner: Runner) -> None:
    """Kills processes whose runs were given up: one that hangs would keep a place of the runner for ever."""
    ended_before: set[Any] = set()
    while True:
        await asyncio.sleep(REAP_EVERY_S)
        processes = runner._process_manager  # noqa: SLF001 - as above
        try:
            ended = await _ended_elsewhere(list(processes.flow_run_ids()))
        except Exception as error:  # noqa: BLE001 - the server is away; polling notices
            log.warning("cannot-ask-for-runs", error=_told(error))
            continue
        for run_id in ended & ended_before & processes.flow_run_ids():  # A process takes a moment to end after its run.
            log.warning("killing", run_id=str(run_id))
            await processes.kill(run_id, force=True)
        ended_before = ended


async def _ended_elsewhere(run_ids: list[Any]) -> set[Any]:
    if not run_ids:
        return set()
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=run_ids)))
    return {run.id for run in runs if run.state is not None and run.state.is_final()}
