"""A publisher that is kept for as long as it works: opening one for each publication costs more than publishing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

from events.bus import Bus, Message, Publisher, Stamped
from events.errors import Refused, Unavailable
from events.record import Position


class KeptPublisher:
    """For several threads. One that failed is closed, and the next publication opens another: an idempotent producer that
    lost its place never finds it again.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._open: Publisher | None = None

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        """Where each message was stored. Raises Refused when nothing was sent, and Unavailable."""
        return [one.position for one in self.publish_stamped(messages)]

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        """`publish`, with the stamp of each message beside its position."""
        publisher = self._opened()
        try:
            return publisher.publish_stamped(messages)
        except Refused:
            raise
        except BaseException:
            self._drop(publisher)
            raise

    def _opened(self) -> Publisher:
        with self._lock:
            if self._open is None:
                self._open = self._bus.publisher()
            return self._open

    def _drop(self, publisher: Publisher) -> None:
        with self._lock:
            if self._open is publisher:
                self._open = None
        with suppress(Unavailable):  # It failed already; that is told.
            publisher.close()

    def close(self) -> None:
        """Gives the publisher back; a later publication opens another."""
        with self._lock:
            publisher, self._open = self._open, None
        if publisher is not None:
            publisher.close()
