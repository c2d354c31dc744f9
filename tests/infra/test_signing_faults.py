"""Signing and giving out a checkpoint, with every statement, commit, write, sync and move failing once: by an error of the
disk, and by kill -9 of a real process. However it ends, no checkpoint is without its tiles, none is lost, none forks.
"""

from __future__ import annotations

import errno
import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from events.errors import Conflict, Unavailable
from events.note import open_checkpoint, unverified
from events.proofs import consistency_proof, verify_consistency
from events.tiles import reading_tiles
from infra.given_out import GivenOut
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.contracts.ledger import KEY, Writing
from tests.support.faults import Nth, watch_database, watch_files

ROOT = Path(__file__).resolve().parents[2]
GROWTH = 300
"""More than a tile: each signing has tiles to store."""

SIGNED = {"SELECT logs", "SELECT checkpoints", "SELECT entries", "SELECT tiles", "INSERT checkpoints", "INSERT tiles"}
COMMITS = {"COMMIT", "COMMITTED"}
FILES = {"write_all", "sync", "move"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_database")
    upgrade(address)
    return address


def unsigned(url: str) -> None:
    """Something to sign: where the whole log is signed, it grows."""
    with Ledger.open(url) as ledger:
        head, signed = ledger.head("p"), ledger.checkpoints("p")
        if head is not None and (not signed or signed[-1].size < head.size):
            return
    grown(url)


def grown(url: str) -> None:
    """More entries in the log."""
    with Ledger.open(url) as ledger:
        log, head = Writing("p"), ledger.head("p")
        if head is not None:
            log.size = log.offset = head.size
            log.stack = list(head.stack)
        ledger.append(log.records(GROWTH))


def notes_of(url: str) -> list[bytes]:
    """Every checkpoint that is stored, after it was seen that each has all its tiles and extends the one before."""
    with Ledger.open(url) as ledger:
        assert list(ledger.integrity(keys=[KEY.verifier])) == []
        stored = ledger.checkpoints("p")
        heads = [open_checkpoint(one.note, [KEY.named("phasegate.example/p").verifier]) for one in stored]
        for old, new in pairwise(heads):
            proof = consistency_proof(old.size, new.size, reading_tiles(new.size, ledger.tiles("p").hashes))
            verify_consistency(old.size, new.size, proof, old.root, new.root)
        with ledger._engine.connect() as connection:
            rows = connection.execute(text("SELECT number FROM tiles WHERE level = 0")).scalars().all()
        assert sorted(rows) == list(range((heads[-1].size if heads else 0) >> 8))
    return [one.note for one in stored]


def given_out(url: str, home: Path) -> bytes:
    """What `phasegate checkpoint` does: signs, remembers, and only then gives the note away."""
    with Ledger.open(url) as ledger:
        return sign_and_keep(ledger, home)


def sign_and_keep(ledger: Ledger, home: Path) -> bytes:
    memory = GivenOut(home)
    ledger.sign("p", KEY, given_out=memory.latest("phasegate.example/p"))
    note = ledger.checkpoints("p")[-1].note
    memory.keep(note)
    return note


def disk_errors(url: str) -> dict[str, Callable[[], BaseException]]:
    """What the drivers say when the disk is full or broken; for the files, the system's own errors."""
    if url.startswith("sqlite"):
        return {
            "ENOSPC": lambda: sqlite3.OperationalError("database or disk is full"),
            "EIO": lambda: sqlite3.OperationalError("disk I/O error"),
        }
    return {
        "ENOSPC": lambda: psycopg.errors.DiskFull("could not extend file: No space left on device"),
        "EIO": lambda: psycopg.errors.IoError("could not fsync file: Input/output error"),
        "gone": lambda: psycopg.OperationalError("server closed the connection unexpectedly"),
    }


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_an_error_at_any_statement_or_commit_leaves_whole_checkpoints_and_loses_none(url: str, tmp_path: Path) -> None:
    for name, error in disk_errors(url).items():
        kept, hit = notes_of(url), list[str]()
        for nth in range(1, 99):
            unsigned(url)
            with Ledger.open(url) as ledger:
                point = Nth(nth, failing(error()))
                watch_database(ledger._engine, point)
                told = None
                with suppress(Unavailable):
                    told = sign_and_keep(ledger, tmp_path)
            now = notes_of(url)
            assert now[: len(kept)] == kept, (name, point.names)
            assert told is None or told == now[-1]
            assert len(now) - len(kept) == (1 if told or "COMMITTED" in point.names else 0), (name, point.names)
            kept = now
            if told is not None:
                break
            assert len(point.names) == nth
            hit.append(point.names[-1])
        assert {*hit} >= {*point.names} | SIGNED | COMMITS, name
        assert nth > len(point.names) > 12


def test_an_error_at_any_write_of_what_was_given_out_gives_nothing_out(url: str, tmp_path: Path) -> None:
    for code in (errno.ENOSPC, errno.EIO):
        grown(url)
        reached: list[str] = []
        for nth in range(1, 99):
            point = Nth(nth, failing(OSError(code, "broken")))
            with pytest.MonkeyPatch.context() as patch:
                watch_files(point, patch)
                note = b""
                with suppress(Unavailable):
                    note = given_out(url, tmp_path)
            if note:
                break
            reached.append(point.names[-1])
            latest = GivenOut(tmp_path).latest("phasegate.example/p")
            assert latest is None or latest in [unverified(one) for one in notes_of(url)]
            if reached[-1] == "sync" and "move" in reached:  # it is in place: only the folder was not synced
                GivenOut(tmp_path).place("phasegate.example/p").unlink()
        assert reached == ["write_all", "sync", "move", "sync"]
        assert GivenOut(tmp_path).place("phasegate.example/p").read_bytes() == note == notes_of(url)[-1]


KILLED = """
import json, os, signal, sys
from pathlib import Path
import pytest
from tests.infra.test_signing_faults import Ledger, Nth, notes_of, sign_and_keep, unsigned, watch_database, watch_files

url, home = sys.argv[1], Path(sys.argv[2])

def sign(nth, said, names):
    point = Nth(nth, lambda: os.kill(os.getpid(), signal.SIGKILL))
    def reached(name):
        os.write(names, name.encode() + b"\\n")
        point(name)
    patch = pytest.MonkeyPatch()
    with Ledger.open(url) as ledger:
        watch_database(ledger._engine, reached)
        watch_files(reached, patch)
        os.write(said, sign_and_keep(ledger, home))
    os._exit(0)

for nth in range(1, 200):
    unsigned(url)
    (said_out, said), (names_out, names) = os.pipe(), os.pipe()
    if (child := os.fork()) == 0:
        sign(nth, said, names)
    os.close(said); os.close(names)
    _, status = os.waitpid(child, 0)
    was = [line for line in os.fdopen(names_out).read().split("\\n") if line]
    note = os.fdopen(said_out).read()
    print(json.dumps({"nth": nth, "names": was, "note": note, "status": status}), flush=True)
    sys.stdin.readline()
    if status == 0:
        break
"""


def killed_at_each_point(url: str, home: Path) -> Iterator[dict[str, object]]:
    """A process that is killed with SIGKILL at its nth point, for each n, until it comes to its end."""
    command = [sys.executable, "-c", KILLED, url, str(home)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for line in parent.stdout:
            yield json.loads(line)
            parent.stdin.write("\n")
            parent.stdin.flush()
    assert parent.returncode == 0


@pytest.mark.slow
def test_a_process_killed_at_any_point_leaves_whole_checkpoints_and_loses_none(url: str, tmp_path: Path) -> None:
    memory, kept, hit = GivenOut(tmp_path), list[bytes](), list[str]()
    for ran in killed_at_each_point(url, tmp_path):
        names, note = list(map(str, ran["names"])), str(ran["note"]).encode()  # type: ignore[call-overload]
        if not url.startswith("sqlite"):
            time.sleep(0.2)  # the server may still be committing what the dead client sent
        now = notes_of(url)
        assert now[: len(kept)] == kept, names
        assert ("COMMITTED" in names) <= (len(now) == len(kept) + 1), names
        left = memory.latest("phasegate.example/p")
        assert left is None or left in [unverified(one) for one in now], names
        if ran["status"] == 0:
            assert note == now[-1] == memory.place("phasegate.example/p").read_bytes()
        else:
            assert (ran["status"], note, len(names)) == (9, b"", ran["nth"])
            hit.append(names[-1])
        kept = now
    assert {*hit} >= {*names} | SIGNED | COMMITS | FILES
    assert len(hit) >= len(names) > 15


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No write of this process passes this size of a file: a disk that is full at that byte, also for SQLite's own writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_of_the_database_that_fails_at_any_page_leaves_whole_checkpoints(sqlite_database: str) -> None:
    upgrade(sqlite_database)
    kept, failed = list[bytes](), 0
    log = Path(sqlite_database.removeprefix("sqlite:///") + "-wal")
    for page in range(200):
        unsigned(sqlite_database)
        with Ledger.open(sqlite_database) as ledger:
            ledger.head("p")  # the log of pages is there, and empty: its writer closed it
            with files_up_to((log.stat().st_size if log.exists() else 0) + page * 4120 + 100):
                told = None
                with suppress(Unavailable):
                    told = ledger.sign("p", KEY)
        now = notes_of(sqlite_database)
        assert now[: len(kept)] == kept
        assert len(now) - len(kept) == (1 if told else 0)
        kept = now
        if told is not None:
            break
        failed += 1
    assert failed >= 5


SIGNER = """
import sys
from events.errors import Conflict
from tests.infra.test_signing_faults import KEY, Ledger
with Ledger.open(sys.argv[1]) as ledger:
    print("ready", flush=True)
    while True:
        try:
            head = ledger.sign("p", KEY)
        except Conflict:
            continue
        print(head.size, head.root.hex(), flush=True)
"""


@pytest.mark.slow
def test_processes_that_sign_different_heads_at_once_sign_one_history(url: str) -> None:
    grown(url)
    command = [sys.executable, "-c", SIGNER, url]
    children = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for _ in range(8):
            with suppress(Conflict):
                grown(url)
    finally:
        for child in children:
            child.kill()
    outputs = [child.communicate()[0].split("\n")[:-1] for child in children]
    time.sleep(0.2)
    stored = {f"{one.size} {one.root.hex()}" for one in map(unverified, notes_of(url))}
    assert all(set(output) <= stored and output for output in outputs)
