"""The `rounds` flow: looks at every programme, and runs `progress` where something is due, and `publish` where something final
is not published: the backstop of the watch. A programme that is announced
later is taken along by the next round, and one that fails or hangs does not hold up the others.
"""

from __future__ import annotations

import asyncio

from prefect import flow

from flows.attesting import announced
from flows.nightly import SomeFailed
from flows.progress import STUCK_AFTER_S, progress
from flows.publishing import publish, unpublished
from flows.reader import Reader
from flows.reading import has_concluded, open_reading
from flows.run_ends import tell_of_end
from handlers.due import due
from infra.clock import now_ms
from infra.ledger import Ledger
from infra.settings import Settings

AT_ONCE = 4
"""Programmes that progress at the same time, each with connections of its own."""


@flow(
    name="rounds",
    flow_run_name="rounds",
    timeout_seconds=STUCK_AFTER_S,
    on_failure=[tell_of_end],
    on_crashed=[tell_of_end],
)
async def rounds() -> list[str]:
    """Every programme in which something was due. Programmes that run in their own time are left alone: no clock tells
    theirs. Raises SomeFailed at the end.
    """
    programmes = await asyncio.to_thread(in_which_something_is_due)
    final = await asyncio.to_thread(with_something_to_publish)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(programme: str) -> bool:
        async with slots:
            state = await progress(programme, return_state=True)
        return bool(state.is_completed())

    done = await asyncio.gather(*map(one, programmes))
    failed = [programme for programme, is_done in zip(programmes, done, strict=True) if not is_done]
    published = [(programme, await publish(programme, return_state=True)) for programme in final]
    failed += [programme for programme, state in published if not state.is_completed()]
    if failed:
        raise SomeFailed(f"{len(failed)} of {len({*programmes, *final})} programmes failed: {', '.join(failed)}")
    return programmes


def in_which_something_is_due() -> list[str]:
    """By name. Nothing is opened but the ledger."""
    with open_reading(Settings.load()) as reading:
        names, now = sorted(head.programme for head in reading.ledger.heads()), now_ms()
        return [name for name in names if _is_due(reading.ledger, name, now)]


def _is_due(ledger: Ledger, programme: str, now: int) -> bool:
    """One that has concluded is not folded, and none is kept: else a round would cost what the ledger has ever held."""
    if has_concluded(ledger, programme):
        return False
    state = Reader(ledger).state(programme)
    return state.announced is not None and state.clock == "broker" and due(state, now) is not None


def with_something_to_publish() -> list[str]:
    """By name; none where no folder is set."""
    settings = Settings.load()
    folder = settings.publish_dir
    if folder is None:
        return []
    with open_reading(settings) as reading:
        return [state.programme for state in announced(reading) if unpublished(state, folder)]
