"""The only clock. Whoever decides is told the time; nothing below `flows` asks for it."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000
