"""Clocks: ours, the cluster's, the database's. Deadlines are judged by the broker's stamps; flows look at ours to see that one
has passed. Nothing is written to ask for a time: each clock is asked, and lies within what passed here meanwhile, or does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.health import Finding
from console.health_parts import UNREACHED, bootstrap
from events.errors import PhasegateError
from infra import clock
from infra.settings import Settings

SKEW_MS = 2_000
SET_THEM = "set the clocks (NTP): docs/operating.md#clock-skew"


def cluster_clock(settings: Settings) -> Finding:
    """Two-sided, of the node that leads the quorum. Other brokers' clocks are not asked: `clocks` sees one that is ahead."""
    if bootstrap(settings) is None:
        return Finding("cluster clock", "warning", UNREACHED)
    from flows.wiring import open_bus

    bus = open_bus(settings, None)
    try:
        node, skew_ms = _skew(bus.leader_time)
    except PhasegateError as error:
        return Finding("cluster clock", "warning", f"not told: {error.message}", error.hint)
    finally:
        bus.close()
    return _found("cluster clock", f"the clock of node {node}, which leads the cluster,", skew_ms)


def database_clock(settings: Settings) -> Finding:
    """Of a PostgreSQL server; a file has the clock of whoever writes it."""
    from infra.ledger import Ledger

    with Ledger.open(settings.database) as ledger:
        if ledger.server_time() is None:
            return Finding("db clock", "ok", "SQLite: the ledger has no clock of its own")
        _, skew_ms = _skew(lambda: ("", ledger.server_time()))
    return _found("db clock", "the database's clock", skew_ms)


def _skew(ask: Callable[[], tuple[Any, int | None]]) -> tuple[Any, int]:
    """Who answered, and by how much its clock lies outside of what passed here meanwhile (milliseconds): 0 proves no more than
    that it lies within. Negative: it is behind.
    """
    before_ms = clock.now_ms()
    who, said_ms = ask()
    after_ms = clock.now_ms()
    assert said_ms is not None  # The caller looked.
    return who, min(0, said_ms - before_ms) + max(0, said_ms - after_ms)


def _found(name: str, whose: str, skew_ms: int) -> Finding:
    if abs(skew_ms) > SKEW_MS:
        side = "ahead of" if skew_ms > 0 else "behind"
        return Finding(name, "failed", f"{whose} is {abs(skew_ms) / 1000:.1f} s {side} ours", SET_THEM)
    told = "is ours" if skew_ms == 0 else f"differs from ours by {abs(skew_ms)} ms"
    return Finding(name, "ok", f"{whose} {told}")
