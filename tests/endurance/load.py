"""Events at a steady rate, of cups that begin, are marked, decided and concluded, one after the other."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import count

from events.bus import Bus, Message, Publisher
from events.errors import Unavailable
from infra.clock import now_ms
from tests.endurance.cups import Cup

TICK_S = 0.1
OPENS_AFTER_S, MARKED_AFTER_S = 20, 45
SPARE_S = 45
"""Between the last mark, as planned, and the deadline."""
AT_ONCE = 3
"""Cups that are marked at the same time, as planned."""
TEAMS, JUDGES, ITEMS = 20, 30, 30


class Load(threading.Thread):
    """Publishes `rate` events a second until it is stopped. What was late is made good in the next tick; `late_s` is how far
    the worst tick was behind.
    """

    def __init__(self, bus: Bus, rate: int) -> None:
        super().__init__(name="load", daemon=True)
        self.bus, self.rate = bus, rate
        self.stop = threading.Event()
        self.acknowledged, self.again, self.late_s = 0, 0, 0.0
        self.cups: list[Cup] = []
        self._numbers = count(1)
        self._cups_s = TEAMS * JUDGES * ITEMS / rate
        self._waiting: deque[tuple[float, Iterator[Message]]] = deque()
        self._marked: deque[Iterator[Message]] = deque()

    def run(self) -> None:
        publisher, began, sent, next_cup = self.bus.publisher(), time.monotonic(), 0, 0.0
        while not self.stop.wait(max(0.0, began + sent / self.rate + TICK_S - time.monotonic())):
            passed = time.monotonic() - began
            self.late_s = max(self.late_s, passed - sent / self.rate - TICK_S)
            messages: list[Message] = []
            while passed >= next_cup:
                messages += self._begin(began + next_cup)
                next_cup += self._cups_s
            messages += self._marks(int(self.rate * TICK_S) - len(messages))
            publisher = self._publish(publisher, messages)
            sent += int(self.rate * TICK_S)
        publisher.close()

    def _begin(self, at_s: float) -> list[Message]:
        """Announces a cup. Its marks come a while after it opened, and are through a while before its deadline."""
        now, number = now_ms(), next(self._numbers)
        opens = now + OPENS_AFTER_S * 1000
        closes = now + int((MARKED_AFTER_S + AT_ONCE * self._cups_s + SPARE_S) * 1000)
        cup = Cup(f"cup-{number:04}", "broker", now, ((opens, closes),), TEAMS, JUDGES, ITEMS)
        self.cups.append(cup)
        self._waiting.append((at_s + MARKED_AFTER_S, cup.marks()))
        return cup.beginnings()

    def _marks(self, wanted: int) -> list[Message]:
        """From each cup in turn. Fewer than wanted while too few cups have begun."""
        found: list[Message] = []
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._marked.append(self._waiting.popleft()[1])
        while len(found) < wanted and self._marked:
            marks = self._marked.popleft()
            if (one := next(marks, None)) is not None:
                found.append(one)
                self._marked.append(marks)
        return found

    def _publish(self, publisher: Publisher, messages: list[Message]) -> Publisher:
        while True:
            try:
                self.acknowledged += len(publisher.publish(messages))
            except Unavailable:
                self.again += 1
                publisher = self.bus.publisher()
            else:
                return publisher
