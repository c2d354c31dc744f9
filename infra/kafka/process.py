"""Processes and ports: is it still the same process, is the port free, does a broker answer there?"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from events.errors import Unavailable

HOST = "127.0.0.1"


def birth(pid: int) -> str | None:
    """A mark of when a process began, None when it has ended. Pids are reused; pid and birth together are not."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child that has ended stays a zombie until it is asked for
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    reply = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return reply.stdout.strip() or None


def stop(pid: int, began: str, patience_s: float = 20.0) -> None:
    """End a process, kindly first; returns when it is gone. A process that has taken over the pid is left alone."""
    for sign, seconds in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 10.0)):
        deadline = time.monotonic() + seconds
        if birth(pid) != began:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        while birth(pid) == began and time.monotonic() < deadline:
            time.sleep(0.02)


def spawn_daemon(argv: list[str], log: Path) -> int:
    """Starts a process that outlives this one, and returns its pid. Its own session: a Ctrl-C or a closed terminal of the
    command that started it is not meant for it.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, start_new_session=True
        )
    process.returncode = 0  # let go: it is known by its pid file from here on, and Python shall not warn that it lives
    return process.pid


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now. Another process may take one before it is used: be ready to ask again."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def require_listening(bootstrap: str, timeout_s: float = 1.0) -> None:
    """Raises Unavailable unless somebody listens at one of the addresses; who it is, nobody asks."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
        except OSError:
            continue
        return
    raise Unavailable(f"nobody listens at {bootstrap}", hint="phasegate kafka status", bootstrap=bootstrap)


def answers(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether a Kafka broker serves requests there: it answers a raw ApiVersions request (key 18, version 0).

    Asked before any client is built: one that meets a closed port backs off for up to 20 seconds.
    """
    correlation, client = 77, b"phasegate"
    request = struct.pack(">hhih", 18, 0, correlation, len(client)) + client
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            head = connection.recv(8, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(head) == 8 and int(struct.unpack(">ii", head)[1]) == correlation
