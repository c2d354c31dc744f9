"""A Prefect server that a test can take away and bring back, asked over HTTP; and an address that alerts are posted to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows.prefect_server import QUIET, answers
from infra.kafka.process import HOST, free_ports
from tests.support.system_postgres import programs, system_postgres
from tests.support.village import children, eventually

ABSENT = "no PostgreSQL with pg_trgm is installed"


class Prefect:
    """A server on a port of its own, whose database outlives it."""

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

    def ask(self, path: str, body: Any = None) -> Any:
        """The server's answer to a GET, or to a POST where there is a body."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.api_url}{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def begin(self, deployment: str, **parameters: str) -> str:
        """Asks for a run of a deployment, now; returns its id."""
        which = self.ask(f"/deployments/name/{deployment}")["id"]
        wanted = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask(f"/deployments/{which}/create_flow_run", wanted)["id"])

    def state(self, run_id: str) -> str:
        return str(self.ask(f"/flow_runs/{run_id}")["state"]["type"])

    def slots_held(self, limit: str) -> int:
        return int(self.ask(f"/v2/concurrency_limits/{limit}")["active_slots"])


@contextmanager
def own_prefect(home: Path) -> Iterator[Prefect]:
    """On the PostgreSQL of the system; where it has none, on SQLite with a warning, and with CI=true not at all."""
    home.mkdir(parents=True)
    with ExitStack() as stack:
        if (place := programs()) is not None:
            database = stack.enter_context(system_postgres(place))
        else:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{ABSENT}; .ci/postgresql installs one for root on Debian and Ubuntu")
            warnings.warn(f"{ABSENT}: Prefect runs on SQLite in this test", stacklevel=1)
            database = f"sqlite+aiosqlite:///{home}/prefect.db"
        made = Prefect(home, database)
        try:
            yield made
        finally:
            made.kill()


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
    try:
        yield f"http://{HOST}:{server.server_port}/alert", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def paused(service: subprocess.Popen[bytes]) -> Iterator[None]:
    service.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.send_signal(signal.SIGCONT)
