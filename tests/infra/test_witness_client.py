"""What a log says to witnesses before it publishes: sizes, proofs, quorum, and answers that are not believed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from events.cosignature import read_cosignatures
from events.errors import Refused, Unavailable
from events.note import COSIGNATURE, checkpoint_text, format_vkey, verifier_key
from events.witnessing import SIZE_TYPE
from infra.witness.client import ANSWER_MAX, Address, Witnessed, gather, parse_address, parse_addresses
from infra.witness.cosigning import Witness
from tests.support.witnesses import LOG, NOW, ONE, TWO, Leaves, address, answering, post, witness

LEAVES = Leaves()


def ask(addresses: list[Address], quorum: int, size: int = 9, log: Leaves = LEAVES, within_s: float = 10) -> Witnessed:
    return gather(log.note(size), LOG.verifier, addresses, quorum, log.prove(size), within_s)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Address]]:
    with ExitStack() as stack:
        made = [witness(tmp_path / key.name.rpartition("/")[2], key) for key in (ONE, TWO)]
        yield [address(stack.enter_context(answering(one))) for one in made]


@contextmanager
def answering_with(status: int, body: bytes, kind: str = "text/plain") -> Iterator[Address]:
    """A witness under ONE's name that always answers the same."""

    class Same(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Same) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Address(f"http://127.0.0.1:{server.server_port}", ONE.witness)
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def test_cosignatures_are_appended_in_the_order_of_the_witnesses(two: list[Address]) -> None:
    found = ask(two, 2)
    lines = b"".join(key.cosign(checkpoint_text(LEAVES.checkpoint(9)), NOW) for key in (ONE, TWO))
    # The clock of these witnesses stands still, and Ed25519 is deterministic.
    assert found.note == LEAVES.note(9) + lines
    assert [reply.said for reply in found.replies] == ["cosigned", "cosigned"]


def test_each_witness_gets_the_proof_from_the_size_that_it_has(two: list[Address]) -> None:
    ask(two[:1], 1, size=3)
    ask(two[1:], 1, size=7)
    note = ask(two, 2, size=12).note
    assert [one.witness.name for one in read_cosignatures(note, [ONE.witness, TWO.witness])] == [ONE.name, TWO.name]
    ask(two, 2, size=12)  # once more, with nothing new


def test_below_the_quorum_the_command_says_what_each_witness_answered(two: list[Address]) -> None:
    gone = Address(f"http://127.0.0.1:{free_port()}", TWO.witness)
    with pytest.raises(Unavailable) as error:
        ask([two[0], gone], 2)
    assert "1 of the 2 witnesses" in error.value.message
    assert f"{ONE.name}: cosigned" in error.value.message
    assert f"{TWO.name}: no answer from" in error.value.message
    assert [row["cosigned"] for row in error.value.details["witnesses"]] == [True, False]  # type: ignore[attr-defined]
    assert ask([two[0], gone], 1).note.count(b"\n\xe2\x80\x94 ") == 2


def test_no_witness_and_no_quorum_leave_the_note_as_it_is() -> None:
    assert ask([], 0).note == LEAVES.note(9)
    with pytest.raises(Refused, match="quorum of 1"):
        ask([], 1)


def test_a_resigned_history_gets_no_cosignature(two: list[Address]) -> None:
    ask(two, 2, size=9)
    for size in (9, 12):
        with pytest.raises(Unavailable, match="refused with 422"):
            ask(two, 1, size=size, log=Leaves(fork=5))


def test_a_log_that_was_rolled_back_gets_no_cosignature(two: list[Address]) -> None:
    ask(two, 2, size=9)
    with pytest.raises(Unavailable, match="has cosigned size 9 already, beyond 5"):
        ask(two, 1, size=5)


def test_a_witness_killed_after_it_stored_is_asked_again_and_cosigns(tmp_path: Path) -> None:
    knows = witness(tmp_path / "seen")
    knows.answer(LEAVES.request(0, 9))  # the answer was lost on its way
    with answering(knows) as server:
        assert ask([address(server)], 1).replies[0].is_cosigned


def test_a_witness_that_is_told_of_more_while_it_is_asked_is_asked_again(tmp_path: Path) -> None:
    class Busy(Witness):
        def answer(self, body: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN202
            size = self.seen.latest(LOG.name).size
            if size < 3:  # somebody else is faster, twice
                super().answer(LEAVES.request(size, size + 1))
            return super().answer(body)

    plain = witness(tmp_path / "seen")
    with answering(Busy(plain.key, plain.logs, plain.seen, plain.clock_s)) as server:
        assert ask([address(server)], 1).replies[0].is_cosigned


def other_lines() -> dict[str, tuple[int, bytes, str]]:
    text, other = checkpoint_text(LEAVES.checkpoint(9)), checkpoint_text(LEAVES.checkpoint(8))
    return {
        "nothing": (200, b"", "answered wrongly"),
        "another witness's line alone": (200, TWO.cosign(text, NOW), "without a cosignature of its own"),
        "a cosignature of another checkpoint": (200, ONE.cosign(other, NOW), "does not verify"),
        "its plain signature": (200, LOG.named(ONE.name).sign_note(text).split(b"\n\n")[1], "without a cosignature"),
        "no line": (200, b"<html>\n", "not a signature line"),
        "an empty line before": (200, b"\n" + ONE.cosign(text, NOW), "answered wrongly"),
        "a line without end": (200, ONE.cosign(text, NOW)[:-1], "answered wrongly"),
        "too much": (200, b"x" * (ANSWER_MAX + 1), "more than"),
        "a redirect": (302, b"elsewhere", "refused with 302"),
    }


@pytest.mark.parametrize("case", other_lines())
def test_what_is_not_the_witnesss_own_cosignature_does_not_count(case: str) -> None:
    status, body, said = other_lines()[case]
    with answering_with(status, body) as there, pytest.raises(Unavailable, match=said):
        ask([there], 1)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"3\n", "text/plain", "refused with 409"),
        (b"03\n", SIZE_TYPE, "answered wrongly"),
        (b"3", SIZE_TYPE, "answered wrongly"),
        (b"10\n", SIZE_TYPE, "beyond 9"),
        (b"3\n", f"{SIZE_TYPE}; charset=utf-8", "changed 4 times"),
        (b"99999999999999999999\n", SIZE_TYPE, "answered wrongly"),
    ],
)
def test_a_conflict_is_read_strictly_and_not_for_ever(body: bytes, kind: str, said: str) -> None:
    with answering_with(409, body, kind) as there, pytest.raises(Unavailable, match=said):
        ask([there], 1)


def test_other_lines_beside_the_witnesss_own_are_dropped() -> None:
    text = checkpoint_text(LEAVES.checkpoint(9))
    with answering_with(200, TWO.cosign(text, NOW) + ONE.cosign(text, NOW)) as there:
        assert ask([there], 1).note == LEAVES.note(9) + ONE.cosign(text, NOW)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"])
def test_a_witness_that_drips_is_cut_off(said: bytes) -> None:
    def drip(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line:
            line.sendall(said)
            try:
                while line.send(b"x"):
                    time.sleep(0.05)
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        began = time.monotonic()
        with pytest.raises(Unavailable):
            ask([Address(f"http://127.0.0.1:{listener.getsockname()[1]}", ONE.witness)], 1, within_s=0.5)
        assert time.monotonic() - began < 3
        thread.join()


def test_a_witness_is_written_as_its_prefix_and_its_key() -> None:
    vkey = format_vkey(ONE.witness)
    assert parse_address(f"https://w.example/a/#{vkey}") == Address("https://w.example/a", ONE.witness)
    for wrong in ("", vkey, f"#{vkey}", f"ftp://w.example#{vkey}", f"https://#{vkey}", f"https://w.example#{vkey}x",
                  f"https://a:b@w.example#{vkey}", f"https://w.example?x=1#{vkey}", f"https://w.example:0#{vkey}",
                  f"https://w.example:99999#{vkey}"):  # fmt: skip
        with pytest.raises(Refused):
            parse_address(wrong)


def test_each_witness_counts_once() -> None:
    one = f"http://a.example#{format_vkey(ONE.witness)}"
    with pytest.raises(Refused, match="twice"):
        parse_addresses([one, f"http://b.example#{format_vkey(ONE.witness)}"])
    with pytest.raises(Refused, match="one key"):
        parse_addresses([one, f"http://b.example#{format_vkey(verifier_key(TWO.name, ONE.public, COSIGNATURE))}"])
    with pytest.raises(Refused, match="type 04"):
        parse_addresses([f"http://a.example#{LOG.vkey}"])


def test_the_witness_under_its_own_port_still_answers_others(two: list[Address]) -> None:
    ask(two, 2)
    port = int(two[0].url.rpartition(":")[2])
    assert post(port, LEAVES.request(0, 9))[0] == 409
