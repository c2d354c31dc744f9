"""What is new in the logs, for everybody who watches: one look at all heads at a time, however many watch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from console.web.problems import Problem
from events.errors import PhasegateError
from flows.reading import Reading

LOOK_EVERY_S = 0.5
WATCHERS_MAX = 1000


class Feed:
    """Looks while somebody watches. To be used within one event loop."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._sizes: Mapping[str, int] = {}
        self._grown = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None
        self._watchers = 0

    def join(self) -> None:
        """Somebody begins to watch. Raises Problem where too many do."""
        if self._watchers >= WATCHERS_MAX:
            raise Problem("busy", f"{WATCHERS_MAX} pages are watched already", {"retry-after": "30"})
        self._watchers += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    def leave(self) -> None:
        self._watchers -= 1
        if self._watchers == 0 and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def beyond(self, programme: str, size: int, within_s: float) -> int:
        """The size of the log once it is larger than this, or when the time is over."""
        async with self._grown:
            try:
                await asyncio.wait_for(
                    self._grown.wait_for(lambda: self._sizes.get(programme, 0) > size), timeout=within_s
                )
            except TimeoutError:
                return size
            return self._sizes[programme]

    async def _look(self) -> None:
        while True:
            try:
                heads = await asyncio.to_thread(self._reading.ledger.heads)
            except PhasegateError:
                heads = []  # The ledger is away: whoever watches waits on.
            sizes = {head.programme: head.size for head in heads}
            if any(size > self._sizes.get(name, 0) for name, size in sizes.items()):
                async with self._grown:
                    self._sizes = sizes
                    self._grown.notify_all()
            await asyncio.sleep(LOOK_EVERY_S)
