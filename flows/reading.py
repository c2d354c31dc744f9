"""What those need who only read: the ledger and public keys. Brings in neither Kafka nor Prefect
(tests/console/test_replaying.py).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from events.entry import decode_entry
from events.errors import NotFound, Unavailable
from events.note import ED25519, VerifierKey, parse_vkey
from flows.reader import Moment, Reader
from handlers.judge import Deployment
from handlers.state import State
from infra.keys import SigningKey, load_key
from infra.ledger import Head, Ledger
from infra.settings import Settings

LOOK_BACK = 50
"""Entries at the end of a log in which its conclusion is looked for: attestations and what came too late may follow it."""

_CONCLUDED = "phasegate.programme.concluded.v1"


@dataclass(slots=True)
class Reading:
    """A ledger opened for reading, and whose signatures count in it: the office's by kid, the logs' under any name."""

    ledger: Ledger
    partitions: int
    office_keys: Mapping[str, bytes]
    log_keys: tuple[VerifierKey, ...]
    reader: Reader = field(init=False)
    glance: Reader = field(init=False)
    """For those who look at what is known now, and rest nothing on it."""

    def __post_init__(self) -> None:
        self.reader = Reader(self.ledger)
        self.glance = Reader(self.ledger, snapshots=True)

    def deployment(self) -> Deployment:
        """What judging again needs. Raises Unavailable without a key of the office."""
        return deployment_of(self.partitions, self.office_keys)

    def head(self, name: str) -> Head:
        """The head of the log of this name, or of the only log whose name begins so. Raises NotFound."""
        heads = self.ledger.heads()
        found = [head for head in heads if head.programme == name] or [
            head for head in heads if name and head.programme.startswith(name)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(head.programme for head in found)
            raise NotFound(f"several logs begin with {name!r}: {names}", hint="write one of them out")
        known = ", ".join(head.programme for head in heads) or "none"
        raise NotFound(f"the ledger has no log of {name!r}; it has: {known}", hint="phasegate status lists the logs")

    def state(self, programme: str, at: Moment | None = None) -> State:
        """What is known of a programme, or was known at a moment."""
        if at is None:
            return self.reader.state(programme)
        return self.reader.prefix(programme, self.reader.size_at(programme, at)).state

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ledger.close()


def deployment_of(partitions: int, keys: Mapping[str, bytes]) -> Deployment:
    """What judging needs. Raises Unavailable without a key of the office: its events could not be judged."""
    if not keys:
        raise Unavailable(
            "no public key of the programme office is known, so its signatures cannot be verified",
            hint="set PHASEGATE_OFFICE_VKEYS to its vkey; phasegate keys list shows it where the office signs",
        )
    return Deployment(partitions, keys)


def has_concluded(ledger: Ledger, programme: str) -> bool:
    """Whether the end of a log says so. False may also mean that more was said afterwards: then folding it tells."""
    head = ledger.head(programme)
    size = 0 if head is None else head.size
    last = ledger.read(programme, max(0, size - LOOK_BACK), size, with_openings=False)
    entries = (decode_entry(stored.entry) for stored in last)
    return any(entry.type == _CONCLUDED and entry.verdict == "accepted" for entry in entries)


def collect_seldom() -> None:
    """Tells the interpreter to look for garbage in cycles less often, in the whole process. A folded log is millions of
    objects without one; each look walks over them, so that the cost of an event would grow with the log
    (docs/performance.md).
    """
    gc.set_threshold(50_000, 20, 20)


def open_ledger(settings: Settings) -> Ledger:
    """The ledger of the settings. Raises Unavailable when it is not there or its tables are behind."""
    collect_seldom()
    return Ledger.open(settings.database)


def open_reading(settings: Settings) -> Reading:
    """The ledger of the settings with the public keys that they name; of key files that are there, the public half."""
    ledger = open_ledger(settings)
    stream = ledger.stream()
    return Reading(
        ledger,
        settings.partitions if stream is None else stream.partitions,
        trusted_office_keys(settings),
        (*_of_log(settings), *map(parse_vkey, settings.log_vkeys)),
    )


def _of_log(settings: Settings) -> list[VerifierKey]:
    paths = (settings.log_key, settings.log_key_before)
    return [key.verifier for path in paths if path is not None for key in _own(path)]


def office_keys(keys: Iterable[SigningKey], vkeys: Iterable[str] = ()) -> Mapping[str, bytes]:
    """The office's public keys by the kid under which they sign: its own, and others that settings trust."""
    trusted = {key.kid: key.public for key in keys}
    for text in vkeys:
        vkey = parse_vkey(text)
        if vkey.algorithm == ED25519:
            trusted[f"{vkey.name}+{vkey.key_id.hex()}"] = vkey.public
    return trusted


def trusted_office_keys(settings: Settings) -> Mapping[str, bytes]:
    """The office's public keys that the settings name; of its key file, where it can be read, the public half."""
    return office_keys(_own(settings.office_key), settings.office_vkeys)


def _own(path: Path) -> list[SigningKey]:
    """The key in a file, if this reader has it: an auditor has not."""
    return [load_key(path)] if path.is_file() and os.access(path, os.R_OK) else []
