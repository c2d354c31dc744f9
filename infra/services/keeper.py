"""Keeps the services of a plan running until it is told to end: `python -m infra.services.keeper FOLDER`.

A service that ends is started again, after a pause that doubles up to half a minute and is forgotten once it has run for a
while. On SIGTERM they are ended in the reverse order of the plan, each with time to finish. If the keeper itself is killed,
its services end with it (Linux). Their output goes to `<FOLDER>/<name>.log`, which is rotated.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from events.errors import PhasegateError
from infra.kafka import broker
from infra.kafka.process import birth
from infra.services.life import Life
from infra.services.plan import Condition, Kept, Plan, Planned, read_plan, write_state

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STEADY_AFTER_S = 60.0
"""A service that ran this long before it ended is started again as soon as if it were the first time."""

ENDS_WITHIN_S = 90.0
"""What a service gets after SIGTERM: `serve` lets its runs finish first."""

LOOK_EVERY_S = 0.5

log = logging.getLogger("phasegate.keeper")


class Keeper:
    """One thread for each service and one for the broker; the main thread waits for the end."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._stop = threading.Event()
        self._kept = {one.name: Kept(one.name) for one in plan.services}
        self._lives: dict[str, Life] = {}
        self._was_ready = {one.name: threading.Event() for one in plan.services}
        self._telling = threading.Lock()
        self._sockets = Path(tempfile.mkdtemp(prefix="phasegate-"))  # short: a socket's path has 108 bytes at most
        self._pid, self._began = os.getpid(), birth(os.getpid()) or ""

    def run(self) -> None:
        """Returns when a signal asked for the end and every service has ended."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self._stop.set())
        self._tell()
        threads = {one.name: threading.Thread(target=self._keep, args=(one,)) for one in self._plan.services}
        watch = threading.Thread(target=self._watch_broker)
        for thread in (*threads.values(), watch):
            thread.start()
        while not self._stop.wait(LOOK_EVERY_S):
            """Signals are handled between two of these."""
        watch.join()
        for one in reversed(self._plan.services):
            self._end(one.name, threads[one.name])
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _end(self, name: str, thread: threading.Thread) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if (life := self._lives.get(name)) is not None:
                life.signal(number)
            thread.join(ENDS_WITHIN_S)
            if not thread.is_alive():
                return
            log.warning("%s has not ended within %g s", name, ENDS_WITHIN_S)

    def _keep(self, planned: Planned) -> None:
        pause_s = FIRST_PAUSE_S
        while self._may_start(planned):
            began = time.monotonic()
            code = self._live(planned)
            if self._stop.is_set():
                break
            pause_s = FIRST_PAUSE_S if time.monotonic() - began > STEADY_AFTER_S else pause_s
            log.warning("%s ended with %d, and is started again in %g s", planned.name, code, pause_s)
            self._is(planned.name, "ended", ended=code)
            self._stop.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            self._kept[planned.name].restarts += 1
        self._is(planned.name, "stopped")

    def _may_start(self, planned: Planned) -> bool:
        """Waits for what it needs; False when the end came first."""
        while not all(self._was_ready[name].is_set() for name in planned.after):
            if self._stop.wait(LOOK_EVERY_S):
                return False
        return not self._stop.is_set()

    def _live(self, planned: Planned) -> int:
        """Starts it, and returns its exit code when it has ended."""
        with Life(planned, self._folder, self._sockets) as life:
            self._lives[planned.name] = life
            self._is(planned.name, "starting", pid=life.pid)
            while life.ended_within(LOOK_EVERY_S) is None:
                if self._kept[planned.name].condition == "starting" and life.is_ready():
                    self._was_ready[planned.name].set()
                    self._is(planned.name, "running", pid=life.pid)
            del self._lives[planned.name]
            return life.code

    def _is(self, name: str, condition: Condition, *, pid: int | None = None, ended: int | None = None) -> None:
        row = self._kept[name]
        row.condition, row.pid, row.since = condition, pid, int(time.time())
        row.ended = row.ended if ended is None else ended
        self._tell()

    def _tell(self) -> None:
        with self._telling:
            write_state(self._folder, self._pid, self._began, list(self._kept.values()))

    def _watch_broker(self) -> None:
        """A local broker that died is started again; one that `kafka down` has stopped is left alone."""
        while self._plan.broker is not None and not self._stop.wait(LOOK_EVERY_S):
            home = Path(self._plan.broker)
            if not broker.has_died(home):
                continue
            log.warning("the broker has died, and is started again")
            try:
                broker.up(home, log.info)
            except (PhasegateError, OSError) as error:
                log.warning("the broker did not start: %s", error)
                self._stop.wait(LONGEST_PAUSE_S)


def main(folder: Path) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    plan = read_plan(folder)
    log.info("keeping %s on %s", ", ".join(one.name for one in plan.services), socket.gethostname())
    Keeper(folder, plan).run()
    log.info("everything has ended")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
