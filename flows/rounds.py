"""The `rounds` flow: looks at every programme, and runs `progress` where something is due. So a programme that is announced
later is taken along by the next round, and one that fails or hangs does not hold up the others.
"""

from __future__ import annotations

import asyncio

from prefect import flow

from flows.attesting import announced
from flows.nightly import SomeFailed
from flows.progress import progress
from flows.reading import open_reading
from handlers.due import due
from infra.clock import now_ms
from infra.settings import Settings

AT_ONCE = 4
"""Programmes that progress at the same time, each with connections of its own."""


@flow(name="rounds", flow_run_name="rounds")
async def rounds() -> list[str]:
    """Every programme in which something was due. Programmes that run in their own time are left alone: no clock tells
    theirs. Raises SomeFailed at the end.
    """
    programmes = await asyncio.to_thread(in_which_something_is_due)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(programme: str) -> bool:
        async with slots:
            state = await progress(programme, return_state=True)
        return bool(state.is_completed())

    done = await asyncio.gather(*map(one, programmes))
    failed = [programme for programme, is_done in zip(programmes, done, strict=True) if not is_done]
    if failed:
        raise SomeFailed(f"{len(failed)} of {len(programmes)} programmes failed: {', '.join(failed)}")
    return programmes


def in_which_something_is_due() -> list[str]:
    """By name. Nothing is opened but the ledger."""
    with open_reading(Settings.load()) as reading:
        now = now_ms()
        return [
            state.programme for state in announced(reading) if state.clock == "broker" and due(state, now) is not None
        ]
