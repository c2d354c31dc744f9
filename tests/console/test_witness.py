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
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, ORIGIN, memory_stage

ROOT = Path(__file__).resolve().parents[2]
LOG = from_seed("phasegate.example/p", b"\x01" * 32)


@contextmanager
def running(home: Path, log: str = LOG.vkey) -> Iterator[str]:
    """The command on a free port; how it says it is named in PHASEGATE_WITNESSES."""
    if not (home / "keys" / "witness.pem").exists():
        new_key(home / "keys", "witness")
    command = [sys.executable, "-m", "console.main", "witness", "--home", str(home), "--log", log]
    process = subprocess.Popen([*command, "--listen", "127.0.0.1:0"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        process.stderr.readline()
        yield process.stderr.readline().removeprefix("at ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def settings(home: Path, *witnesses: str, quorum: int | None = None) -> Settings:
    return Settings(home=home, witnesses=witnesses, quorum=quorum)


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
                found = witnessed(ledger, "p", note, LOG.verifier, settings(tmp_path, one, two))
            keys = [parse_vkey(address.partition("#")[2]) for address in (one, two)]
            require_quorum(read_cosignatures(found.note, keys), 2, since_s=int(time.time()) - 60)
            assert open_checkpoint(found.note, [LOG.verifier]).size == log.size
        (kept := tmp_path / "checkpoints" / LOG.name.replace("/", "~")).unlink()
        with pytest.raises(Unavailable, match="0 of the 2 witnesses"):
            witnessed(ledger, "p", note, LOG.verifier, settings(tmp_path, one, two))
        assert kept.read_bytes() == note  # before a witness sees it
        assert witnessed(ledger, "p", note, LOG.verifier, settings(tmp_path)).note == note


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


def test_what_is_published_carries_a_quorum_and_below_it_nothing_is(
    phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "office"
    home.mkdir()
    stage = memory_stage(home)
    stage.tell(small.announced(), *small.beginnings())
    stage.parts.ledger.close()
    for name, value in environment(home, f"sqlite:///{home}/ledger.sqlite").items():
        if name.startswith("PHASEGATE_"):
            monkeypatch.setenv(name, value)
    vkey = LOG_KEY.named(f"{ORIGIN}/{small.PROGRAMME}").vkey
    bundle, zipped = tmp_path / "bundle", tmp_path / "bundle.zip"
    with running(tmp_path / "a", vkey) as one, running(tmp_path / "b", vkey) as two:
        monkeypatch.setenv("PHASEGATE_WITNESSES", f"{one} {two}")
        signed = phasegate("checkpoint", small.PROGRAMME, "--json")
        assert signed.data["note"].count("\n\u2014 witness ") == 2
        assert phasegate("export", small.PROGRAMME, "--out", str(bundle)).code == 0
    given = [word for address in (one, two) for word in ("--witness", address.partition("#")[2])]
    verified = phasegate("verify", str(bundle), "--vkey", vkey, *given, "--quorum", "2", "--max-age", "PT1H", "--json")
    assert [row["witness"] for row in verified.data["cosigned"]] == ["witness", "witness"]

    for words in (
        ("checkpoint", small.PROGRAMME),
        ("prove", small.PROGRAMME, "0"),
        ("export", small.PROGRAMME, "--out", str(tmp_path / "again")),
        ("export", small.PROGRAMME, "--zip", "--out", str(zipped)),
    ):
        answer = phasegate(*words)
        assert (answer.code, answer.out) == (7, "")
        assert answer.err.count("no answer from") == 2
    assert not (tmp_path / "again").exists()
    assert not zipped.exists()
    monkeypatch.setenv("PHASEGATE_QUORUM", "0")
    assert phasegate("export", small.PROGRAMME, "--out", str(tmp_path / "again")).code == 0
    monkeypatch.setenv("PHASEGATE_QUORUM", "3")
    assert phasegate("checkpoint", small.PROGRAMME).code == 6
