"""What the application holds for as long as it runs, and how a request gets hold of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request

from console.web.access_writer import Writer
from console.web.computations import Computations
from console.web.counting import Counts
from console.web.explained import Explanations
from console.web.feed import Feed
from console.web.kept_parts import KeptParts
from console.web.limits import Limits
from console.web.operations import Operations
from console.web.replays import Replays
from console.web.sent_once import Sendings
from flows.marking_orders import Seeds
from flows.outlet import Outlet
from flows.reading import Reading, open_reading
from flows.receipts import Receipts
from flows.wiring import open_bus_in_haste
from infra.access import AccessStore
from infra.access.provider import Provider
from infra.clock import now_ms
from infra.keys import SigningKey, load_key
from infra.ledger import IntakeStore
from infra.settings import Settings


class Turns:
    """Reading keeps logs folded and folds on: who reads the same one takes turns, by its name."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, programme: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(programme, threading.Lock())


@dataclass(slots=True)
class Site:
    """The parts behind the pages. `now` gives Unix milliseconds."""

    settings: Settings
    reading: Reading
    outlet: Outlet
    access: AccessStore
    accesses: Writer
    now: Callable[[], int] = now_ms
    limits: Limits = field(default_factory=Limits)
    counts: Counts = field(default_factory=Counts)
    turns: Turns = field(default_factory=Turns)
    sendings: Sendings = field(default_factory=Sendings)
    computations: Computations = field(default_factory=Computations)
    parts: KeptParts = field(default_factory=KeptParts)
    feed: Feed = field(init=False)
    explanations: Explanations = field(init=False)
    receipts: Receipts = field(init=False)
    replays: Replays = field(init=False)
    seeds: Seeds = field(init=False)
    operations: Operations = field(init=False)
    store: IntakeStore = field(init=False)
    provider: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed(self.reading)
        self.explanations = Explanations(self.reading)
        self.receipts = Receipts(self.reading, self.settings)
        self.replays = Replays(self.settings)
        self.seeds = Seeds(self.reading)
        self.operations = Operations(self.settings, self.reading, self.turns.of, self.now)
        self.store = self.reading.ledger.intake()
        self.provider = Provider(self.settings)


def intake_key(settings: Settings) -> SigningKey | None:
    """The key under which receipts are signed, where there is one."""
    return load_key(settings.intake_key) if settings.intake_key.is_file() else None


@contextmanager
def opened(settings: Settings, counts: Counts) -> Iterator[Site]:
    """Everything that the settings name. The ledger must be there; the broker may come later."""
    key = intake_key(settings)
    with open_reading(settings) as reading, AccessStore.open(settings.database) as access:
        ledger = reading.ledger
        # Whoever explains needs every state folded from its first entry; a second copy of each would be for nothing.
        reading.glance = reading.reader
        reading.reader.keep_prefixes()
        outlet = Outlet(lambda: open_bus_in_haste(settings, ledger), ledger.intake(), settings.origin, key)
        outlet.start()
        writer = Writer(access.log)
        try:
            site = Site(settings, reading, outlet, access, writer, counts=counts)
            try:
                yield site
            finally:
                site.operations.close()
        finally:
            outlet.close()
            writer.close()


def site_of(request: Request) -> Site:
    """The site of the application that answers the request."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site
