"""The composition root: from settings to the real parts. Nothing else constructs an adapter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from events.bus import Bus
from events.note import ED25519, parse_vkey
from flows.office import Office
from flows.reader import Reader
from flows.recorder import Recorder
from handlers.judge import Deployment
from infra.keys import SigningKey
from infra.ledger import Ledger


@dataclass(slots=True)
class Parts:
    """Everything that a running deployment consists of, opened; `close` gives it all back."""

    bus: Bus
    ledger: Ledger
    deployment: Deployment
    origin: str
    office_key: SigningKey
    log_key: SigningKey

    def office(self) -> Office:
        """The office's voice on this bus."""
        return Office(self.bus, self.ledger, self.office_key)

    def reader(self) -> Reader:
        """A reader of this ledger; keep it, it remembers what it folded."""
        return Reader(self.ledger)

    def recorder(self) -> Recorder:
        """A recorder of its own. Topics must be there."""
        return Recorder(self.bus, self.ledger, self.deployment, self.origin, self.log_key)

    def close(self) -> None:
        self.bus.close()
        self.ledger.close()


def office_keys(keys: Iterable[SigningKey], vkeys: Iterable[str] = ()) -> Mapping[str, bytes]:
    """The office's public keys by the kid under which they sign: its own, and others that settings trust."""
    trusted = {key.kid: key.public for key in keys}
    for text in vkeys:
        vkey = parse_vkey(text)
        if vkey.algorithm == ED25519:
            trusted[f"{vkey.name}+{vkey.key_id.hex()}"] = vkey.public
    return trusted


def assemble(
    bus: Bus, ledger: Ledger, origin: str, office_key: SigningKey, log_key: SigningKey, vkeys: Iterable[str] = ()
) -> Parts:
    """The parts, bound to each other: the ledger notes which bus it records, and refuses any other from then on."""
    ledger.bind(bus.prefix, bus.partitions, bus.clock)
    deployment = Deployment(bus.partitions, office_keys([office_key], vkeys))
    return Parts(bus, ledger, deployment, origin, office_key, log_key)
