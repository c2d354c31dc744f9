"""What is killed: a broker, a PostgreSQL on a small disk, a Prefect server beside them, recorders and workers that are started
again whenever they end, as a service manager would.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue

from flows.prefect_server import PrefectServer
from flows.wiring import Parts, assemble
from infra.kafka.broker import TemporaryBroker, temporary_broker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.endurance.disk import Limited, Mounted, small_disk
from tests.endurance.postgres import Postgres
from tests.endurance.processes import ROOT, end, spawn
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

UNAVAILABLE = 7
"""Exit code of a command that found a dependency down; its service manager starts it again."""
LOOK_EVERY_S = 0.3


@dataclass
class Kept:
    """A recorder that is started again whenever it ends. `endings` are its exit codes, signals as negative numbers."""

    environment: Mapping[str, str]
    log: Path
    endings: Counter[int] = field(default_factory=Counter)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.process = spawn(["-m", "console", "record"], self.environment, self.log)

    def keep(self) -> None:
        """Notes that it has ended, if so, and starts it again."""
        if (ending := self.process.poll()) is not None:
            self.endings[ending] += 1
            self.start()

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


@dataclass
class Job:
    """A run of the progress flow that has to come to its end."""

    programme: str
    now: str
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class Worker(threading.Thread):
    """Performs jobs in a process of its own, and each again until it has come to its end."""

    environment: Mapping[str, str]
    log: Path
    jobs: Queue[Job | None]
    failed: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        super().__init__(name=f"worker-{self.log.stem}", daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while (job := self.jobs.get()) is not None:
            while (answer := self._ask(job)) != "done":
                if answer:
                    self.failed[answer] += 1
                else:
                    self.killed += 1
            job.done.set()
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _ask(self, job: Job) -> str:
        """How a run ended; empty when its process was killed."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{job.programme} {job.now}\n")
            process.stdin.flush()
            answer = process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        if not answer:
            process.wait()
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self.process is None or self.process.poll() is not None:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "tests.endurance.flow_worker"], cwd=ROOT, env=dict(self.environment),
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, process_group=0,
                )  # fmt: skip
        return self.process

    def signal(self, number: int) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)


@dataclass
class World:
    """Everything there is. `parts` are for looking at it from this process."""

    folder: Path
    broker: TemporaryBroker
    postgres: Postgres
    disk: Mounted | Limited
    parts: Parts
    recorders: list[Kept]
    workers: list[Worker]
    jobs: Queue[Job | None]
    over: threading.Event = field(default_factory=threading.Event)

    def keep(self) -> None:
        """Until it is over: recorders that have ended are started again, and PostgreSQL where it has given itself up."""
        while not self.over.wait(LOOK_EVERY_S):
            if not self.postgres.pids() and not self.disk.is_full:
                self.postgres.restart()
            for recorder in self.recorders:
                recorder.keep()

    def wake(self) -> None:
        """Nothing is paused any more."""
        for recorder in self.recorders:
            recorder.signal(signal.SIGCONT)
        for worker in self.workers:
            worker.signal(signal.SIGCONT)
        for pid in (*self.postgres.pids(), self.broker.running.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def world(folder: Path, partitions: int, recorders: int, workers: int, disk_mb: int) -> Iterator[World]:
    with ExitStack() as stack:
        prefect = stack.enter_context(PrefectServer())
        disk = stack.enter_context(small_disk(disk_mb))
        (data := disk.folder / "postgres").mkdir()
        postgres = Postgres(data)
        stack.callback(postgres.close)
        if isinstance(disk, Limited):
            disk.pids = postgres.pids
        broker = stack.enter_context(temporary_broker())
        upgrade(postgres.url)
        bus = KafkaBus(broker.bootstrap, "chaos", partitions, "scenario")
        bus.ensure_topics()
        parts = assemble(bus, Ledger.open(postgres.url), ORIGIN, OFFICE_KEY, LOG_KEY)
        stack.callback(parts.close)
        prefect.ready()
        own = environment(folder, postgres.url, broker.bootstrap) | {
            "PHASEGATE_PREFIX": "chaos",
            "PREFECT_API_URL": prefect.api_url,
            "PREFECT_HOME": str(folder / "prefect"),
        }
        jobs: Queue[Job | None] = Queue()
        kept = [Kept(own, folder / f"recorder-{number}.log") for number in range(recorders)]
        pool = [Worker(own, folder / f"worker-{number}.log", jobs) for number in range(workers)]
        made = World(folder, broker, postgres, disk, parts, kept, pool, jobs)
        for worker in pool:
            worker.start()
        keeper = threading.Thread(target=made.keep, name="keeper", daemon=True)
        keeper.start()
        try:
            yield made
        finally:
            made.over.set()
            keeper.join()
            made.wake()
            for worker in pool:
                jobs.put(None)
                worker.signal(signal.SIGKILL)
            for recorder in kept:
                end(recorder.process, 20)
