"""The witness, over real HTTP: cosigns what extends what it has seen, and nothing else, also after kill -9."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from events.cosignature import read_cosignatures
from events.errors import Refused, Tampered, Unavailable
from events.note import checkpoint_text
from events.witnessing import BODY_MAX, SIZE_TYPE, format_add_checkpoint
from infra.keys import from_seed
from infra.witness.cosigning import Witness, known_logs
from infra.witness.seen import Seen
from infra.witness.server import WitnessServer
from tests.support.witnesses import LOG, NOW, ONE, TWO, Leaves, answering, post, witness

LEAVES = Leaves()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[WitnessServer]:
    with answering(witness(tmp_path / "seen.sqlite")) as server:
        yield server


def test_a_checkpoint_that_extends_the_last_one_is_cosigned_and_a_stale_size_is_told_ours(
    served: WitnessServer,
) -> None:
    status, _, line = post(served.server_port, LEAVES.request(0, 3))
    assert (status, line) == (200, ONE.cosign(checkpoint_text(LEAVES.checkpoint(3)), NOW))
    assert post(served.server_port, LEAVES.request(0, 9)) == (409, SIZE_TYPE, b"3\n")
    status, _, line = post(served.server_port, LEAVES.request(3, 9))
    assert status == 200
    (found,) = read_cosignatures(LEAVES.note(9) + line, [ONE.witness])
    assert found.time_s == NOW
    assert served.witness.seen.latest(LOG.name) == LEAVES.checkpoint(9)


def test_the_same_checkpoint_again_is_cosigned_again(served: WitnessServer) -> None:
    for old in (0, 5, 5):
        assert post(served.server_port, LEAVES.request(old, 5))[0] == 200


def test_an_empty_log_is_cosigned(served: WitnessServer) -> None:
    assert post(served.server_port, LEAVES.request(0, 0))[0] == 200
    assert post(served.server_port, LEAVES.request(0, 1))[0] == 200


def test_a_rollback_is_never_cosigned(served: WitnessServer) -> None:
    assert post(served.server_port, LEAVES.request(0, 9))[0] == 200
    assert post(served.server_port, LEAVES.request(0, 5)) == (409, SIZE_TYPE, b"9\n")
    assert post(served.server_port, LEAVES.request(5, 5)) == (409, SIZE_TYPE, b"9\n")
    assert post(served.server_port, LEAVES.request(9, 5))[0] == 400
    assert served.witness.seen.latest(LOG.name).size == 9


@pytest.mark.parametrize("fork", [0, 4, 8])
def test_a_fork_is_never_cosigned_and_one_at_the_same_size_is_kept(served: WitnessServer, fork: int) -> None:
    other = Leaves(fork=fork)
    assert post(served.server_port, LEAVES.request(0, 9))[0] == 200
    for size in (10, 16, 17):
        assert post(served.server_port, other.request(9, size))[0] == 422
    assert served.witness.seen.forks(LOG.name) == []
    for _ in range(2):
        assert post(served.server_port, other.request(9, 9))[0] == 422
    assert served.witness.seen.forks(LOG.name) == [other.note(9)]
    assert served.witness.seen.latest(LOG.name) == LEAVES.checkpoint(9)
    assert post(served.server_port, LEAVES.request(9, 10))[0] == 200


def test_a_proof_that_does_not_verify_is_refused(served: WitnessServer) -> None:
    assert post(served.server_port, LEAVES.request(0, 5))[0] == 200
    proof = LEAVES.prove(12)(5)
    for wrong in (proof[:-1], (*proof, proof[0]), (), (b"\0" * 32, *proof[1:])):
        assert post(served.server_port, format_add_checkpoint(5, wrong, LEAVES.note(12)))[0] == 422
    assert served.witness.seen.latest(LOG.name).size == 5


def test_nothing_proves_that_a_log_extends_the_empty_one(served: WitnessServer) -> None:
    assert post(served.server_port, format_add_checkpoint(0, LEAVES.prove(12)(5), LEAVES.note(12)))[0] == 422


def test_an_unknown_log_is_not_found_and_an_unknown_key_is_forbidden(served: WitnessServer) -> None:
    stranger = from_seed("example.com/else", b"\x01" * 32)
    assert post(served.server_port, Leaves(stranger).request(0, 3))[0] == 404
    thief = from_seed(LOG.name, b"\x09" * 32)
    assert post(served.server_port, Leaves(thief).request(0, 3))[0] == 403
    forged = LEAVES.note(3).replace(b"\n3\n", b"\n4\n")
    assert post(served.server_port, format_add_checkpoint(0, (), forged))[0] == 403


def test_the_empty_size_with_another_root_is_refused(served: WitnessServer) -> None:
    text = checkpoint_text(LEAVES.checkpoint(3)).replace(b"\n3\n", b"\n0\n")
    assert post(served.server_port, format_add_checkpoint(0, (), LOG.sign_note(text)))[0] == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n\n",
        b"old 00\n\n" + LEAVES.note(3),
        b"OLD 0\n\n" + LEAVES.note(3),
        b"old 0\r\n\r\n" + LEAVES.note(3),
        b"old 0\n\n" + LEAVES.note(3)[:-1],
        b"old 0\n" + b"AAAA\n" + b"\n" + LEAVES.note(3),
        b"old 0\n\n" + LOG.sign_note(checkpoint_text(LEAVES.checkpoint(3)) + b"extension\n"),
        b"old 0\n\n" + LOG.sign_note(checkpoint_text(LEAVES.checkpoint(3)).replace(b"\n3\n", b"\n03\n")),
        b"old 0\n\n\xff" + LEAVES.note(3),
    ],
)
def test_any_other_spelling_is_a_bad_request(served: WitnessServer, body: bytes) -> None:
    assert post(served.server_port, body)[0] == 400
    assert served.witness.seen.latest(LOG.name).size == 0


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request)
        return line.makefile("rb").readline()


def test_a_request_says_its_length_once_and_is_not_too_long(served: WitnessServer) -> None:
    start = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"
    for headers, status in (
        (b"", b"411"),
        (b"Transfer-Encoding: chunked\r\n", b"411"),
        (b"Content-Length: 3\r\nContent-Length: 3\r\n", b"411"),
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"411"),
        (b"Content-Length: +3\r\n", b"400"),
        (b"Content-Length: -3\r\n", b"400"),
        (b"Content-Length: %d\r\n" % (BODY_MAX + 1), b"413"),
    ):
        assert raw(served.server_port, start + headers + b"\r\n").split(b" ")[1] == status, headers
    assert raw(served.server_port, b"GET /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n").split(b" ")[1] == b"405"
    assert raw(served.server_port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").split(b" ")[1] == b"404"


def test_a_witness_answers_under_its_prefix_only(tmp_path: Path) -> None:
    with answering(witness(tmp_path / "seen.sqlite"), "/w1/") as server:
        assert post(server.server_port, LEAVES.request(0, 3))[0] == 404
        assert post(server.server_port, LEAVES.request(0, 3), "/w1/add-checkpoint")[0] == 200


def test_many_at_once_never_let_a_smaller_tree_follow_a_larger(served: WitnessServer) -> None:
    cosigned: list[tuple[int, int]] = []

    def push(size: int) -> None:
        old = 0
        while True:
            status, _, body = post(served.server_port, LEAVES.request(old, size))
            if status == 200:
                cosigned.append((old, size))
                return
            assert status == 409
            old = int(body)
            if old > size:
                return

    threads = [threading.Thread(target=push, args=(size,)) for size in range(1, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = sorted(cosigned)
    assert steps[0][0] == 0
    assert all(before[1] == after[0] for before, after in pairwise(steps))
    assert served.witness.seen.latest(LOG.name) == LEAVES.checkpoint(24)


def test_the_time_of_a_larger_tree_is_not_before_that_of_a_smaller(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    witness(path, now=NOW).answer(LEAVES.request(0, 3))
    answer = witness(path, now=NOW - 5000).answer(LEAVES.request(3, 4))
    (found,) = read_cosignatures(LEAVES.note(4) + answer.body, [ONE.witness])
    assert found.time_s == NOW


def test_a_log_that_changed_its_key_is_known_by_both(tmp_path: Path) -> None:
    later = from_seed(LOG.name, b"\x07" * 32)
    knows = Witness(ONE, known_logs([LOG.verifier, later.verifier]), Seen(tmp_path / "s"), lambda: NOW)
    assert knows.answer(LEAVES.request(0, 3)).status == 200
    assert knows.answer(Leaves(later).request(3, 5)).status == 200
    with pytest.raises(Refused, match="type 04"):
        known_logs([TWO.witness])


def test_what_cannot_be_kept_is_not_cosigned(tmp_path: Path) -> None:
    with answering(witness(tmp_path / "seen.sqlite")) as server:
        (tmp_path / "seen.sqlite").unlink()
        (tmp_path / "seen.sqlite").mkdir()
        assert post(server.server_port, LEAVES.request(0, 3))[0] == 503
    with pytest.raises(Unavailable):
        Seen(tmp_path / "seen.sqlite")


# A real process: what is between the store and the answer is a SIGKILL.
KILLED = """
import os, signal, sys
from pathlib import Path
from infra.keys import SigningKey
from infra.witness.server import WitnessServer
from tests.support.witnesses import witness

dies = sys.argv[2] == "dies"
if dies:
    SigningKey.cosign = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with WitnessServer(witness(Path(sys.argv[1])), "127.0.0.1", 0) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
"""


def started(path: Path, how: str) -> tuple[subprocess.Popen[str], int]:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", KILLED, str(path), how]
    process = subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_witness_killed_between_store_and_answer_remembers_and_never_cosigns_another_tree(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    process, port = started(path, "dies")
    try:
        with pytest.raises(OSError):
            post(port, LEAVES.request(0, 7))
        assert process.wait(20) == -signal.SIGKILL
    finally:
        process.kill()
    assert Seen(path).latest(LOG.name) == LEAVES.checkpoint(7)
    process, port = started(path, "lives")
    try:
        assert post(port, Leaves(fork=2).request(0, 7)) == (409, SIZE_TYPE, b"7\n")
        assert post(port, Leaves(fork=2).request(7, 7))[0] == 422
        assert post(port, LEAVES.request(7, 7))[0] == 200
    finally:
        process.kill()
        process.wait(20)


def test_a_witness_killed_under_load_has_stored_all_that_it_cosigned(tmp_path: Path) -> None:
    path, size = tmp_path / "seen.sqlite", 0
    for _ in range(3):
        process, port = started(path, "lives")
        killer = threading.Timer(0.3, process.kill)
        killer.start()
        try:
            while size < 250:
                status, _, body = post(port, LEAVES.request(size, size + 1))
                assert status in (200, 409)
                size = int(body) if status == 409 else size + 1
        except OSError:
            pass
        finally:
            killer.join()
            process.wait(20)
        stored = Seen(path).latest(LOG.name)
        assert stored.size in (size, size + 1)
        assert stored == LEAVES.checkpoint(stored.size)


def test_the_hold_on_an_origin_is_undone_when_it_raises(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "seen.sqlite")
    with pytest.raises(Tampered), seen.holding(LOG.name) as held:  # noqa: PT012 - what stands before the raise is the point
        held.advance(LEAVES.checkpoint(3), NOW, b"note")
        raise Tampered("on the way")
    assert seen.latest(LOG.name).size == 0
