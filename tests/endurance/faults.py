"""What befalls the world: drawn from a seed, each kind at least once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from random import Random

from events.errors import Unavailable
from tests.endurance.chaos_world import Kept, Worker, World

Say = Callable[[str], None]
GOES_ON_WITHIN_S = 300.0


@dataclass
class Faults(threading.Thread):
    """One after the other, with `gap_s` (least and most seconds) between them; a process that is paused stays so while others
    follow. After each has been once they end, or go on until it is stopped: then the next one comes when something was recorded
    since the last. What itself fails is kept in `error`.
    """

    world: World
    dice: Random
    gap_s: tuple[float, float]
    pause_s: tuple[float, float]
    say: Say
    only_once: bool
    stop: threading.Event = field(default_factory=threading.Event)
    done: dict[str, int] = field(default_factory=dict)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(name="faults", daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        began = time.monotonic()
        try:
            for kind in self._kinds():
                if len(self.done) == len(KINDS):
                    if self.only_once or self.stop.is_set():
                        return
                    self._until_something_is_recorded()
                self.say(f"{time.monotonic() - began:6.1f} s  {kind}")
                KINDS[kind](self)
                self.done[kind] = self.done.get(kind, 0) + 1
                self.stop.wait(self.dice.uniform(*self.gap_s))
        except BaseException as error:  # noqa: BLE001 - told by whoever joins this thread
            self.error = error

    def _until_something_is_recorded(self) -> None:
        before, deadline = self._recorded(), time.monotonic() + GOES_ON_WITHIN_S
        while self._recorded() <= before and not self.stop.wait(0.5):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing was recorded for {GOES_ON_WITHIN_S:.0f} s although nothing else happened")

    def _recorded(self) -> int:
        """How many records; none while the database does not answer."""
        with suppress(Unavailable):
            return sum(head.size for head in self.world.parts.ledger.heads())
        return 0

    def _kinds(self) -> Iterator[str]:
        first = list(KINDS)
        self.dice.shuffle(first)
        return chain(first, iter(lambda: self.dice.choice(list(KINDS)), None))

    def recorder(self) -> Kept:
        return self.dice.choice(self.world.recorders)

    def worker(self) -> Worker:
        return self.dice.choice(self.world.workers)

    def pause(self, signal_all: Callable[[int], None]) -> None:
        """For a while that may be longer than Kafka's patience with a member; others go on meanwhile."""
        signal_all(signal.SIGSTOP)
        threading.Timer(self.dice.uniform(*self.pause_s), signal_all, [signal.SIGCONT]).start()

    def hold(self, pids: list[int], seconds: float) -> None:
        """Stops processes for some seconds. Nothing else happens meanwhile."""
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number == signal.SIGSTOP:
                time.sleep(seconds)


def _kill_broker(on: Faults) -> None:
    on.world.broker.kill()
    time.sleep(on.dice.uniform(0, 2))
    on.world.broker.restart()


def _kill_postgres(on: Faults) -> None:
    on.world.postgres.kill()
    time.sleep(on.dice.uniform(0, 2))
    on.world.postgres.restart()


def _fill_disk(on: Faults) -> None:
    """PostgreSQL may refuse transactions, or give itself up: then it comes back when there is room."""
    on.world.disk.fill()
    time.sleep(on.dice.uniform(3, 5))
    on.world.disk.free()
    on.world.postgres.restart()


KINDS: Mapping[str, Callable[[Faults], None]] = {
    "a recorder is killed": lambda on: on.recorder().signal(signal.SIGKILL),
    "a recorder is paused": lambda on: on.pause(on.recorder().signal),
    "a flow's process is killed": lambda on: on.worker().signal(signal.SIGKILL),
    "a flow's process is paused": lambda on: on.pause(on.worker().signal),
    "the broker is killed": _kill_broker,
    "the broker is paused": lambda on: on.hold([on.world.broker.running.pid], on.dice.uniform(2, 4)),
    "PostgreSQL is killed": _kill_postgres,
    "PostgreSQL is paused": lambda on: on.hold(on.world.postgres.pids(), on.dice.uniform(2, 4)),
    "PostgreSQL's disk is full": _fill_disk,
}
