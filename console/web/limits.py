"""How much one API key may send: a bucket of events that fills by the minute, and requests under way.

The state is this process's own. Several processes behind one address let through as many times the limit as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from console.web.problems import Problem
from infra.api_key import ApiKey

MINUTE_MS = 60_000
UNDER_WAY_MAX = 64
UNDER_WAY_OF_ONE_MAX = 16
ASKING = "receipts"
"""All who ask for receipts count as one: a token belongs to no key. No key has this id."""


@dataclass(slots=True)
class Bucket:
    """A token bucket in whole numbers: an event costs 60,000, each millisecond gives `per_minute` back."""

    per_minute: int
    burst: int
    level: int
    at_ms: int

    def take(self, events: int, now_ms: int) -> int:
        """Takes that many events, or nothing: 0, or the milliseconds after which they would be there."""
        full = self.burst * MINUTE_MS
        self.level = min(full, self.level + max(0, now_ms - self.at_ms) * self.per_minute)
        self.at_ms = max(self.at_ms, now_ms)
        missing = events * MINUTE_MS - self.level
        if missing > 0:
            return -(-missing // self.per_minute)
        self.level -= events * MINUTE_MS
        return 0

    @property
    def left(self) -> int:
        """Whole events that may be sent at once."""
        return self.level // MINUTE_MS


@dataclass(slots=True)
class Limits:
    """The limits of this process. Used in the event loop only, so nothing is locked."""

    _buckets: dict[str, Bucket] = field(default_factory=dict)
    _under_way: dict[str, int] = field(default_factory=dict)

    def charge(self, key: ApiKey, events: int, now_ms: int) -> None:
        """Raises Problem where the key has to wait."""
        bucket = self._buckets.setdefault(key.id, Bucket(key.per_minute, key.burst, key.burst * MINUTE_MS, now_ms))
        wait_ms = bucket.take(events, now_ms)
        if wait_ms:
            seconds = -(-wait_ms // 1000)
            raise Problem(
                "rate-limited",
                f"{key.per_minute} events a minute, {key.burst} at once; {events} more can be sent in {seconds} s",
                {"retry-after": str(seconds), **self.headers(key)},
            )

    def headers(self, key: ApiKey) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): what is left, and how it fills."""
        bucket = self._buckets.get(key.id)
        left = key.burst if bucket is None else bucket.left
        fills_s = -(-(key.burst - left) * 60 // key.per_minute)
        return {
            "ratelimit-policy": f'"events";q={key.burst};w={-(-key.burst * 60 // key.per_minute)}',
            "ratelimit": f'"events";r={left};t={fills_s}',
        }

    @contextmanager
    def under_way(self, whose: str) -> Iterator[None]:
        """For as long as a request is answered: of a key by its id, or of `ASKING`. Raises Problem where there are too many."""
        own = self._under_way.get(whose, 0)
        if own >= UNDER_WAY_OF_ONE_MAX:
            raise Problem("too-many-requests", f"{own} of these are under way already", {"retry-after": "1"})
        if sum(self._under_way.values()) >= UNDER_WAY_MAX:
            raise Problem("busy", f"{UNDER_WAY_MAX} requests are under way already", {"retry-after": "1"})
        self._under_way[whose] = own + 1
        try:
            yield
        finally:
            self._under_way[whose] -= 1
            if not self._under_way[whose]:
                del self._under_way[whose]
