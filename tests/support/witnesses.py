"""A log of made-up leaves that can fork, and witnesses that answer real HTTP on free ports of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from events.merkle import leaf_hash, tree_root
from events.note import Checkpoint, checkpoint_text
from events.proofs import consistency_proof
from events.tiles import WIDTH, Tile, reading_tiles
from events.witnessing import format_add_checkpoint
from infra.keys import SigningKey, from_seed
from infra.witness.client import Address
from infra.witness.cosigning import Witness, known_logs
from infra.witness.seen import Seen
from infra.witness.server import WitnessServer

LOG = from_seed("example.com/decisions/test", b"\x01" * 32)
ONE = from_seed("witness.example/w1", b"\x02" * 32)
TWO = from_seed("witness.example/w2", b"\x03" * 32)
NOW = 1_700_000_000


class Leaves:
    """A log of up to 256 leaves, signed by `key`. `fork` changes every leaf from that index on."""

    def __init__(self, key: SigningKey = LOG, fork: int = WIDTH) -> None:
        self.key = key
        self._hashes = [leaf_hash(b"%d" % (at if at < fork else -at - 1)) for at in range(WIDTH)]

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.key.name, size, tree_root(self._hashes[:size]))

    def note(self, size: int) -> bytes:
        return self.key.sign_note(checkpoint_text(self.checkpoint(size)))

    def prove(self, size: int) -> Callable[[int], tuple[bytes, ...]]:
        def hashes(tile: Tile) -> list[bytes]:
            return self._hashes[: tile.width]

        return lambda old: consistency_proof(old, size, reading_tiles(size, hashes))

    def request(self, old: int, size: int) -> bytes:
        return format_add_checkpoint(old, self.prove(size)(old) if old <= size else (), self.note(size))


def witness(path: Path, key: SigningKey = ONE, *logs: SigningKey, now: int = NOW) -> Witness:
    """A witness that keeps what it saw under `path`; of LOG unless others are given."""
    return Witness(key, known_logs(log.verifier for log in logs or (LOG,)), Seen(path), lambda: now)


@contextmanager
def answering(knows: Witness, prefix: str = "") -> Iterator[WitnessServer]:
    """A witness's server on a free port."""
    with WitnessServer(knows, "127.0.0.1", 0, prefix) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def address(server: WitnessServer) -> Address:
    prefix = server.path.rpartition("/")[0]
    return Address(f"http://127.0.0.1:{server.server_port}{prefix}", server.witness.key.witness)


def post(port: int, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str, bytes]:
    """Status, content type and body of one answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    finally:
        connection.close()
