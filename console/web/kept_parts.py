"""Parts of pages that many look at: each is made once, and kept as text for all for whom it is the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

KEPT = 64
"""Parts that are kept, the latest asked for; a large board has half a megabyte."""


@dataclass(slots=True)
class KeptParts:
    """Of this process, from any thread. A key has everything that the part depends on: the moment, the language, the roles."""

    _kept: OrderedDict[Hashable, str] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, key: Hashable, make: Callable[[], str]) -> str:
        """The part of this key. Who asks has a turn in which nobody else makes the same."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
