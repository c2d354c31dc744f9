"""Plays cups to their end, whatever is killed: sends until it is acknowledged, and has flows run until they are done."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from random import Random

from events.bus import Bus, Message, Publisher
from events.errors import PhasegateError, Unavailable
from events.record import Position
from events.values import format_instant
from tests.endurance.chaos_world import Job, World
from tests.endurance.cups import Cup

PORTION = 50


def script(cup: Cup, seed: int) -> Iterator[list[Message] | int]:
    """What is said (messages), and until when the flows then take it (Unix milliseconds). Of the marks some are said twice and
    some are no event, in an order of their own.
    """
    yield cup.beginnings()
    for number, (opens, closes) in enumerate(cup.phases):
        yield opens + 1
        dice = Random(f"{seed}/{cup.name}/{number}")
        marks = list(cup.marks(number))
        marks += dice.choices(marks, k=len(marks) // 25)
        marks += [replace(one, value=b"{" + (one.value or b"")) for one in dice.choices(marks, k=len(marks) // 50)]
        dice.shuffle(marks)
        yield marks
        yield closes + 1


class Sender:
    """Sends in portions, each again until it is acknowledged: what is in doubt is said twice."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._publisher: Publisher | None = None
        self.acknowledged: list[tuple[Position, bytes | None]] = []
        self.again = 0

    def send(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), PORTION):
            portion = messages[start : start + PORTION]
            while not self._sent(portion):
                self.again += 1

    def _sent(self, portion: Sequence[Message]) -> bool:
        try:
            self._publisher = self._publisher or self._bus.publisher()
            positions = self._publisher.publish(portion)
        except Unavailable:
            self.close()
            return False
        self.acknowledged += zip(positions, (one.value for one in portion), strict=True)
        return True

    def close(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            with suppress(PhasegateError):
                publisher.close()


@dataclass
class Conductor:
    """`at_once` cups are under way at the same time, each in a thread of its own."""

    world: World
    cups: Sequence[Cup]
    seed: int
    at_once: int
    senders: list[Sender] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)

    def start(self) -> list[threading.Thread]:
        waiting: SimpleQueue[Cup] = SimpleQueue()
        for cup in self.cups:
            waiting.put(cup)
        threads = [threading.Thread(target=self._play, args=(waiting,), daemon=True) for _ in range(self.at_once)]
        for thread in threads:
            thread.start()
        return threads

    def _play(self, waiting: SimpleQueue[Cup]) -> None:
        sender = Sender(self.world.parts.bus)
        self.senders.append(sender)
        try:
            while True:
                cup = waiting.get_nowait()
                for step in script(cup, self.seed):
                    sender.send(step) if isinstance(step, list) else self._flow(cup.name, step)
        except Empty:
            sender.close()
        except BaseException as error:  # noqa: BLE001 - told at the end, by the thread that waits for this one
            self.failed.append(error)

    def _flow(self, programme: str, now_ms: int) -> None:
        job = Job(programme, format_instant(now_ms))
        self.world.jobs.put(job)
        job.done.wait()
