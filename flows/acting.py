"""A person's act on its way: one event, published and seen recorded."""

from __future__ import annotations

from dataclasses import dataclass

from events.bus import Bus
from events.entry import Entry
from events.envelope import Envelope
from events.names import TYPES
from flows.office import Office, message
from flows.tracing import following, of_environment
from infra.keys import SigningKey
from infra.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an act. `detail` is the private sentence of a refusal."""

    entry: Entry
    detail: str | None


def perform(bus: Bus, ledger: Ledger, event: Envelope, key: SigningKey | None, stamp_ms: int | None) -> Recorded:
    """Publishes one event and waits until it is recorded. Raises Unavailable; sent again it may be recorded twice, since
    each act has an id of its own, and then the rules refuse what can only be said once.
    """
    topic = TYPES[event.type].topics[0]
    publisher = bus.publisher()
    try:
        positions = publisher.publish([message(topic, event, key, stamp_ms, following(of_environment()))])
    finally:
        publisher.close()
    (entry,) = Office(bus, ledger, key).recorded(positions)
    stored = next(iter(ledger.read(event.subject or "", entry.index, entry.index + 1)))
    return Recorded(entry, stored.detail)
