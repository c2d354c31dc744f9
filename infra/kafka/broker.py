"""A real Apache Kafka on this machine, in two life forms.

`up` leaves a broker that outlives its command, until `down`. `temporary_broker` holds one that ends with its holder,
even when that is killed with -9, and leaves nothing behind.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from events.errors import Unavailable
from infra.kafka import supervisor
from infra.kafka.jars import Say, exclusive
from infra.kafka.launch import Launched, Shape, launch
from infra.kafka.process import HOST, answers, birth, stop
from infra.kafka.settings import Node


@dataclass(frozen=True, slots=True)
class Running:
    """A broker that answered. `how` says for people how it came to run."""

    host: str
    port: int
    pid: int
    how: str

    @property
    def bootstrap(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Noted:
    """What the pid file says. A pid alone would be taken for ours after the kernel gave it to somebody else."""

    pid: int
    began: str
    port: int
    control: int
    java: str


def _silent(_: str) -> None:
    """The default listener to progress."""


def up(home: Path, say: Say = _silent) -> Running:
    """The broker over `home`: the running one, else a new one on the same data and, when they are free, the same ports.

    Two processes may call this at once; both get the same broker. Raises Unavailable, Tampered (jars).
    """
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    with exclusive(home / ".lock"):
        noted = _noted(home)
        if noted and birth(noted.pid) == noted.began:
            return _patient(noted)
        launched = launch(home, _spawn_daemon, (noted.port, noted.control) if noted else None, say)
        _note(home, launched)
    return Running(HOST, launched.port, launched.pid, f"started on {launched.java}")


def down(home: Path) -> bool:
    """Stop the broker over `home`, keeping its data; False when none was running."""
    home = home.absolute()
    if not home.is_dir():
        return False
    with exclusive(home / ".lock"):
        noted = _noted(home)
        if noted is None or birth(noted.pid) != noted.began:
            return False
        stop(noted.pid, noted.began)
    return True


def status(home: Path) -> Running | None:
    """The broker over `home` if its process lives and it answers."""
    noted = _noted(home.absolute())
    if noted is None or birth(noted.pid) != noted.began or not answers(HOST, noted.port):
        return None
    return Running(HOST, noted.port, noted.pid, f"running on {noted.java}")


def _patient(noted: _Noted) -> Running:
    if not answers(HOST, noted.port, timeout_s=15):
        raise Unavailable(
            f"The broker (pid {noted.pid}) runs but does not answer on {HOST}:{noted.port}",
            hint="phasegate kafka down, then phasegate kafka up.",
        )
    return Running(HOST, noted.port, noted.pid, f"already running on {noted.java}")


def _noted(home: Path) -> _Noted | None:
    path = home / "broker.json"
    return _Noted(**json.loads(path.read_text())) if path.exists() else None


def _note(home: Path, launched: Launched) -> None:
    noted = _Noted(launched.pid, launched.began, launched.port, launched.control, str(launched.java))
    draft = home / "broker.json.new"
    draft.write_text(json.dumps(asdict(noted)))
    draft.replace(home / "broker.json")


def _spawn_daemon(argv: list[str], log: Path) -> int:
    """Its own session: a Ctrl-C or a closed terminal of the command that started it is not meant for the broker."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, start_new_session=True
        )
    process.returncode = 0  # let go: it is known by its pid file from here on, and Python shall not warn that it lives
    return process.pid


class TemporaryBroker:
    """A broker held by a supervisor process. `kill` and `restart` are for tests of what a crash costs."""

    def __init__(self, say: Say, shape: Shape = Node) -> None:
        self._say = say
        self._shape = shape
        self.home = Path(tempfile.mkdtemp(prefix="phasegate-kafka-"))
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", supervisor.__file__, str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._launched = self._launch(None)

    @property
    def running(self) -> Running:
        return Running(
            HOST, self._launched.port, self._launched.pid, f"started on {self._launched.java}, until this process ends"
        )

    @property
    def bootstrap(self) -> str:
        return self.running.bootstrap

    @property
    def supervisor_pid(self) -> int:
        return self._supervisor.pid

    def kill(self) -> None:
        """End the broker as a power cut would: SIGKILL, data kept."""
        self._order({"end": int(signal.SIGKILL)})

    def restart(self) -> None:
        """Start it again on the same data and ports; clients reconnect. Unavailable when the port is gone."""
        port = self._launched.port
        self._launched = self._launch((port, self._launched.control))
        if self._launched.port != port:
            raise Unavailable(
                f"Port {port} was taken while the broker was down; it is on {self._launched.port} now",
                hint="Build new clients.",
            )

    def close(self) -> None:
        for pipe in (self._supervisor.stdin, self._supervisor.stdout):
            if pipe:
                pipe.close()
        self._supervisor.wait()
        shutil.rmtree(self.home, ignore_errors=True)  # the supervisor did; this is for one that was itself killed

    def _launch(self, ports: tuple[int, int] | None) -> Launched:
        try:
            return launch(
                self.home,
                lambda argv, log: self._order({"start": argv, "log": str(log)}),
                ports,
                self._say,
                shape=self._shape,
            )
        except BaseException:
            self.close()
            raise

    def _order(self, order: dict[str, object]) -> int:
        pipe, replies = self._supervisor.stdin, self._supervisor.stdout
        assert pipe is not None
        assert replies is not None
        pipe.write(json.dumps(order).encode() + b"\n")
        pipe.flush()
        reply = replies.readline()
        if not reply:
            raise Unavailable("The broker's supervisor has ended", hint="Start again; the temporary data is gone.")
        return int(reply)


@contextmanager
def temporary_broker(say: Say = _silent, shape: Shape = Node) -> Iterator[TemporaryBroker]:
    """A broker for as long as the block, with data that is thrown away, even when this process is killed with -9."""
    broker = TemporaryBroker(say, shape)
    try:
        yield broker
    finally:
        broker.close()
