"""The programme office's voice: events made by the pipeline, signed with its key, published, and seen recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from events.bus import Bus, Message, Publisher
from events.entry import Entry, decode_entry
from events.envelope import CONTENT_TYPE_HEADER, JWS_HEADER, Envelope, encode
from events.errors import NotFound, Refused, Unavailable
from events.record import Position
from events.traceparent import Span
from infra.keys import SigningKey
from infra.ledger import Ledger

RECORDED_WITHIN_S = 60.0
"""How long a flow waits for the recorder before it gives up; the next run finds the event recorded, or sends it again."""

Outgoing = tuple[str, Envelope]
"""A topic (short name) and the event that goes there."""


def message(
    topic: str, event: Envelope, key: SigningKey | None, timestamp_ms: int | None, span: Span | None = None
) -> Message:
    """The record of an event: keyed by its programme, signed when a key is given, sent in this step of a trace."""
    value = encode(event)
    signature = () if key is None else ((JWS_HEADER, key.jws(value)),)
    traced = () if span is None else (span.header(),)
    headers = (CONTENT_TYPE_HEADER, *signature, *traced)
    return Message(topic, (event.subject or "").encode(), value, headers, timestamp_ms)


@dataclass(slots=True)
class Office:
    """Publishes in the office's name and waits until the recorder has recorded it. Without a key it only waits. A
    `publisher` that is given stays open, and is its giver's; without one each publication opens its own.
    """

    bus: Bus
    ledger: Ledger
    key: SigningKey | None
    pause: Callable[[float], None] = time.sleep
    publisher: Publisher | None = None

    def publish(
        self, events: Sequence[Outgoing], timestamp_ms: int | None = None, span: Span | None = None
    ) -> list[Entry]:
        """The first entries of what was published, in order. Raises Refused when the recorder refused one of them."""
        messages = [message(topic, event, self.key, timestamp_ms, span) for topic, event in events]
        entries = self.recorded(self._published(messages))
        for entry, (topic, event) in zip(entries, events, strict=True):
            if entry.verdict == "refused":
                raise Refused(
                    f"the recorder refused {event.type} {event.id} on {topic} as {entry.reason}, at entry {entry.index}",
                    hint=f"phasegate log {event.subject} {entry.index} shows why",
                )
        return entries

    def _published(self, messages: Sequence[Message]) -> list[Position]:
        if self.publisher is not None:
            return self.publisher.publish(messages)
        with closing(self.bus.publisher()) as publisher:
            return publisher.publish(messages)

    def recorded(self, positions: Sequence[Position]) -> list[Entry]:
        """Waits until all positions are recorded. Raises Unavailable when the recorder does not get there in time."""
        self.await_recorded(positions)
        return [self._entry(position) for position in positions]

    def await_recorded(self, positions: Sequence[Position], within_s: float = RECORDED_WITHIN_S) -> None:
        """Waits until the ledger's own positions are past all of these."""
        last: dict[tuple[str, int], int] = {}
        for position in positions:
            tp = (position.topic, position.partition)
            last[tp] = max(position.offset, last.get(tp, -1))
        deadline, wait_s = time.monotonic() + within_s, 0.002
        while behind := self._behind(last):
            if time.monotonic() > deadline:
                topic, partition = behind[0]
                raise Unavailable(
                    f"{topic}/{partition} offset {last[behind[0]]} was not recorded within {within_s:.0f} s",
                    hint="is a recorder running? phasegate record; phasegate status shows how far it is",
                )
            self.pause(wait_s)
            wait_s = min(wait_s * 1.5, 0.1)

    def _behind(self, last: dict[tuple[str, int], int]) -> list[tuple[str, int]]:
        done = self.ledger.positions(last)
        return [tp for tp, offset in last.items() if done.get(tp, 0) <= offset]

    def _entry(self, position: Position) -> Entry:
        found = self.ledger.find(position)
        if found is None:
            raise NotFound(f"the ledger is past {position} but has no entry for it; phasegate doctor checks the ledger")
        programme, index = found
        return decode_entry(next(iter(self.ledger.read(programme, index, index + 1))).entry)
