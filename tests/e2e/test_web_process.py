"""The console as a process of its own: Kafka killed and back, a stop in the middle of a request; nothing lost or doubled."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from events.entry import decode_entry
from events.envelope import encode
from flows.office import message
from flows.wiring import Parts, assemble
from infra.kafka.broker import TemporaryBroker, temporary_broker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.conftest import required
from tests.support import small
from tests.support.deployment import environment
from tests.support.speaking import Lines
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN
from tests.support.website import PARTITIONS, STRUCTURED, new_api_key, registration

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


@pytest.fixture(scope="module")
def broker() -> Iterator[TemporaryBroker]:
    """A broker of this module's own: it is killed."""
    with ExitStack() as stack:
        yield required("Kafka", lambda: stack.enter_context(temporary_broker()))


@contextmanager
def console(names: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A console process, its address and that of its metrics."""
    command = [sys.executable, "-m", "console", "console", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, env=names, stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = Lines(process, process.stderr)
            url, metrics = (lines.wait_for(rf"{what} at (\S+)")[1] for what in ("answering", "metrics"))
            yield process, url, metrics
        finally:
            process.kill()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.2)


def test_it_tells_that_kafka_is_away_heals_by_itself_and_finishes_what_is_under_way(
    broker: TemporaryBroker, topic_prefix: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    names = environment(tmp_path, url, broker.bootstrap) | {
        "PHASEGATE_PREFIX": topic_prefix, "PHASEGATE_PARTITIONS": str(PARTITIONS),
    }  # fmt: skip
    upgrade(url)
    bus = KafkaBus(broker.bootstrap, topic_prefix, PARTITIONS)
    bus.ensure_topics()
    with closing(assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)) as parts, console(names) as running:
        with closing(bus.publisher()) as publisher:
            publisher.publish([message("decisions", small.announced(clock="broker"), OFFICE_KEY, 0)])
        process, address, metrics = running
        _, key = new_api_key(parts.ledger)
        headers = {"authorization": f"Bearer {key}", **STRUCTURED}
        with httpx.Client(base_url=address, timeout=PATIENCE_S) as client:

            def post(team: str) -> httpx.Response:
                return client.post("/v1/events", content=encode(registration(team)), headers=headers)

            assert post("ash").status_code == 202
            assert client.get("/readyz").json() == {"status": "ready", "parts": {"ledger": "ok", "kafka": "ok"}}

            broker.kill()
            refused = post("birch")
            assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (503, "unavailable")
            assert refused.headers["retry-after"] == "5"
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200

            broker.restart()
            until(lambda: post("birch").status_code == 202)
            until(lambda: client.get("/readyz").status_code == 200)
            counted = httpx.get(metrics).text
            assert re.search(r'phasegate_intake_events_total\{topic="submissions"\} [1-9]', counted)
            assert re.search(r'phasegate_intake_refused_total\{problem="unavailable"\} [1-9]', counted)

            with half_sent(address, headers, encode(registration("cedar"))) as finish:
                process.send_signal(signal.SIGTERM)
                until(lambda: not listens(address))
                assert b"HTTP/1.1 202" in finish()
        assert process.wait(PATIENCE_S) == 0
        assert accepted(parts) == ["ash", "birch", "cedar"]


def accepted(parts: Parts) -> list[str]:
    """The teams of accepted registrations, once the recorder has all that is on the bus; every other is a duplicate."""
    ends = parts.bus.ends()
    with closing(parts.recorder()) as recorder:
        until(
            lambda: recorder.step(0.1) == 0 and all(parts.ledger.positions(ends)[at] >= end for at, end in ends.items())
        )
    teams, verdicts = dict[int, str](), dict[int, str]()
    for stored in parts.ledger.read(small.PROGRAMME):
        entry = decode_entry(stored.entry)
        if entry.topic != "submissions":
            continue
        if stored.opening is not None:
            teams[entry.index] = json.loads(stored.opening.value or b"")["data"]["entrant"]
        verdicts[entry.index if entry.of is None else entry.of] = entry.verdict  # what was read before the rules pended
    assert set(verdicts.values()) <= {"accepted", "duplicate"}
    return sorted(teams[index] for index, verdict in verdicts.items() if verdict == "accepted")


def listens(address: str) -> bool:
    url = httpx.URL(address)
    try:
        socket.create_connection((url.host, url.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def half_sent(address: str, headers: dict[str, str], body: bytes) -> Iterator[Callable[[], bytes]]:
    """A request whose body is not there yet; the function sends the rest and gives the answer."""
    url = httpx.URL(address)
    with socket.create_connection((url.host, url.port or 80), timeout=PATIENCE_S) as connection:
        lines = [
            f"{name}: {value}" for name, value in {"host": "x", "content-length": str(len(body)), **headers}.items()
        ]
        connection.sendall("\r\n".join(["POST /v1/events HTTP/1.1", *lines, "", ""]).encode() + body[:20])
        time.sleep(0.5)  # The head of the request has to be read before the process is told to stop.

        def finish() -> bytes:
            connection.sendall(body[20:])
            return connection.recv(65_536)

        yield finish
