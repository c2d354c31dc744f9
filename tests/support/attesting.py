"""The small programme with an auditor who may attest, and one whose decision was doctored while it was made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from events.decisions import Basis
from flows.office import Outgoing
from handlers import decide
from handlers.state import State
from infra.keys import from_seed
from tests.support import small
from tests.support.stage import Stage, play

AUDITOR = "urn:outside:auditor"
AUDITOR_KEY = from_seed("auditor.example", bytes([21]) * 32)


def rulebook() -> dict[str, Any]:
    rules = small.rulebook()
    auditor = {"source": AUDITOR, "types": ["replay.attested"], "keys": [AUDITOR_KEY.vkey], "signs": "true"}
    return {**rules, "sources": [*rules["sources"], auditor]}


def play_with_auditor(on: Stage) -> None:
    """The whole small programme, under rules that name the auditor."""
    announced = small.announced(rulebook())
    with mock.patch.object(small, "announced", return_value=announced):
        play(on)


@contextmanager
def doctored() -> Iterator[None]:
    """While it lasts the pipeline swaps what becomes of the first two entrants."""
    honest = decide.phase_decided

    def swapped(state: State, phase_id: str, basis: Basis) -> list[Outgoing]:
        *rest, (topic, decided) = honest(state, phase_id, basis)
        first, second, *others = decided.data["outcomes"]
        outcomes = [{**first, "entrant": second["entrant"]}, {**second, "entrant": first["entrant"]}, *others]
        return [*rest, (topic, replace(decided, data={**decided.data, "outcomes": outcomes}))]

    with mock.patch.object(decide, "phase_decided", swapped):
        yield


def auditor_key_file(folder: Path) -> Path:
    path = folder / "auditor.example.pem"
    path.write_bytes(AUDITOR_KEY.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path
