"""One run at a time for each programme: a slot of Prefect's, which saves work and nothing else. The ledger keeps two runs of
the same transition right (tests/e2e/test_progress_crash.py); so a slot that cannot be had, because whoever holds it is
dead or Prefect lost it, never holds a programme up for longer than SLOT_WITHIN_S.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog
from prefect import get_client
from prefect.concurrency.asyncio import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
    concurrency,
)
from prefect.exceptions import ObjectAlreadyExists

log = structlog.get_logger("phasegate.slots")

SLOT_WITHIN_S = 10.0
LEASE_S = 60.0
"""After this without renewal Prefect takes the slot of a killed run back. The least that Prefect accepts."""

_made: set[str] = set()


def slot_name(programme: str) -> str:
    """The name of a programme's concurrency limit on the Prefect server."""
    return f"phasegate-{programme}"


@asynccontextmanager
async def programme_slot(programme: str) -> AsyncIterator[bool]:
    """Within the block no other run that asks works on this programme. False where the slot was not to be had in time, or is
    not there: then the block runs all the same.
    """
    name = slot_name(programme)
    async with AsyncExitStack() as stack:
        yield await _entered(stack, name)


async def _entered(stack: AsyncExitStack, name: str) -> bool:
    if name not in _made:
        async with get_client() as client:
            with suppress(ObjectAlreadyExists):  # Another run has made it at this moment.
                await client.upsert_global_concurrency_limit_by_name(name, 1)
        _made.add(name)
    slot = concurrency(
        name,
        strict=True,
        timeout_seconds=SLOT_WITHIN_S,
        lease_duration=LEASE_S,
        raise_on_lease_renewal_failure=False,
    )
    try:
        await stack.enter_async_context(slot)
    except AcquireConcurrencySlotTimeoutError:
        log.warning(
            "slot-held", slot=name, waited_s=SLOT_WITHIN_S, hint="going on without it; the ledger keeps it right"
        )
        return False
    except ConcurrencySlotAcquisitionError as error:
        _made.discard(name)  # A server that lost its database: the next run makes it again.
        log.warning("slot-lost", slot=name, error=str(error), hint="going on without it; the ledger keeps it right")
        return False
    return True
