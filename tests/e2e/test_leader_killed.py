"""Three brokers, and the leader of a partition killed while an intake closes: what was acknowledged with a stamp in time is in
the cut. About 60 seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from events.entry import decode_entry
from events.envelope import decode
from events.errors import Conflict, Unavailable
from events.record import Position, Record, partition_for
from flows.transitions import Progress
from flows.wiring import assemble
from handlers.state import State
from handlers.transition import MarkWindow
from infra.clock import now_ms
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.conftest import required
from tests.endurance.conductor import Sender
from tests.endurance.cups import Cup
from tests.endurance.processes import service
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN
from tests.support.three_brokers import ThreeBrokers, three_brokers

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(1000)]

PREFIX, PARTITIONS = "three", 4
PACES_MS = ((3_000, 6_000), (15_000, 25_000), (40_000, 60_000))
"""Until a phase opens, and how long it is open. A machine that is too busy to say enough meanwhile is given longer, with
another cup.
"""
ENOUGH = 20
"""Corrections in time."""
PAST_MS = 2_000
"""How long is still sent after the deadline."""
WITHIN_S = 150.0


@pytest.fixture
def brokers() -> Iterator[ThreeBrokers]:
    context = three_brokers()
    yield required("Kafka", context.__enter__)
    context.__exit__(None, None, None)


@dataclass
class Closing:
    """A cup whose deadline comes while two people keep correcting a mark, and whose flows are tried until it is decided."""

    cup: Cup
    brokers: ThreeBrokers
    way: Progress
    killed: int = 0
    senders: list[Sender] = field(default_factory=list)

    @property
    def partition(self) -> int:
        return partition_for(self.cup.name.encode(), PARTITIONS)

    @property
    def deadline(self) -> int:
        return self.cup.phases[0][1]

    def correct(self, team: str) -> None:
        """One correction after the other until well past the deadline; each is sent until it is acknowledged."""
        sender, serial = Sender(self.way.parts.bus), 0
        self.senders.append(sender)
        began = 0
        while began <= self.deadline + PAST_MS:
            serial, began = serial + 1, now_ms()
            sender.send([self.cup.correction(team, serial, f"{serial % 100}.{serial // 100:02}", now_ms())])
        sender.close()

    def play(self, kill_leader_of: str) -> None:
        """Up to its end. The leader of a topic's partition is killed as the first marker of the deadline goes out."""
        self.progress_until(lambda state: "phase-1" in state.phases or state.concluded is not None, None)
        if "phase-1" not in self.way.state.phases:
            return  # Nobody registered in time.
        first = Sender(self.way.parts.bus)
        first.send(list(self.cup.marks()))
        first.close()
        people = [threading.Thread(target=self.correct, args=(team,)) for team in self.cup.team_names]
        for one in people:
            one.start()
        self.progress_until(is_decided_or_held, kill_leader_of)
        for one in people:
            one.join()

    def progress_until(self, is_so: Callable[[State], bool], kill_leader_of: str | None) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not is_so(self.way.state):
            assert time.monotonic() < deadline, f"{self.cup.name} does not go on"
            try:
                transition = self.way.due(now_ms())
                if transition is None:
                    time.sleep(0.02)
                    continue
                if (
                    isinstance(transition, MarkWindow)
                    and transition.window == "scores"
                    and kill_leader_of
                    and not self.killed
                ):
                    self.killed = self.brokers.leader(f"{PREFIX}.{kill_leader_of}", self.partition)
                    threading.Timer(0.02, self.brokers.nodes[self.killed].kill).start()
                self.way.perform(transition, now_ms())
            except (Unavailable, Conflict):
                continue


def test_the_leader_killed_while_an_intake_closes_takes_nothing_in_time_out_of_the_cut(
    brokers: ThreeBrokers, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(brokers.bootstrap, PREFIX, PARTITIONS, "broker")
    bus.ensure_topics()
    await_whole(brokers)
    parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    own = environment(tmp_path, url, brokers.bootstrap) | {
        "PHASEGATE_PREFIX": PREFIX,
        "PHASEGATE_PARTITIONS": str(PARTITIONS),
    }
    with service("record", own, tmp_path / "record.log") as recorder:
        for topic in ("scores", "decisions"):
            for number, pace_ms in enumerate(PACES_MS):
                name = f"{topic}-{number}"
                closing = announced(name, pace_ms, brokers, Progress(parts, name))
                closing.play(topic)
                in_time = is_complete(closing, bus, parts.ledger) if closing.killed else 0
                restored(brokers, closing.killed)
                if in_time >= ENOUGH:
                    break
            assert in_time >= ENOUGH
        assert recorder.poll() is None, (tmp_path / "record.log").read_text()
    assert list(parts.ledger.integrity(keys=[LOG_KEY.verifier])) == []
    parts.close()


def is_decided_or_held(state: State) -> bool:
    """Where even the marks came too late, somebody owes them: then nothing more happens by itself."""
    return state.concluded is not None or ("phase-1" in state.phases and bool(state.phases["phase-1"].held))


def announced(name: str, pace_ms: tuple[int, int], brokers: ThreeBrokers, way: Progress) -> Closing:
    now = now_ms()
    opens = now + pace_ms[0]
    cup = Cup(name, "broker", now, ((opens, opens + pace_ms[1]),), teams=2, judges=1, items=1)
    sender = Sender(way.parts.bus)
    sender.send(cup.beginnings())
    way.office.await_recorded([position for position, _ in sender.acknowledged])
    sender.close()
    return Closing(cup, brokers, way)


def restored(brokers: ThreeBrokers, number: int) -> None:
    if not number:
        return
    brokers.nodes[number].start()
    brokers.nodes[number].await_answer()
    await_whole(brokers)


def await_whole(brokers: ThreeBrokers) -> None:
    """Until every partition is on all three."""
    deadline = time.monotonic() + WITHIN_S
    while not brokers.is_whole():
        assert time.monotonic() < deadline, "a node does not catch up"
        time.sleep(0.2)


def is_complete(on: Closing, bus: KafkaBus, ledger: Ledger) -> int:
    """By what Kafka has itself: everything acknowledged is there, what is stamped in time lies before the marker and counts,
    what is not does not, and the decision uses the last correction in time. Returns how many corrections were in time.
    """
    records = bus.read("scores", on.partition, 0, 10**9)
    own = [one for one in records if one.key == on.cup.name.encode()]
    at = {(one.topic, one.partition, one.offset): one.value for one in own}
    sent: list[tuple[Position, bytes | None]] = [row for sender in on.senders for row in sender.acknowledged]
    assert all(at[place.topic, place.partition, place.offset] == value for place, value in sent)
    closed = on.way.state.phases["phase-1"].closed
    assert closed is not None
    stop = closed.data["markers"][f"scores/{on.partition}"]
    said = verdicts(ledger, on.cup.name)
    in_time = [one for one in corrections(own) if one.received_ms <= on.deadline]
    late = [one for one in corrections(own) if one.received_ms > on.deadline]
    assert late, "nothing was sent past the deadline"
    assert [one.offset for one in in_time if one.offset > stop] == []
    assert {said[one.offset] for one in in_time} <= {("accepted", None), ("duplicate", None)}
    assert {said[one.offset][0] for one in late} <= {"refused", "duplicate"}
    if on.way.state.concluded is not None:
        assert totals(on.way.state) == {team: last_value(in_time, team) for team in on.cup.team_names}
    return len(in_time)


def corrections(records: list[Record]) -> list[Record]:
    return [one for one in records if b"score.corrected" in (one.value or b"")]


def verdicts(ledger: Ledger, programme: str) -> dict[int, tuple[str, str | None]]:
    """The last verdict on every record of `scores`, by offset."""
    entries = (decode_entry(stored.entry) for stored in ledger.read(programme))
    return {entry.offset: (entry.verdict, entry.reason) for entry in entries if entry.topic == "scores"}


def last_value(records: list[Record], team: str) -> float:
    own = [decode(one.value or b"").data for one in records if f"0-{team}-".encode() in (one.value or b"")]
    return float(own[-1]["value"])


def totals(state: State) -> dict[str, float]:
    phase = state.phases["phase-1"]
    return {row.data["entrant"]: float(row.data["scores"]["total"]["value"]) for row in phase.assessed.values()}
