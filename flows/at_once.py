"""What the watch does when something is due: a run of `progress` on the Prefect server, in this process; and where that
server does not answer, the same without it. Nobody waits for a decision because a screen is dark.
"""

from __future__ import annotations

import asyncio
import os

import structlog

from flows.prefect_server import answers
from flows.progress import progress, using
from flows.publishing import publish, unpublished
from flows.transitions import Progress
from handlers.transition import Transition, describe
from infra.clock import now_ms
from infra.settings import Settings

log = structlog.get_logger("phasegate.watch")


async def perform_at_once(way: Progress, transition: Transition) -> None:
    """Performs everything that is due in a programme, beginning with this transition, whose name the run has."""
    if await asyncio.to_thread(answers, os.environ["PREFECT_API_URL"]):
        with using(way, is_shared=True):
            done = await progress(way.programme, what=describe(transition))
            await publish_what_is_final(way)
    else:
        log.warning(
            "without-prefect", programme=way.programme, hint="its server does not answer; nothing is shown there"
        )
        done = await asyncio.to_thread(lambda: [describe(step) for step in way.steps(now_ms())])
    log.info("performed", programme=way.programme, done=done)


async def publish_what_is_final(way: Progress) -> None:
    """A run of `publish` where a bundle is missing in the folder; nothing where no folder is set."""
    folder = Settings.load().publish_dir
    if folder is not None and await asyncio.to_thread(lambda: bool(unpublished(way.state, folder))):
        await publish(way.programme)
