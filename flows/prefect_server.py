"""A Prefect server for as long as a command runs: its own process on a free loopback port, held by a supervisor.

Starting one costs about 7 s, creating its database 6 s more; so a migrated, empty database is kept in the cache and
copied. Where PREFECT_API_URL is set, that server is used and none is started. Does not import Prefect (2 s).
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

from events.errors import Unavailable
from infra.kafka import supervisor
from infra.kafka.process import HOST, birth, free_ports

STARTS_WITHIN_S = 120.0

QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}
"""Settings of Prefect, for its server and for the process that runs the flows; whatever is set already stays."""

Say = Callable[[str], None]


class PrefectServer:
    """Starts at once and is waited for by `ready`, so that other parts can start meanwhile."""

    def __init__(self, cache: Path | None = None, say: Say = lambda _text: None) -> None:
        self._say = say
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None
        self.api_url = os.environ.get("PREFECT_API_URL", "")
        if self.api_url:
            return
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        self._home = Path(tempfile.mkdtemp(prefix="phasegate-prefect-"))
        make_home(self._home / "home", cache, say)
        self._start()

    def _start(self) -> None:
        assert self._home is not None  # A started server has a folder of its own.
        port = free_ports(1)[0]
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", supervisor.__file__, str(self._home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=environment(self._home / "home"),
        )
        order = (
            json.dumps({"start": [*command(port), "--no-ui"], "log": str(self._home / "server.log")}).encode() + b"\n"
        )
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.write(order)
        self._supervisor.stdin.flush()
        self._pid = int(self._supervisor.stdout.readline())
        self._began = birth(self._pid)
        self.api_url = f"http://{HOST}:{port}/api"

    def ready(self) -> None:
        """Waits until the server answers, and points this process's Prefect at it. To be called before importing Prefect."""
        if self._supervisor is not None:
            deadline = time.monotonic() + STARTS_WITHIN_S
            while not answers(self.api_url):
                if time.monotonic() > deadline or birth(self._pid) != self._began:
                    raise Unavailable(f"the Prefect server did not come up; its log ends:\n{self._log()}")
                time.sleep(0.1)
        os.environ["PREFECT_API_URL"] = self.api_url
        if self._home is not None:
            os.environ["PREFECT_HOME"] = str(self._home / "home")

    def _log(self) -> str:
        assert self._home is not None  # Only a started server has a log of ours.
        log = self._home / "server.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-12:]) if log.exists() else ""

    def close(self) -> None:
        """Ends a server that this started, and removes its folder. Another's is left alone."""
        if self._supervisor is None or self._home is None:
            return
        for pipe in (self._supervisor.stdin, self._supervisor.stdout):
            if pipe is not None:
                pipe.close()
        self._supervisor.wait()
        shutil.rmtree(self._home, ignore_errors=True)
        for name in ("PREFECT_API_URL", "PREFECT_HOME"):
            os.environ.pop(name, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def make_home(home: Path, cache: Path | None, say: Say) -> None:
    """A folder for a server, with an empty database in it; one that is there stays."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "prefect.db").exists():
        shutil.copy(
            _migrated((cache or Path(platformdirs.user_cache_dir("phasegate"))) / "prefect", say), home / "prefect.db"
        )


def _migrated(cache: Path, say: Say) -> Path:
    """An empty database at Prefect's present schema, made once per version of Prefect."""
    kept = cache / f"prefect-{importlib.metadata.version('prefect')}.db"
    if kept.exists():
        return kept
    say("preparing the database of Prefect (once, about 10 s)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="phasegate-prefect-") as scratch:
        upgrade = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        made = subprocess.run(upgrade, env=environment(Path(scratch)), capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Unavailable(f"Prefect could not make its database: {made.stderr[-800:]}")
        draft = kept.with_suffix(f".{os.getpid()}")
        shutil.copy(Path(scratch) / "prefect.db", draft)
        draft.replace(kept)
    return kept


def command(port: int) -> list[str]:
    """What starts a server on a loopback port."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]


def environment(home: Path) -> dict[str, str]:
    """The environment of a server that keeps everything in `home`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_API")}
    return {**inherited, **QUIET, "PREFECT_HOME": str(home)}


def answers(api_url: str) -> bool:
    """Whether a Prefect server answers there, within a second."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=1) as answer:  # noqa: S310 - our own http:// address
            return bool(answer.status == 200)
    except OSError:
        return False
