"""A person's act on its way: one event, published and seen recorded."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from events.bus import Bus, Message
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
    return send_one(bus, ledger, event.subject or "", message(topic, event, key, stamp_ms, following(of_environment())))


def send_one(bus: Bus, ledger: Ledger, programme: str, sent: Message) -> Recorded:
    """Publishes one record of a programme and waits until it is recorded. Raises Unavailable."""
    with closing(bus.publisher()) as publisher:
        positions = publisher.publish([sent])
    (entry,) = Office(bus, ledger, None).recorded(positions)
    stored = next(iter(ledger.read(programme, entry.index, entry.index + 1)))
    return Recorded(entry, stored.detail)
