"""Two `serve` beside one recorder, on a Prefect server with PostgreSQL (where the system has it, else SQLite): whichever of
them is killed or paused in the middle of a transition, and while the Prefect server is away, programmes go on; a run that
hangs is given up, and somebody is told.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from events.record import TOPICS
from flows.prefect_server import QUIET, answers
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.kafka.process import HOST, free_ports
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support.deployment import environment
from tests.support.system_postgres import programs, system_postgres
from tests.support.village import Village, children, eventually

STUCK_S = 10

ASKED = """
import asyncio, json
from prefect import get_client
from prefect.deployments import run_deployment

async def asked():
    run = await run_deployment("progress/one", parameters={"programme": "hung"}, timeout=0, as_subflow=False)
    return str(run.id)

print(json.dumps(asyncio.run(asked())))
"""

SEEN = """
import asyncio, json
from prefect import get_client

async def seen():
    async with get_client() as client:
        runs = await client.read_flow_runs()
        automations = await client.read_automations()
        limits = await client.read_global_concurrency_limits()
    states = {str(run.id): [run.name, run.state.type.value, run.state.message] for run in runs}
    return states, sorted(one.name for one in automations), sorted(one.name for one in limits)

print(json.dumps(asyncio.run(seen())))
"""


class Prefect:
    """A Prefect server on a port of its own, whose database outlives it."""

    def __init__(self, home: Path, database: str) -> None:
        self.port = free_ports(1)[0]
        self.api_url = f"http://{HOST}:{self.port}/api"
        self.log = home / "server.log"
        own = {
            "PREFECT_HOME": str(home / "server"),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self.environment = inherited | dict(QUIET) | own
        self.start()

    def start(self) -> None:
        words = ["server", "start", "--host", HOST, "--port", str(self.port), "--no-ui"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *words], env=self.environment, stdout=log, stderr=log
            )
        eventually(lambda: answers(self.api_url), self.process)

    def kill(self) -> None:
        for pid in children(self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


@contextmanager
def listening() -> Iterator[tuple[str, list[Any]]]:
    """An address that alerts can be posted to, and what was."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = HTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://{HOST}:{server.server_port}/alert", posted
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[Prefect]:
    (tmp_path / "prefect").mkdir()
    with ExitStack() as stack:
        if (place := programs()) is not None:
            database = stack.enter_context(system_postgres(place))
        else:
            warnings.warn("no PostgreSQL with pg_trgm is installed: Prefect runs on SQLite in this test", stacklevel=1)
            database = f"sqlite+aiosqlite:///{tmp_path}/prefect/prefect.db"
        made = Prefect(tmp_path / "prefect", database)
        yield made
        made.kill()


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_dies_or_hangs_the_programmes_go_on(
    kafka: TemporaryBroker, topic_prefix: str, prefect: Prefect, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 2, "broker")
    bus.ensure_topics()
    with listening() as (alert_url, alerts), Ledger.open(url) as ledger:
        more = {
            "PHASEGATE_PREFIX": topic_prefix,
            "PHASEGATE_PARTITIONS": "2",
            "PHASEGATE_PROGRESS_SECONDS": "3600",
            "PHASEGATE_STUCK_SECONDS": str(STUCK_S),
            "PHASEGATE_ALERT_URL": alert_url,
            "PREFECT_API_URL": prefect.api_url,
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PREFECT_HOME": str(tmp_path / "client"),
        }
        village = Village(tmp_path, environment(tmp_path, url, kafka.bootstrap) | more, bus, ledger)
        try:
            begin(village)
            killed_in_the_middle(village)
            without_prefect(village, prefect)
            hung_and_given_up(village, alerts)
        finally:
            village.end()
    bus.close()


def begin(village: Village) -> None:
    """One after the other: the second finds the automations of the first."""
    for command, name, said in (
        ("record", "record", "recording"),
        ("serve", "one", "serving"),
        ("serve", "two", "serving"),
    ):
        service = village.service(command, name)
        eventually(lambda name=name, said=said: village.lines(name, said) > 0, service)  # type: ignore[misc]


@contextmanager
def paused(service: subprocess.Popen[bytes]) -> Iterator[None]:
    service.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.send_signal(signal.SIGCONT)


def killed_in_the_middle(village: Village) -> None:
    """Nothing is recorded while one `serve` publishes markers, alone; then it is killed, and the other, which knew nothing of
    it, wakes up.
    """
    recorder, one, two = (village.services[name] for name in ("record", "one", "two"))
    village.play("killed", 4.0, 20.0)
    eventually(lambda: "score.recorded" in village.accepted("killed"), recorder, one, two)
    with paused(two):
        with paused(recorder):
            before = village.bus.ends()
            eventually(lambda: all(grown(village, before, topic) for topic in TOPICS), recorder, one)
            one.kill()
            one.wait()
        assert not concluded(village, "killed")
    eventually(partial(concluded, village, "killed"), recorder, two)
    decided(village, "killed")


def grown(village: Village, before: Any, topic: str) -> bool:
    now = village.bus.ends()
    return any(now[place] > end for place, end in before.items() if place[0] == topic)


def concluded(village: Village, programme: str) -> bool:
    return "programme.concluded" in village.accepted(programme)


def decided(village: Village, programme: str) -> None:
    """Each step of the pipeline is accepted once; whatever was said again is a duplicate."""
    accepted = village.accepted(programme)
    for name in ("phase.opened", "intake.closed", "phase.decided", "decision.finalised", "figures.published"):
        assert accepted.count(name) == 1, (name, accepted)


def without_prefect(village: Village, prefect: Prefect) -> None:
    """While the server is away a programme is decided all the same; when it is back on its port it is joined by itself."""
    recorder, two = village.services["record"], village.services["two"]
    prefect.kill()
    village.play("dark")
    eventually(partial(concluded, village, "dark"), recorder, two)
    decided(village, "dark")
    assert village.lines("two", "without-prefect") > 0
    eventually(lambda: village.lines("two", "prefect-away") > 0, recorder, two)
    joined = village.lines("two", "serving")
    prefect.start()
    eventually(lambda: village.lines("two", "serving") > joined, recorder, two)


def hung_and_given_up(village: Village, alerts: list[Any]) -> None:
    """A run of a deployment is stopped where it waits for the recorder. Its programme is decided, the server gives it up, its
    process is gone, and an alert was posted.
    """
    recorder, two = village.services["record"], village.services["two"]
    village.play("hung", 4.0, 18.0)
    eventually(lambda: "score.recorded" in village.accepted("hung"), recorder, two)
    with paused(recorder):
        run_id = village.python(ASKED)
        eventually(lambda: village.python(SEEN)[0][run_id][1] == "RUNNING", recorder, two)
        hung = children(two.pid)
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
    eventually(partial(concluded, village, "hung"), recorder, two)
    decided(village, "hung")
    eventually(lambda: village.python(SEEN)[0][run_id][1] == "CRASHED", recorder, two)
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in hung), recorder, two)
    eventually(lambda: any("Crashed" in said["text"] for said in alerts), recorder, two)
    states, automations, limits = village.python(SEEN)
    assert states[run_id][2] == f"stuck: it had not ended after {STUCK_S} s"
    assert automations == [
        "phasegate: alert", "phasegate: missed rounds are let go", "phasegate: stuck runs are given up",
    ]  # fmt: skip
    assert limits == [f"phasegate-{name}" for name in ("hung", "killed")], (
        "of a programme decided without it there is none"
    )
    names = {name for name, *_ in states.values()}
    assert any(name.startswith("killed / tasting / mark scores") for name in names), names
