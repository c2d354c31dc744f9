"""What no checkpoint covers yet, and for how long."""

from __future__ import annotations

from events.entry import decode_members
from infra.ledger import Ledger


def unsigned_since(ledger: Ledger, programme: str, signed: int, size: int) -> int | None:
    """The receipt (Unix milliseconds) of the first record after the `signed` entries that a checkpoint covers; None when
    there is none. A settlement carries the receipt of what it settles, which may lie far back, so first entries count.
    """
    for stored in ledger.read(programme, signed, size, with_openings=False):
        _, _, _, _, received_ms, *_, of = decode_members(stored.entry)
        if of is None:
            return received_ms
    return None
