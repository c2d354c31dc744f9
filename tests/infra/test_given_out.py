"""What left a home is remembered, and a ledger that does not extend it signs nothing."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from events.errors import Tampered, Unavailable
from events.merkle import leaf_hash, tree_root
from events.note import Checkpoint, checkpoint_text, unverified
from infra.given_out import GivenOut
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.contracts.ledger import KEY, Writing

ORIGIN = "phasegate.example/p"
SIGNER = KEY.named(ORIGIN)


def note(size: int, leaf: bytes = b"x") -> bytes:
    return SIGNER.sign_note(checkpoint_text(Checkpoint(ORIGIN, size, tree_root([leaf_hash(leaf)] * size))))


def test_the_largest_is_kept_and_no_other_root_at_its_size(tmp_path: Path) -> None:
    memory = GivenOut(tmp_path / "checkpoints")
    assert memory.latest(ORIGIN) is None
    for size in (3, 7, 5, 7):
        memory.keep(note(size))
    assert memory.latest(ORIGIN) == unverified(note(7))
    with pytest.raises(Tampered, match="at size 7"):
        memory.keep(note(7, b"y"))
    assert memory.place(ORIGIN).read_bytes() == note(7)
    memory.place("phasegate.example/q").write_bytes(note(3))
    with pytest.raises(Tampered, match=r"holds a checkpoint of .*/p', not of .*/q'"):
        memory.latest("phasegate.example/q")
    memory.place(ORIGIN).write_bytes(b"")
    with pytest.raises(Tampered):
        memory.keep(note(9))


def test_of_many_that_keep_at_once_the_largest_stays(tmp_path: Path) -> None:
    threads = [threading.Thread(target=GivenOut(tmp_path).keep, args=[note(size)]) for size in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert GivenOut(tmp_path).latest(ORIGIN) == unverified(note(16))


def test_what_cannot_be_kept_is_not_given_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be kept"):
        GivenOut(tmp_path / "file").keep(note(1))


def signs(ledger: Ledger, memory: GivenOut) -> Checkpoint:
    return ledger.sign("p", KEY, given_out=memory.latest(ORIGIN))


def test_an_older_copy_of_the_database_signs_nothing_after_a_newer_checkpoint_left(tmp_path: Path) -> None:
    database, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    memory, log = GivenOut(tmp_path / "checkpoints"), Writing("p")
    upgrade(url := f"sqlite:///{database}")
    with Ledger.open(url) as ledger:
        ledger.append(log.records(300))
        signs(ledger, memory)
    shutil.copy(database, copy)
    with Ledger.open(url) as ledger:
        ledger.append(log.records(300))
        signs(ledger, memory)
        memory.keep(ledger.checkpoints("p")[-1].note)
    shutil.copy(copy, database)
    other = Writing("p")
    for _ in range(300):
        other.first()
    with Ledger.open(url) as ledger:
        for size, told in ((300, "but the ledger has 300 entries"), (500, "has 500"), (600, "root"), (900, "root")):
            if size > other.size:
                ledger.append(other.batch(*[other.first("accepted", b"[]") for _ in range(size - other.size)]))
            with pytest.raises(Tampered, match=told) as error:
                signs(ledger, memory)
            assert "not the newest copy" in error.value.hint
            with pytest.raises(Tampered, match="was given out"):
                ledger.require_extension("p", size, unverified(memory.place(ORIGIN).read_bytes()))
        assert [one.size for one in ledger.checkpoints("p")] == [300]


def test_a_ledger_that_extends_what_left_signs_on(tmp_path: Path) -> None:
    memory, log = GivenOut(tmp_path / "checkpoints"), Writing("p")
    upgrade(url := f"sqlite:///{tmp_path}/ledger.db")
    with Ledger.open(url) as ledger:
        for count in (1, 255, 1, 300, 0):
            if count:
                ledger.append(log.records(count))
            assert signs(ledger, memory).size == log.size
            memory.keep(ledger.checkpoints("p")[-1].note)
