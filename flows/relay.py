"""The dead-letter relay: every refused record, unchanged, to the dead-letters topic, at least once.

The cursor moves in the ledger after Kafka has acknowledged; a crash between the two repeats a letter, and readers tell
repeats by the position in the headers (names as Apache Kafka 4.4's own dead letters use them, KIP-1191).
"""

from __future__ import annotations

from collections.abc import Iterable

from events.bus import Bus, Message
from events.entry import decode_entry, decode_headers
from events.record import DEAD_LETTERS
from infra.ledger import Ledger, Stored

CHUNK = 500


class Relay:
    """Sends what the ledger has refused and not yet relayed. Called by the recorder, in its thread."""

    def __init__(self, bus: Bus, ledger: Ledger, group: str) -> None:
        self._publisher = bus.publisher()
        self._ledger = ledger
        self._group = group

    def run(self, programmes: Iterable[str]) -> int:
        """Relays everything that is outstanding in these logs. Returns how many letters were sent."""
        sent = 0
        for programme in programmes:
            while letters := self._ledger.refused_after(programme, self._ledger.relay_cursor(programme), CHUNK):
                found = [self._letter(programme, stored) for stored in letters]
                messages = [message for message in found if message is not None]
                self._publisher.publish(messages)
                self._ledger.set_relay_cursor(programme, letters[-1].index + 1)
                sent += len(messages)
        return sent

    def _letter(self, programme: str, stored: Stored) -> Message | None:
        """None for a record that was erased before it could be sent on."""
        entry = decode_entry(stored.entry)
        first = stored
        if entry.of is not None:
            first = next(iter(self._ledger.read(programme, entry.of, entry.of + 1)))
        if (opening := first.opening) is None:
            return None
        origin = {
            "__dlq.errors.topic": entry.topic,
            "__dlq.errors.partition": str(entry.partition),
            "__dlq.errors.offset": str(entry.offset),
            "__dlq.errors.group": self._group,
            "__dlq.errors.message": stored.detail or "",
            "phasegate_reason": entry.reason or "",
        }
        headers = decode_headers(opening.headers) + tuple((name, text.encode()) for name, text in origin.items())
        return Message(DEAD_LETTERS, opening.key, opening.value, headers, entry.received_ms)

    def close(self) -> None:
        self._publisher.close()
