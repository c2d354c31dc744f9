"""The PostgreSQL of the system, for a Prefect server: that needs the extension pg_trgm, which no wheel of ours has. As root it
runs as another user, since it refuses root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.kafka.process import HOST, free_ports


def programs() -> Path | None:
    """Where initdb and postgres are, of an installation that has the extension; None where there is none."""
    on_path = shutil.which("initdb")
    found = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        *([Path(on_path).parent] if on_path else []),
    ]
    return next((place for place in found if _has_trigrams(place)), None)


def _has_trigrams(place: Path) -> bool:
    if not (place / "initdb").exists() or not (place / "postgres").exists():
        return False
    with suppress(OSError, subprocess.CalledProcessError):
        shared = subprocess.run([place / "pg_config", "--sharedir"], check=True, capture_output=True, text=True)
        return (Path(shared.stdout.strip()) / "extension" / "pg_trgm.control").exists()
    return False


@contextmanager
def system_postgres(place: Path) -> Iterator[str]:
    """The address of an empty database, for SQLAlchemy with asyncpg."""
    user = _user()
    with TemporaryDirectory(prefix="phasegate-system-postgres-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_ports(1)[0]
        if user is not None:
            os.chown(folder, user, -1)
        data = folder / "data"
        subprocess.run(
            [place / "initdb", "-D", data, "-A", "trust", "-U", "prefect", "-N"],
            check=True, capture_output=True, user=user, cwd=folder,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [place / "postgres", "-D", data, "-p", str(port), "-h", HOST, "-k", folder],
                stdout=log, stderr=log, user=user, cwd=folder,
            )  # fmt: skip
        try:
            _wait(place, port, server)
            yield f"postgresql+asyncpg://prefect@{HOST}:{port}/postgres"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def _user() -> int | None:
    if os.geteuid() != 0:
        return None
    names = {row.pw_name: row.pw_uid for row in pwd.getpwall()}
    return names.get("postgres", names.get("nobody"))


def _wait(place: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while subprocess.run(
        [place / "pg_isready", "-h", HOST, "-p", str(port)], capture_output=True, check=False
    ).returncode:
        assert server.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
