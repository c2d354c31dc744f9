"""The web application as it runs: on a port, over a real broker, with a recorder that works when it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from console.web import cookie
from console.web.application import create_app
from console.web.forms import FIELD
from console.web.server import WebServer
from events.bus import Message
from events.envelope import Envelope, encode
from events.errors import Refused
from events.record import Position
from events.values import format_instant
from flows.office import message
from flows.recorder import Recorder
from flows.wiring import Parts, assemble
from infra.access import ANY, AccessStore, Given, Role
from infra.api_key import ApiKey, Scope, draw, hashed
from infra.clock import now_ms
from infra.kafka.bus import KafkaBus
from infra.keys import SigningKey, new_key
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.settings import Settings
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

PARTITIONS = 2
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCHED = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
PATIENCE_S = 60


@dataclass
class Website:
    """`client` speaks to the application; `record` lets the recorder take in all that the bus holds."""

    parts: Parts
    recorder: Recorder
    settings: Settings
    client: httpx.Client
    intake_key: SigningKey

    def key(self, **more: Any) -> str:
        """A new API key: for everything that needs no office, unless it is said otherwise."""
        return new_api_key(self.parts.ledger, **more)[1]

    def post(self, content: bytes, key: str, headers: Mapping[str, str] = STRUCTURED, **more: Any) -> httpx.Response:
        return self.client.post(
            "/v1/events", content=content, headers={"authorization": f"Bearer {key}", **headers}, **more
        )

    def sent(self, said: Envelope, key: str, **more: Any) -> dict[str, Any]:
        """The receipt of one event."""
        answer = self.post(encode(said), key, **more)
        assert answer.status_code == 202, answer.text
        (receipt,) = answer.json()["receipts"]
        found: dict[str, Any] = receipt
        return found

    def asked(self, receipt: Mapping[str, Any], key: str) -> dict[str, Any]:
        """What became of it."""
        answer = self.client.get(receipt["url"], headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def tell(self, *messages: Message) -> list[Position]:
        """Over Kafka, without the application."""
        with closing(self.parts.bus.publisher()) as publisher:
            return publisher.publish(messages)

    def record(self) -> None:
        """Until the recorder has all that is on the bus, and a checkpoint covers it."""
        ends = self.parts.bus.ends()
        deadline = time.monotonic() + PATIENCE_S
        while any(self.parts.ledger.positions(ends)[place] < end for place, end in ends.items()):
            assert time.monotonic() < deadline, "the recorder did not get there"
            self.recorder.step(0.1)
        self.recorder.settle_up()


def new_api_key(
    ledger: Ledger,
    sources: Sequence[str] = ("urn:*",),
    types: Sequence[str] = ("*",),
    programmes: Sequence[str] = ("*",),
    **more: Any,
) -> tuple[str, str]:
    """The id of a new key, and the key."""
    key_id, whole = draw()
    limits = {"per_minute": 60_000, "burst": 60_000, "created_ms": now_ms()} | more
    ledger.intake().add_key(
        ApiKey(key_id, "a test", hashed(whole), Scope(tuple(sources), tuple(types), tuple(programmes)), **limits)
    )
    return key_id, whole


def said(name: str, event_id: str, source: str, /, **data: Any) -> Envelope:
    """An event of the small programme, of now."""
    return Envelope(event_id, source, f"phasegate.{name}.v1", small.PROGRAMME, format_instant(now_ms()), data)


def registration(team: str, event_id: str | None = None) -> Envelope:
    return said(
        "entrant.registered", event_id or f"register-{team}", f"urn:team:{team}", entrant=team, name=team, members=[]
    )


def settings_of(home: Path, database: str, bootstrap: str, prefix: str) -> Settings:
    names = environment(home, database, bootstrap)
    return Settings(
        home=home,
        database=database,
        kafka=bootstrap,
        prefix=prefix,
        partitions=PARTITIONS,
        origin=ORIGIN,
        office_key=Path(names["PHASEGATE_OFFICE_KEY"]),
        log_key=Path(names["PHASEGATE_LOG_KEY"]),
    )


@contextmanager
def website(home: Path, bootstrap: str, prefix: str) -> Iterator[Website]:
    """The small programme is announced, on the broker's time."""
    settings = settings_of(home, f"sqlite:///{home}/ledger.sqlite", bootstrap, prefix)
    intake_key = new_key(home / "keys", "intake")
    upgrade(settings.database)
    bus = KafkaBus(bootstrap, prefix, PARTITIONS)
    bus.ensure_topics()
    parts = assemble(bus, Ledger.open(settings.database), ORIGIN, OFFICE_KEY, LOG_KEY)
    with (
        closing(parts),
        closing(parts.recorder()) as recorder,
        WebServer(create_app(settings), "127.0.0.1", 0) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        site = Website(parts, recorder, settings, client, intake_key)
        site.tell(message("decisions", small.announced(clock="broker"), OFFICE_KEY, now_ms()))
        site.record()
        yield site


def signed_in(
    client: httpx.Client,
    database: str,
    account: str,
    *roles: Role,
    programme: str = ANY,
    entrant: str | None = None,
    evaluator: str | None = None,
) -> dict[str, str]:
    """Signs a client in, to an account that gets these roles in a programme beside those that it has. Returns the field that
    each of its forms bears: `client.post(path, data={**field, …})`. `client.cookies` has what a real browser would need.
    """
    who = {"entrant": entrant, "evaluator": evaluator}
    with AccessStore.open(database) as store:
        with suppress(Refused):
            store.accounts.add(account, None, now_ms())
        for role in roles:
            store.accounts.give(account, Given(programme, role, who.get(role)), now_ms())
        return _held(client, store.sessions.begin(account, "local", now_ms()))


def not_signed_in(client: httpx.Client) -> dict[str, str]:
    """The field for the forms of somebody who has not signed in."""
    return _held(client, cookie.draw())


def _held(client: httpx.Client, secret: str) -> dict[str, str]:
    client.cookies.clear()
    client.cookies.set(cookie.PLAIN, secret, domain=client.base_url.host)
    return {FIELD: cookie.token(secret)}
