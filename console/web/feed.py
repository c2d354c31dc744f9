"""What is new in the logs, for everybody who watches: one look at all heads at a time, however many watch."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

from anyio.to_thread import run_sync

from console.web.problems import Problem
from events.errors import PhasegateError
from flows.reading import Reading

LOOK_EVERY_S = 0.1
"""One statement over the logs' heads, while anybody watches."""

WATCHERS_MAX = 1000
SHARED_MAX = 64
"""Texts that are kept for those who come a little later."""


class Feed:
    """Looks while somebody watches. To be used within one event loop."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._sizes: Mapping[str, int] = {}
        self._grown = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None
        self._shared: OrderedDict[Hashable, asyncio.Future[str]] = OrderedDict()
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

    async def shared(self, key: Hashable, make: Callable[[], str]) -> str:
        """What `make` gives in a thread, made once for all who ask under the same key. What it raises, all are told."""
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(run_sync(make))
            while len(self._shared) > SHARED_MAX:
                self._shared.popitem(last=False)
        try:
            return await asyncio.shield(self._shared[key])
        except Exception:
            self._shared.pop(key, None)
            raise

    async def _look(self) -> None:
        while True:
            try:
                sizes = await asyncio.to_thread(self._reading.ledger.overview().sizes)
            except PhasegateError:
                sizes = {}  # The ledger is away: whoever watches waits on.
            if any(size > self._sizes.get(name, 0) for name, size in sizes.items()):
                async with self._grown:
                    self._sizes = sizes
                    self._grown.notify_all()
            await asyncio.sleep(LOOK_EVERY_S)
