"""What is sent twice at once goes out once: what this process sent lately, by identity."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from events.record import Position

KEPT = 4096
"""Events sent lately that are remembered."""

Identity = tuple[str, str, str, bytes]
"""Programme, source, id, and the digest of the bytes."""


@dataclass(slots=True)
class Sendings:
    """What this process sent lately. Two that send the same at once send it once, and both are told where it went."""

    _kept: OrderedDict[Identity, Future[Position]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, identity: Identity, publish: Callable[[], Position]) -> Position:
        """Where it went. What failed is forgotten, and may be tried again."""
        with self._lock:
            found = self._kept.get(identity)
            is_first = found is None
            if found is None:
                found = self._kept[identity] = Future()
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        if is_first:
            self._settle(identity, found, publish)
        return found.result()

    def _settle(self, identity: Identity, found: Future[Position], publish: Callable[[], Position]) -> None:
        try:
            found.set_result(publish())
        except BaseException as error:  # noqa: BLE001 - whoever waits for the same is told the same
            with self._lock:
                self._kept.pop(identity, None)
            found.set_exception(error)
