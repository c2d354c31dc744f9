"""The composition root: from settings to the real parts. Nothing else constructs an adapter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from events.bus import Bus, Clock
from events.errors import Refused, Unavailable
from events.origins import origin_of
from flows.newest_copy import require_newest, require_unseen
from flows.office import Office
from flows.reader import Reader
from flows.reading import office_keys, open_ledger
from flows.recorder import Recorder
from flows.witnessed import given_out
from handlers.judge import Deployment
from infra.given_out import GivenOut
from infra.kafka import broker
from infra.kafka.bus import KafkaBus
from infra.kafka.client import Cluster
from infra.kafka.process import require_listening
from infra.kafka.security import security_of
from infra.keys import SigningKey, load_key
from infra.ledger import Ledger
from infra.settings import Settings


@dataclass(slots=True)
class Parts:
    """Everything that a running deployment consists of, opened; `close` gives it all back."""

    bus: Bus
    ledger: Ledger
    deployment: Deployment
    origin: str
    office_key: SigningKey
    log_key: SigningKey
    log_key_before: SigningKey | None = None
    given_out: GivenOut | None = None

    def office(self) -> Office:
        """The office's voice on this bus."""
        return Office(self.bus, self.ledger, self.office_key)

    def reader(self) -> Reader:
        """A reader of this ledger; keep it, it remembers what it folded."""
        return Reader(self.ledger, snapshots=True)

    def recorder(self) -> Recorder:
        """A recorder of its own. Topics must be there. Raises Refused where the database may lose what it has committed."""
        self.ledger.require_durable()
        recorder = Recorder(self.bus, self.ledger, self.deployment, self.origin, self.log_key)
        recorder.signer.before, recorder.signer.given_out = self.log_key_before, self.given_out
        return recorder

    def close(self) -> None:
        self.bus.close()
        self.ledger.close()


def assemble(
    bus: Bus, ledger: Ledger, origin: str, office_key: SigningKey, log_key: SigningKey, vkeys: Iterable[str] = ()
) -> Parts:
    """The parts, bound to each other: the ledger notes which bus it records, and refuses any other from then on. Raises
    Refused where its logs stand under another origin.
    """
    _require_origin(ledger, origin)
    ledger.bind(bus.prefix, bus.partitions, bus.clock)
    deployment = Deployment(bus.partitions, office_keys([office_key], vkeys))
    return Parts(bus, ledger, deployment, origin, office_key, log_key)


def _require_origin(ledger: Ledger, origin: str) -> None:
    """Two ledgers of one bus never make logs of one name: a rebuilt one has another origin (docs/decisions/0024)."""
    for head in ledger.heads():
        if head.origin != f"{origin}/{head.programme}":
            own = origin_of(head.origin, head.programme)
            raise Refused(
                f"this ledger keeps its logs under {own!r}, not under {origin!r}", hint=f"set PHASEGATE_ORIGIN={own}"
            )


def bootstrap_of(settings: Settings) -> str:
    """The broker to use: that of the settings, else the local one if it is up. Raises Unavailable."""
    if settings.kafka:
        return settings.kafka
    running = broker.status(settings.home / "kafka")
    if running is None:
        raise Unavailable(
            "no Kafka: PHASEGATE_KAFKA is not set, and the local broker is not up",
            hint="phasegate kafka up, or set PHASEGATE_KAFKA=host:port",
        )
    return running.bootstrap


def cluster_of(settings: Settings) -> Cluster:
    """The cluster of the settings, for what is done to it as a whole."""
    return Cluster(bootstrap_of(settings), security_of(settings))


def open_bus(settings: Settings, ledger: Ledger | None, *, delivery_timeout_ms: int = 60_000) -> KafkaBus:
    """The bus that the ledger records, else that of the settings. What the ledger says wins: keys must not move."""
    stream = None if ledger is None else ledger.stream()
    prefix, partitions, clock = (
        (settings.prefix, settings.partitions, "broker")
        if stream is None
        else (stream.prefix, stream.partitions, stream.clock)
    )
    kept: Clock = "scenario" if clock == "scenario" else "broker"
    return KafkaBus(
        bootstrap_of(settings),
        prefix,
        partitions,
        kept,
        security=security_of(settings),
        delivery_timeout_ms=delivery_timeout_ms,
    )


def open_bus_in_haste(settings: Settings, ledger: Ledger) -> KafkaBus:
    """The same bus, for those who have somebody waiting: it gives up after seconds. Raises Unavailable at once where nobody
    listens at the broker's address.
    """
    require_listening(bootstrap_of(settings))
    return open_bus(settings, ledger, delivery_timeout_ms=8_000)


def open_parts(settings: Settings | None = None, *, make_topics: bool = False, asks_witnesses: bool = False) -> Parts:
    """Everything that the settings name, opened. Topics are looked at, or made, before the ledger is bound to them. Raises
    Tampered where the ledger lacks what left this home or, if they are asked, what its witnesses have seen.
    """
    settings = settings or Settings.load()
    ledger = open_ledger(settings)
    bus = open_bus(settings, ledger)
    if make_topics:
        bus.ensure_topics()
    parts = assemble(
        bus, ledger, settings.origin, load_key(settings.office_key), load_key(settings.log_key), settings.office_vkeys
    )
    require_newest(ledger, settings)
    if asks_witnesses:
        require_unseen(ledger, settings)
    parts.given_out = given_out(ledger, settings)
    if settings.log_key_before is not None:
        parts.log_key_before = load_key(settings.log_key_before)
    return parts


__all__ = [
    "Parts",
    "assemble",
    "bootstrap_of",
    "cluster_of",
    "office_keys",
    "open_bus",
    "open_bus_in_haste",
    "open_ledger",
    "open_parts",
]
