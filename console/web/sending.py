"""Sending events from pages, and the page that waits for the record. For every page on which a person says something.

How a page uses it, once `require` and `own_form` let the visitor pass::

    with site.turns.of(programme):
        event = …                                  # an Envelope whose id and time the form has kept since it was shown
        prepared = prepare(site, state, event)     # the bytes and the signature; raises Refused where a key is missing
    place = send(site, prepared, sender_of(visitor))   # raises Unavailable within seconds; the same may be sent again
    return RedirectResponse(address(page, programme, place), 303)

`send` waits for the broker, not for the recorder. The page at `address` waits for that: `/programmes/P/sent/TOPIC/PARTITION/
OFFSET`, and `outcome` says the same to a page that shows it itself. One event (source, id, bytes) is sent once, however often
its form comes: what is under way in this process it waits for, what any process sent it finds among the receipts, and a copy
that slips through between two processes is recorded as a duplicate. So whoever makes a form fixes the event's id in it
(`flows.sending.uuid7`).

Which account sent the record at a position is kept beside the receipts of the intake, not in the log (`sent_by`).
"""

from __future__ import annotations

from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass

from console.web.access import Visitor
from console.web.page import Page
from console.web.sent_once import Identity
from console.web.site import Site
from events.bus import Message
from events.entry import Entry, decode_entry
from events.envelope import JWS_HEADER, Envelope, Malformed, decode
from events.errors import Unavailable
from events.http_binding import Carried
from events.names import TYPES
from events.record import Position, partition_for
from events.values import parse_instant
from flows.office import message
from flows.signing_keys import signing_key
from flows.tracing import following
from handlers.judge import identity_digest
from handlers.state import State

ANSWER_WITHIN_S = 20.0
ACCOUNT = "account:"
"""Begins the name of a sender that is an account of the console, where the intake has the id of an API key."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event ready to go out, to a partition that its programme's key decides."""

    programme: str
    event: Envelope
    message: Message
    partition: int

    @property
    def sha256(self) -> bytes:
        return identity_digest(self.message.value)

    @property
    def identity(self) -> Identity:
        return self.programme, self.event.source, self.event.id, self.sha256


def prepare(site: Site, state: State, event: Envelope) -> Prepared:
    """The record of an event, signed where its source has to. Who asks has the turn of the programme. Raises Refused and
    NotFound where the key is not here.
    """
    topic = TYPES[event.type].topics[0]
    stamp_ms = parse_instant(event.time) if state.clock == "scenario" else None
    sent = message(topic, event, signing_key(site.settings, state, event), stamp_ms, following(None))
    partitions = site.reading.deployment().partitions
    return Prepared(state.programme, event, sent, partition_for(sent.key or b"", partitions))


def sender_of(visitor: Visitor) -> str:
    """How an account stands beside what it sent."""
    return f"{ACCOUNT}{visitor.name}"


def sent_by(site: Site, position: Position) -> str | None:
    """The account (`account:…`) or the id of the API key that sent the record at a position; None where neither did."""
    given = site.store.given(position)
    return None if given is None else given.api_key


def send(site: Site, prepared: Prepared, sender: str) -> Position:
    """Where the broker put it. Raises Unavailable when the broker does not answer within seconds: then the same may be sent
    again, and is recorded once.
    """
    before = site.store.places(prepared.message.topic, prepared.partition, prepared.sha256)
    return before[0] if before else site.sendings.once(prepared.identity, lambda: _publish(site, prepared, sender))


def send_again(site: Site, prepared: Prepared, sender: str, said: int) -> Position:
    """`send` for a record that was refused and is sent once more: `said` is the entry that says so. Once in this process;
    a copy is judged as what it is.
    """
    programme, source, event_id, digest = prepared.identity
    return site.sendings.once(
        (programme, source, f"{event_id} {said}", digest), lambda: _publish(site, prepared, sender)
    )


def _publish(site: Site, prepared: Prepared, sender: str) -> Position:
    sent = prepared.message
    assert sent.value is not None  # An event has bytes.
    carried = Carried(sent.value, prepared.event, dict(sent.headers).get(JWS_HEADER))
    waiting = site.outlet.send([carried], [sent], sender)
    try:
        (receipted,) = waiting.result(ANSWER_WITHIN_S)
    except NotInTime:
        # Not cancelled: it may be on its way, and the same sent again is a duplicate then.
        raise Unavailable(
            f"the broker did not answer in {ANSWER_WITHIN_S:g} s", hint="send it again; it is recorded once"
        ) from None
    site.counts.events.labels(sent.topic).inc()
    return receipted.receipt.position


def address(page: Page, programme: str, position: Position) -> str:
    """The page that waits until the record at a position is in the log, and then says what became of it."""
    return page.link("programmes", programme, "sent", position.topic, position.partition, position.offset, at="")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record: `entry` has the verdict that counts now. `counts` is the entry that counts in place of a
    duplicate; `detail` the private sentence of a refusal.
    """

    entry: Entry
    detail: str | None
    event: Envelope | None
    counts: int | None = None


def outcome(site: Site, programme: str, position: Position) -> Outcome | None:
    """None as long as it is not recorded, and for a record of another programme's log."""
    found = site.reading.ledger.record_at(position)
    if found is None or found.programme != programme:
        return None
    last = decode_entry(found.entry if found.settlement is None else found.settlement)
    stored = next(iter(site.reading.ledger.read(programme, last.index, last.index + 1)))
    try:
        event = None if found.opening is None else decode(found.opening.value)
    except Malformed:
        event = None
    return Outcome(last, stored.detail, event, _counting(site, position, last))


def _counting(site: Site, position: Position, entry: Entry) -> int | None:
    """The entry of the record that a duplicate repeats, where that was sent from here too."""
    given = site.store.given(position) if entry.verdict == "duplicate" else None
    if given is None:
        return None
    first = site.store.places(position.topic, position.partition, given.sha256)[0]
    found = site.reading.ledger.record_at(first)
    return None if found is None or first == position else found.index
