"""A stage: bus, ledger, keys, recorder and progress of one programme, driven step by step in scenario time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from events.bus import Bus, Message
from events.envelope import Envelope
from events.record import Position
from events.values import parse_instant
from flows.erasures import Erasures
from flows.office import message
from flows.recorder import Recorder
from flows.transitions import Progress
from flows.wiring import Parts, assemble
from handlers.decide import decision_id
from handlers.replay import Replay
from handlers.replay_report import Report
from handlers.transition import Transition
from infra.keys import from_seed
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.support import small

OFFICE_KEY = from_seed("office.phasegate.example", bytes([7]) * 32)
LOG_KEY = from_seed("phasegate.example/log", bytes([8]) * 32)
ORIGIN = "phasegate.example"


@dataclass
class Stage:
    """Plays events in the order given. `tell` publishes and records; `progress` lets what is due happen."""

    parts: Parts
    now_ms: int = 0
    recorder: Recorder = field(init=False)
    done: list[Transition] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recorder = self.parts.recorder()
        self.publisher = self.parts.bus.publisher()
        self.way = Progress(self.parts, small.PROGRAMME)
        self.way.office.pause = self._record_meanwhile

    def _record_meanwhile(self, _seconds: float) -> None:
        self.record()

    def record(self) -> int:
        """Records everything that has come in."""
        total = 0
        while count := self.recorder.step(0.01):
            total += count
        return total

    def send(self, messages: Iterable[Message]) -> list[Position]:
        return self.publisher.publish(list(messages))

    def tell(self, *said: Envelope) -> list[Position]:
        """Publishes each event at its own time, signed where the office or the director says it, and records it."""
        positions = self.send(self.message(event) for event in said)
        self.record()
        self.way.office.await_recorded(positions)  # Kafka does not have it at hand at once.
        return positions

    def message(self, event: Envelope) -> Message:
        signed = event.source in (small.OFFICE, "urn:director")
        return message(small.topic_of(event), event, OFFICE_KEY if signed else None, parse_instant(event.time))

    def progress(self, now_ms: int) -> list[Transition]:
        """Everything that is due at `now_ms`, performed."""
        self.now_ms = now_ms
        steps = list(self.way.steps(now_ms))
        self.done += steps
        return steps

    def replay(self) -> Report:
        """Every verdict and decision made again from the ledger."""
        ledger = self.parts.ledger
        look = Erasures(ledger, small.PROGRAMME).look
        origin = f"{ORIGIN}/{small.PROGRAMME}"
        replay = Replay(small.PROGRAMME, origin, self.parts.deployment, ledger.attribution, hidden=look)
        for stored in ledger.read(small.PROGRAMME):
            replay.feed(stored)
        return replay.finish()


def memory_stage(folder: Path, partitions: int = 4) -> Stage:
    """A stage over the bus in memory and a SQLite ledger in `folder`."""
    return stage(MemoryBus("test", partitions, "scenario", lambda: 0), f"sqlite:///{folder}/ledger.sqlite")


def stage(bus: Bus, url: str) -> Stage:
    """A stage over any bus and database; topics and tables are made."""
    upgrade(url)
    bus.ensure_topics()
    return Stage(assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY))


def play(on: Stage) -> None:
    """The whole small programme, to the final decision: birch is out at the gate, one place stays vacant."""
    opens, day = small.OPENS, small.DAY
    on.tell(small.announced(), *small.beginnings())
    on.progress(opens + 1)
    on.tell(*small.submissions())
    on.progress(small.DEADLINES["submissions"] + 1)
    on.tell(*small.scores(), small.finding(), small.rebuttal())
    on.progress(small.DEADLINES["scores"] + 1)
    on.progress(small.DEADLINES["audits"] + 1)
    on.tell(small.ruling())
    on.progress(opens + 22 * day)
    on.tell(small.signature(decision_id(small.PROGRAMME, "heat")))
    on.progress(opens + 33 * day + 1)
