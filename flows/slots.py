"""One run at a time for each programme: a slot of Prefect's, which saves work and nothing else. The ledger keeps two runs of
the same transition right (tests/e2e/test_progress_crash.py); so a slot that cannot be had, because whoever holds it is
dead or Prefect lost it, never holds a programme up for longer than SLOT_WITHIN_S.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import httpx
import structlog
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse
from prefect.exceptions import ObjectAlreadyExists

log = structlog.get_logger("phasegate.slots")

SLOT_WITHIN_S = 10.0
ASK_EVERY_S = 0.5
LEASE_S = 60.0
"""After this without renewal Prefect takes the slot of a killed run back. The least that Prefect accepts."""
RENEW_EVERY_S = LEASE_S / 3

_GOING_ON = "going on without it; the ledger keeps it right"
_made: set[str] = set()


def slot_name(programme: str) -> str:
    """The name of a programme's concurrency limit on the Prefect server."""
    return f"phasegate-{programme}"


@asynccontextmanager
async def programme_slot(programme: str) -> AsyncIterator[bool]:
    """Within the block no other run that asks works on this programme. False where the slot was not to be had in time, or is
    not there: then the block runs all the same.

    Asked for by single requests: Prefect's own `concurrency` keeps a thread and a connection for each name that was ever
    asked for, until the process ends (docs/decisions/0035).
    """
    name = slot_name(programme)
    async with get_client() as client:
        lease = await _lease(client, name)
        if lease is None:
            yield False
            return
        renewing = asyncio.create_task(_renew(client, name, lease))
        try:
            yield True
        finally:
            renewing.cancel()
            await _release(client, name, lease)


async def _lease(client: PrefectClient, name: str) -> UUID | None:
    """A lease of the slot; None where there was none in time."""
    try:
        async with asyncio.timeout(SLOT_WITHIN_S):  # The client itself tries for minutes where nobody answers.
            return await _asked(client, name)
    except TimeoutError:
        log.warning("slot-held", slot=name, waited_s=SLOT_WITHIN_S, hint=_GOING_ON)
    except (httpx.HTTPError, LookupError) as error:
        _made.discard(name)  # A server that lost its database: the next run makes it again.
        log.warning("slot-lost", slot=name, error=f"{type(error).__name__}: {error}", hint=_GOING_ON)
    return None


async def _asked(client: PrefectClient, name: str) -> UUID:
    """Asks until it is free. Raises LookupError where there is no such limit, and what httpx raises."""
    if name not in _made:
        with suppress(ObjectAlreadyExists):  # Another run has made it at this moment.
            await client.upsert_global_concurrency_limit_by_name(name, 1)
        _made.add(name)
    while True:
        try:
            answer = await client.increment_concurrency_slots_with_lease([name], 1, "concurrency", LEASE_S)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.LOCKED:
                raise
        else:
            granted = ConcurrencyLimitWithLeaseResponse.model_validate(answer.json())
            if not granted.limits:
                raise LookupError("the server knows no such limit")
            return granted.lease_id
        await asyncio.sleep(ASK_EVERY_S)


async def _renew(client: PrefectClient, name: str, lease: UUID) -> None:
    """For as long as the block runs. One that fails is told; the next may succeed."""
    while True:
        await asyncio.sleep(RENEW_EVERY_S)
        try:
            await client.renew_concurrency_lease(lease, LEASE_S)
        except httpx.HTTPError as error:
            log.warning("slot-not-renewed", slot=name, error=f"{type(error).__name__}: {error}", hint=_GOING_ON)


async def _release(client: PrefectClient, name: str, lease: UUID) -> None:
    try:
        async with asyncio.timeout(SLOT_WITHIN_S):
            await client.release_concurrency_slots_with_lease(lease)
    except (httpx.HTTPError, TimeoutError) as error:
        hint = f"Prefect takes it back within {LEASE_S:g} s"
        log.warning("slot-not-released", slot=name, error=f"{type(error).__name__}: {error}", hint=hint)
