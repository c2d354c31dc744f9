"""`phasegate witness` as a process: two witnesses, a ledger that asks them, and what happens when one is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from events.cosignature import read_cosignatures, require_quorum
from events.errors import Unavailable
from events.note import open_checkpoint, parse_vkey
from flows.witnessed import witnessed
from infra.keys import from_seed, new_key
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.settings import Settings
from tests.console.conftest import Phasegate
from tests.contracts.ledger import Writing

ROOT = Path(__file__).resolve().parents[2]
LOG = from_seed("phasegate.example/p", b"\x01" * 32)


@contextmanager
def running(home: Path) -> Iterator[str]:
    """The command on a free port; how it says it is named in PHASEGATE_WITNESSES."""
    if not (home / "keys" / "witness.pem").exists():
        new_key(home / "keys", "witness")
    command = [sys.executable, "-m", "console.main", "witness", "--home", str(home), "--log", LOG.vkey]
    process = subprocess.Popen([*command, "--listen", "127.0.0.1:0"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        process.stderr.readline()
        yield process.stderr.readline().removeprefix("at ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def settings(*witnesses: str, quorum: int | None = None) -> Settings:
    return Settings(witnesses=witnesses, quorum=quorum)


def test_a_checkpoint_is_cosigned_by_witnesses_that_come_and_go(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    upgrade(url)
    log = Writing("p")
    with Ledger.open(url) as ledger:
        for records in (300, 40):
            ledger.append(log.records(records))
            ledger.sign("p", LOG)
            note = ledger.checkpoints("p")[-1].note
            with running(tmp_path / "a") as one, running(tmp_path / "b") as two:
                found = witnessed(ledger, "p", note, LOG.verifier, settings(one, two))
            keys = [parse_vkey(address.partition("#")[2]) for address in (one, two)]
            require_quorum(read_cosignatures(found.note, keys), 2, since_s=int(time.time()) - 60)
            assert open_checkpoint(found.note, [LOG.verifier]).size == log.size
        with pytest.raises(Unavailable, match="0 of the 2 witnesses"):
            witnessed(ledger, "p", note, LOG.verifier, settings(one, two))
        assert witnessed(ledger, "p", note, LOG.verifier, settings()).note == note


def test_a_witness_without_a_log_or_a_key_says_what_to_do(phasegate: Phasegate) -> None:
    answer = phasegate("witness")
    assert answer.code == 2
    assert "--log VKEY" in answer.err
    answer = phasegate("witness", "--log", LOG.vkey)
    assert answer.code == 5
    assert "phasegate keys new" in answer.err


@pytest.mark.parametrize("wrong", ["", "127.0.0.1", ":80", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(phasegate: Phasegate, wrong: str) -> None:
    assert phasegate("witness", "--log", LOG.vkey, "--listen", wrong).code == 2
