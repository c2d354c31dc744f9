"""A broker's clock that steps back, or leaders whose clocks differ: the cut holds all that was in time, or the phase waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from events.bus import Bus, Message, Publisher, Stamped
from events.entry import decode_entry
from events.envelope import decode
from events.record import TOPICS, Position, Record
from events.values import parse_instant
from flows.recorder import Recorder
from flows.transitions import Progress
from flows.wiring import Parts, assemble
from handlers.replay import Replay
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.endurance.cups import Cup
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

MINUTE = 60_000
BEGINS = parse_instant("2030-01-01T00:00:00Z")
OPENS, CLOSES = BEGINS + 10 * MINUTE, BEGINS + 30 * MINUTE
BUSY = OPENS + 13 * MINUTE
"""From here on marks are said: by every clock the phase has opened."""
SKEWS = (0, -1, 1, -3 * MINUTE, 2 * MINUTE, -12 * MINUTE)
"""Milliseconds by which the clocks of those who may lead a partition are wrong."""
PARTITIONS = 2


@dataclass
class Unsteady:
    """A programme in the broker's time, where any record may be stamped by any of the clocks. Flows have their own."""

    make_bus: Callable[[Callable[[], int]], Bus]
    dice: Random
    folder: Path
    true_ms: int = BEGINS
    said: int = 0
    bus: Bus = field(init=False)

    def __post_init__(self) -> None:
        self.bus = self.make_bus(lambda: self.true_ms + self.dice.choice(SKEWS))
        self.cup = Cup("cup", self.bus.clock, BEGINS, ((OPENS, CLOSES),), teams=2, judges=1, items=1)
        self.parts, self.recorder = self.recording("first")
        self.way = Progress(self.parts, self.cup.name)
        self.way.office.pause = lambda _seconds: self.record()
        self.publisher = self.bus.publisher()

    def recording(self, name: str) -> tuple[Parts, Recorder]:
        """A ledger of this bus, and its recorder."""
        url = f"sqlite:///{self.folder}/{name}.sqlite"
        upgrade(url)
        parts = assemble(self.bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
        return parts, Recorder(self.bus, parts.ledger, parts.deployment, ORIGIN, None)

    def record(self) -> None:
        catch_up(self.recorder, self.parts)

    def correct(self) -> None:
        self.said += 1
        team = self.dice.choice(self.cup.team_names)
        value = f"{self.said % 100}.{self.said // 100:02}"
        self.publisher.publish([self.cup.correction(team, self.said, value, self.true_ms)])

    def progress(self) -> None:
        """Flows look, a little early or late by their own clock; nothing closes that may not."""
        self.record()
        now = self.true_ms + self.dice.randint(-MINUTE, MINUTE)
        for _ in range(30):  # A marker that is stamped too early is sent again: what is due may stay so for a while.
            if (transition := self.way.due(now)) is None:
                return
            self.way.perform(transition, now)
            self.true_ms += 1000

    def play(self) -> None:
        self.publisher.publish(self.cup.beginnings())
        marks = list(self.cup.marks())
        while self.true_ms < CLOSES + 15 * MINUTE:
            self.true_ms += self.dice.randint(1, 60_000)
            if marks and self.true_ms > BUSY:
                self.publisher.publish([marks.pop()])
            elif not marks:
                self.correct()
            if self.dice.random() < 0.3:
                self.progress()
        self.true_ms += 60 * MINUTE
        self.progress()

    def own(self, topic: str) -> list[Record]:
        records = [one for number in range(PARTITIONS) for one in self.bus.read(topic, number, 0, 10**6)]
        return [one for one in records if one.key == self.cup.name.encode()]


@dataclass
class Stamping:
    """A publisher on a real broker whose topics take the sender's stamp: it gives each message that of an unsteady clock, as
    brokers whose clocks differ would. What a recorder then reads is the same.
    """

    publisher: Publisher
    now: Callable[[], int]

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        return [one.position for one in self.publish_stamped(messages)]

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        return self.publisher.publish_stamped([replace(one, timestamp_ms=self.now()) for one in messages])

    def close(self) -> None:
        self.publisher.close()


class StampingBus(KafkaBus):
    now: Callable[[], int]

    def publisher(self) -> Publisher:  # type: ignore[override]  # it stamps, and is no Kafka publisher itself
        return Stamping(super().publisher(), self.now)


def catch_up(recorder: Recorder, parts: Parts) -> None:
    ends, deadline = parts.bus.ends(), time.monotonic() + 120
    while recorder.step(0.0) or parts.ledger.positions(list(ends)) != ends:
        assert time.monotonic() < deadline, "the recorder does not catch up"


def in_memory(now: Callable[[], int]) -> Bus:
    return MemoryBus("clock", PARTITIONS, "broker", now)


def last_verdicts(ledger: Ledger, programme: str) -> dict[tuple[str, int], tuple[str, str | None]]:
    entries = (decode_entry(stored.entry) for stored in ledger.read(programme))
    return {(entry.topic, entry.offset): (entry.verdict, entry.reason) for entry in entries}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_clocks_do_what_counts_is_what_lies_before_the_marker_with_a_stamp_in_time(
    seed: int, tmp_path: Path
) -> None:
    decides_rightly(Unsteady(in_memory, Random(seed), tmp_path))


@pytest.mark.kafka
def test_so_it_is_over_a_real_partition_whose_stamps_run_backwards(
    kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path
) -> None:
    def on_kafka(now: Callable[[], int]) -> Bus:
        bus = StampingBus(kafka.bootstrap, topic_prefix, PARTITIONS, "scenario")
        bus.now = now
        bus.ensure_topics()
        return bus

    on = Unsteady(on_kafka, Random(1), tmp_path)
    decides_rightly(on)
    stamps = [one.received_ms for one in on.own("scores")]
    assert stamps != sorted(stamps)


def decides_rightly(on: Unsteady) -> None:
    on.play()
    the_cut_is_complete(on)
    on.recorder.close()  # Or the other would be given no partitions.
    another_reader_decides_the_same(on)


def the_cut_is_complete(on: Unsteady) -> None:
    closed = on.way.state.phases["phase-1"].closed
    assert closed is not None, "every clock is past the deadline by now"
    stops = {place.partition("/")[0]: offset for place, offset in closed.data["markers"].items()}
    for topic in TOPICS:
        (marker,) = (one for one in on.own(topic) if one.offset == stops[topic])
        assert marker.received_ms > CLOSES, "a marker that could have something in time behind it"
    said = last_verdicts(on.parts.ledger, on.cup.name)
    assert "pending" not in {verdict for verdict, _ in said.values()}
    counted: dict[str, str] = {}
    for one in on.own("scores"):
        event = decode(one.value or b"")
        if event.type == "phasegate.intake.marked.v1":
            continue
        counts = one.received_ms <= CLOSES and one.offset < stops["scores"]
        assert said["scores", one.offset] == (("accepted", None) if counts else ("refused", "late"))
        if counts and "score" in event.data:
            counted[event.data["score"]] = event.data["value"]
    phase = on.way.state.phases["phase-1"]
    if on.way.state.concluded is None:
        assert phase.held, "what is owed is said"
        return
    for assessed in phase.assessed.values():
        mark = f"0-{assessed.data['entrant']}-{on.cup.judge_names[0]}-0"
        if mark in counted:
            assert float(assessed.data["scores"]["total"]["value"]) == float(counted[mark])


def another_reader_decides_the_same(on: Unsteady) -> None:
    """Another recorder, to which the topics came in another order, accepts and refuses the same, the decision too; and a replay
    from nothing makes all of it again.
    """
    parts, recorder = on.recording("second")
    catch_up(recorder, parts)
    assert last_verdicts(parts.ledger, on.cup.name) == last_verdicts(on.parts.ledger, on.cup.name)
    head = on.parts.ledger.head(on.cup.name)
    assert head is not None
    replay = Replay(on.cup.name, head.origin, on.parts.deployment, on.parts.ledger.attribution)
    for stored in on.parts.ledger.read(on.cup.name):
        replay.feed(stored)
    report = replay.finish()
    assert (report.verdicts.different, report.decisions.different, report.first_difference) == (0, 0, None)
    recorder.close()
    parts.ledger.close()
