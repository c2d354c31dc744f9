"""The logs: is everything in them covered by a checkpoint?"""

from __future__ import annotations

from console.health import Finding
from infra import clock
from infra.settings import Settings

SHOWN = 3


def checkpoints(settings: Settings) -> Finding:
    """In the broker's time; a scenario's receipts are nobody's clock."""
    from flows.attention import STALE_AFTER_S
    from flows.unsigned import unsigned_since
    from infra.ledger import Ledger

    with Ledger.open(settings.database) as ledger:
        stream, extents = ledger.stream(), ledger.extents()
        behind = [one for one in extents if one.signed < one.size]
        if stream is not None and stream.clock == "scenario":
            return Finding("checkpoints", "ok", f"{len(behind)} of {len(extents)} logs have grown past theirs")
        since = {one.programme: unsigned_since(ledger, one.programme, one.signed, one.size) for one in behind}
    now_ms = clock.now_ms()
    waited_s = {name: (now_ms - since_ms) // 1000 for name, since_ms in since.items() if since_ms is not None}
    stale = sorted((name for name, s in waited_s.items() if s > STALE_AFTER_S), key=lambda name: -waited_s[name])
    if stale:
        told = ", ".join(f"{name} for {waited_s[name]} s" for name in stale[:SHOWN])
        more = f" and {len(stale) - SHOWN} more" if len(stale) > SHOWN else ""
        todo = f"phasegate checkpoint {stale[0]}; why it lags: docs/operating.md#checkpoint-stale"
        return Finding("checkpoints", "failed", f"not signed: {told}{more}", todo)
    return Finding("checkpoints", "ok", f"{len(extents)} log{'' if len(extents) == 1 else 's'}, all signed lately")
