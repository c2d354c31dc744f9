"""Recorders killed with -9, a broker killed with -9, two recorders where one should be: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from events.bus import Message
from events.entry import decode_entry
from events.errors import Unavailable
from events.record import DEAD_LETTERS, TOPICS, Position
from flows.recorder import GROUP, Recorder
from flows.transitions import Progress
from flows.wiring import Parts, assemble
from handlers.replay import Replay
from infra.kafka.broker import TemporaryBroker, temporary_broker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.conftest import required
from tests.support import crowd, small
from tests.support.deployment import environment
from tests.support.speaking import Lines
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("PHASEGATE_TEST_SEED", "20260115"))
KILLS, PARTITIONS = 20, 4


@pytest.fixture(scope="module")
def broker() -> Iterator[TemporaryBroker]:
    """A broker of this module's own: it is killed."""
    with ExitStack() as stack:
        yield required("Kafka", lambda: stack.enter_context(temporary_broker()))


@dataclass(frozen=True)
class Recording:
    """A recorder's process and what it says."""

    process: subprocess.Popen[str]
    lines: Lines

    def go(self) -> None:
        self.lines.wait_for("ready")
        self.say("go")

    def until_it_records(self, flow: Flow) -> None:
        """Lets events out one portion after the other until this recorder has been given one of them."""
        self.lines.wait_for("recording", meanwhile=lambda: flow.let(1))

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()


@dataclass
class Deployment:
    """Parts in this process, and recorders in others, on one broker and one ledger."""

    parts: Parts
    environment: dict[str, str]
    stack: ExitStack
    log: Path
    lives: int = field(default=0)

    def recorder(self, group: str | None = None) -> Recording:
        """A recorder process, warm: it begins when a line comes in."""
        self.lives += 1
        command = [sys.executable, "-m", "tests.support.recording", group or f"{GROUP}-{self.lives}"]
        with self.log.open("a") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.stack.enter_context(process)
        self.stack.callback(process.kill)
        return Recording(process, Lines(process, process.stdout))

    def behind(self) -> int:
        """How many published records are not recorded yet."""
        ends = self.parts.bus.ends()
        return sum(ends.values()) - sum(self.parts.ledger.positions(list(ends)).values())

    def finish(self) -> None:
        """A last recorder, in this process, records what is left and settles up."""
        recorder = Recorder(self.parts.bus, self.parts.ledger, self.parts.deployment, ORIGIN, LOG_KEY)
        deadline = time.monotonic() + 40
        while self.behind() or self.unsigned():
            assert time.monotonic() < deadline, "the last recorder does not catch up"
            recorder.step()
        recorder.settle_up()
        recorder.close()

    def unsigned(self) -> bool:
        """Some log has grown past its last checkpoint: whoever wrote it was killed before it signed."""
        ledger = self.parts.ledger
        signed = {head.programme: ledger.checkpoints(head.programme) for head in ledger.heads()}
        return any(not signed[head.programme] or signed[head.programme][-1].size < head.size for head in ledger.heads())


@contextmanager
def deployment(broker: TemporaryBroker, prefix: str, folder: Path) -> Iterator[Deployment]:
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(broker.bootstrap, prefix, PARTITIONS, "scenario")
    bus.ensure_topics()
    parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    with ExitStack() as stack:
        stack.callback(parts.close)
        made = Deployment(parts, environment(folder, url, broker.bootstrap), stack, folder / "recorders.log")
        _open(made)
        yield made


def _open(on: Deployment) -> None:
    """All programmes announced, and their phase opened by the flows."""
    recorder = Recorder(on.parts.bus, on.parts.ledger, on.parts.deployment, ORIGIN, LOG_KEY)
    publisher = on.parts.bus.publisher()
    publisher.publish([one for programme in crowd.PROGRAMMES for one in crowd.beginnings(programme)])
    while on.behind():
        recorder.step()

    def meanwhile(_seconds: float) -> None:
        recorder.step()

    for programme in crowd.PROGRAMMES:
        way = Progress(on.parts, programme)
        way.office.pause = meanwhile
        assert len(list(way.steps(small.OPENS + 1))) == 2
    publisher.close()
    recorder.close()


class Flow(threading.Thread):
    """Publishes in portions until everything is acknowledged; what is in doubt is sent again, as a sender would."""

    def __init__(self, on: Deployment, messages: Sequence[Message], portion: int) -> None:
        super().__init__(daemon=True)
        self.on, self.messages, self.portion = on, messages, portion
        self.acknowledged: list[Position] = []
        self.more, self.allowed = threading.Semaphore(0), 0

    def let(self, portions: int) -> None:
        """Lets so many more portions out."""
        self.allowed += portions
        self.more.release(portions)

    def is_through(self) -> bool:
        """Whether everything that was let out is acknowledged."""
        return len(self.acknowledged) >= min(self.allowed * self.portion, len(self.messages))

    def run(self) -> None:
        publisher = self.on.parts.bus.publisher()
        for start in range(0, len(self.messages), self.portion):
            self.more.acquire()
            portion = self.messages[start : start + self.portion]
            while True:
                try:
                    self.acknowledged += publisher.publish(portion)
                    break
                except Unavailable:
                    publisher = self.on.parts.bus.publisher()
        publisher.close()


def test_recorders_killed_twenty_times_and_a_broker_once_lose_and_double_nothing(
    broker: TemporaryBroker, topic_prefix: str, tmp_path: Path
) -> None:
    dice, cut_short = random.Random(SEED), 0
    with deployment(broker, topic_prefix, tmp_path) as on:
        messages = crowd.marks(SEED)
        assert len(messages) >= 5000
        flow = Flow(on, messages, -(-len(messages) // KILLS))
        flow.start()
        spare = on.recorder()
        for life in range(KILLS):
            recorder, spare = spare, on.recorder()
            recorder.go()
            flow.let(1)
            if life == KILLS // 2:
                broker.kill()
                broker.restart()
            time.sleep(dice.uniform(0.1, 1.2))
            recorder.process.send_signal(signal.SIGKILL)
            recorder.process.wait()
            cut_short += on.behind() > 0
        flow.join(60)
        assert not flow.is_alive()
        on.finish()
        assert cut_short >= KILLS // 4, f"seed {SEED}: only {cut_short} were killed with work before them"
        assert len(flow.acknowledged) == len(messages)
        everything_is_recorded_once(on.parts, flow.acknowledged)


def test_of_two_recorders_the_one_that_slept_is_fenced(
    broker: TemporaryBroker, topic_prefix: str, tmp_path: Path
) -> None:
    with deployment(broker, topic_prefix, tmp_path) as on:
        messages = crowd.marks(SEED + 1)[:3000]
        flow = Flow(on, messages, 50)
        flow.start()
        group = f"{GROUP}-{topic_prefix}"
        first, second = on.recorder(group), on.recorder(group)
        first.go()
        first.until_it_records(flow)
        second.go()
        second.until_it_records(flow)
        flow.let(5)
        time.sleep(0.05)
        first.process.send_signal(signal.SIGSTOP)
        flow.let(5)
        eventually(lambda: flow.is_through() and on.behind() == 0)
        flow.let(len(messages))
        first.process.send_signal(signal.SIGCONT)
        flow.join(30)
        eventually(lambda: on.behind() == 0)
        assert (first.process.poll(), second.process.poll()) == (None, None), "both still record"
        for recorder in (first, second):
            recorder.say("stop")
            assert recorder.process.wait(20) == 0
        everything_is_recorded_once(on.parts, flow.acknowledged)


def test_recorders_join_leave_and_are_killed_while_events_flow(
    broker: TemporaryBroker, topic_prefix: str, tmp_path: Path
) -> None:
    """Three of one group: one after the other joins, one is told to stop in the middle of its work, one is killed."""
    with deployment(broker, topic_prefix, tmp_path) as on:
        messages = crowd.marks(SEED + 2)[:4000]
        flow = Flow(on, messages, 50)
        flow.start()
        group = f"{GROUP}-{topic_prefix}"
        stays, leaves, dies = (on.recorder(group) for _ in range(3))
        for recorder in (stays, leaves, dies):
            recorder.go()
            recorder.until_it_records(flow)
        flow.let(10)
        leaves.process.send_signal(signal.SIGTERM)
        flow.let(10)
        assert leaves.process.wait(30) == 0, "it finished its transaction and left"
        dies.process.send_signal(signal.SIGKILL)
        dies.process.wait()
        flow.let(len(messages))
        flow.join(60)
        assert not flow.is_alive()
        eventually(lambda: on.behind() == 0 and not on.unsigned(), 60)
        assert stays.process.poll() is None, "whoever stays records everything"
        stays.process.send_signal(signal.SIGTERM)
        assert stays.process.wait(30) == 0
        assert len(flow.acknowledged) == len(messages)
        everything_is_recorded_once(on.parts, flow.acknowledged)


def eventually(holds: Callable[[], bool], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s"
        time.sleep(0.1)


def everything_is_recorded_once(parts: Parts, acknowledged: Sequence[Position]) -> None:
    """Each offset of each partition has one first entry, and the ledger ends where Kafka does; all of it holds."""
    ends = parts.bus.ends()
    assert parts.ledger.positions(list(ends)) == ends
    recorded = {
        (topic, partition): [offset for offset, _ in parts.ledger.attribution(topic, partition, end)]
        for (topic, partition), end in ends.items()
    }
    assert recorded == {place: list(range(end)) for place, end in ends.items()}
    assert all(position.offset < ends[position.topic, position.partition] for position in acknowledged)
    assert list(parts.ledger.integrity(keys=[LOG_KEY.verifier])) == []
    for head in parts.ledger.heads():
        replay = Replay(head.programme, head.origin, parts.deployment, parts.ledger.attribution)
        for stored in parts.ledger.read(head.programme):
            replay.feed(stored)
        report = replay.finish()
        assert (report.verdicts.different, report.decisions.different, report.first_difference) == (0, 0, None)
        assert parts.ledger.checkpoints(head.programme)[-1].size == head.size, "settled up: the head is signed"
    assert dead_letters(parts) == refused(parts)


def refused(parts: Parts) -> set[tuple[str, int, int]]:
    entries = (decode_entry(row.entry) for head in parts.ledger.heads() for row in parts.ledger.read(head.programme))
    return {(entry.topic, entry.partition, entry.offset) for entry in entries if entry.verdict == "refused"}


def dead_letters(parts: Parts) -> set[tuple[str, int, int]]:
    """The positions of everything that was relayed; at least once, so as a set."""
    found = set()
    for partition in range(parts.bus.partitions):
        for letter in parts.bus.read(DEAD_LETTERS, partition, 0, sys.maxsize):
            headers = {name: value.decode() for name, value in letter.headers}
            topic = headers["__dlq.errors.topic"]
            assert topic in TOPICS
            found.add((topic, int(headers["__dlq.errors.partition"]), int(headers["__dlq.errors.offset"])))
    return found
