"""Start a local broker, whoever holds its process, and wait until it serves."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from events.errors import Unavailable
from infra.kafka.jars import Say, broker_jars
from infra.kafka.java import Java, find_java
from infra.kafka.process import HOST, answers, birth, free_ports, is_free
from infra.kafka.settings import FEATURES, JVM, Node, write_settings

Spawn = Callable[[list[str], Path], int]
"""Starts argv with its output appended to a log; returns the pid."""

Shape = Callable[[int, int], Node]
"""The node to start, from the port for its clients and the one of its controller."""


@dataclass(frozen=True, slots=True)
class Launched:
    port: int
    control: int
    pid: int
    began: str
    java: Java


def launch(
    home: Path,
    spawn: Spawn,
    ports: tuple[int, int] | None,
    say: Say,
    patience_s: float = 90.0,
    *,
    shape: Shape = Node,
) -> Launched:
    """Start a broker over `home`, on the given ports when they are free, and return once it answers.

    A port may be taken between our look and Java's bind: then other ports are tried, three times in all.
    """
    jars, java = broker_jars(say), find_java()
    say(f"starting Apache Kafka on {java}")
    chosen = ports if ports and all(map(is_free, ports)) else None
    for _ in range(3):
        port, control = chosen or free_ports(2)
        log, before = home / "broker.log", _size(home / "broker.log")
        node = shape(port, control)
        pid = spawn(command(java, jars, home, write_settings(home, node)), log)
        began = birth(pid)
        if began and _wait(pid, began, node.asked, patience_s):
            finalise_features(home, node)
            return Launched(port, control, pid, began, java)
        said = log.read_bytes()[before:].decode(errors="replace")
        if "BindException" not in said and "Address already in use" not in said:
            break
        chosen = None
    raise Unavailable(
        f"The broker did not come up on {HOST}:{port} ({java}). Its log ends:\n" + "\n".join(said.splitlines()[-12:]),
        hint=f"The whole log is {log}. PHASEGATE_KAFKA=host:port takes another cluster, --bus memory none.",
    )


def command(java: Java, jars: list[Path], home: Path, server: Path) -> list[str]:
    """What starts a broker with these settings. KAFKA_HEAP_OPTS comes after ours, and so counts."""
    quiet = ["--sun-misc-unsafe-memory-access=allow"] if java.major >= 23 else []
    native = ["--enable-native-access=ALL-UNNAMED"] if java.major >= 22 else []
    return [
        *(str(java.path), *JVM, *shlex.split(os.environ.get("KAFKA_HEAP_OPTS", "")), *quiet, *native),
        f"-Djava.io.tmpdir={home / 'tmp'}",
        f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}",
        *("-cp", ":".join(map(str, jars)), "kafka.Kafka", str(server)),
    ]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _wait(pid: int, began: str, port: int, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and birth(pid) == began:
        if answers(HOST, port):
            return birth(pid) == began  # not a stranger who took the port from a broker that has just failed
        time.sleep(0.05)
    return False


def finalise_features(home: Path, node: Node) -> None:
    """Once per data folder; a crash before the mark repeats it, which changes nothing. Of a cluster one node is enough."""
    mark = home / "features"
    if mark.exists():
        return
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=f"{HOST}:{node.asked}", **node.administrator)
    try:
        outcome = admin.update_features(FEATURES)
    finally:
        admin.close()
    mark.write_text("".join(f"{name}={level} {outcome.get(name, 'OK')}\n" for name, level in FEATURES.items()))
