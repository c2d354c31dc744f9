"""Making a ledger again from Kafka alone, and showing that it says what the old one says.

The new ledger is written by the recorder itself, from the records in the order of their receipt. Salts and interleaving are
new, so its logs are other logs: they have an origin of their own, and nothing is ever signed under the old one again
(docs/decisions/0024). Nobody's positions on Kafka are moved; the recorder of the old ledger may go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from events.bus import Bus, Clock
from events.entry import decode_entry
from events.errors import Refused
from events.origins import first_origin, is_rebuilt, origin_of, rebuilt_origin
from flows.erasures import Erasures
from flows.erasures_ahead import At, opening_on
from flows.recorder import Recorder
from flows.rereading import Rereading
from handlers.judge import Deployment
from handlers.replay import Replay
from handlers.replay_report import Difference, Tally
from infra.ledger import Ledger, Standing

Places = Mapping[tuple[str, int], int]
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that a new ledger would need and that Kafka does not hold: offsets `start` to `stop`, the latter excluded."""

    topic: str
    partition: int
    start: int
    stop: int
    is_deleted: bool
    """At the beginning of the partition, where Kafka deletes; else beyond its end, although they were recorded once."""

    def __str__(self) -> str:
        why = "Kafka has deleted them" if self.is_deleted else "Kafka's partition ends before them"
        return f"{self.topic}/{self.partition} offsets {self.start} to {self.stop - 1}: {why}"

    def data(self) -> dict[str, Any]:
        return {"topic": self.topic, "partition": self.partition, "from": self.start, "to": self.stop,
                "deleted": self.is_deleted}  # fmt: skip


def gaps(bus: Bus, ends: Places, old: Standing | None, rebuilt: Places) -> list[Gap]:
    """What is missing for a whole ledger; nothing as long as Kafka holds each partition from its first record on. `rebuilt`
    is what the new ledger has already.
    """
    found = [
        Gap(*place, rebuilt.get(place, 0), begin, is_deleted=True)
        for place, begin in sorted(bus.begins().items())
        if begin > rebuilt.get(place, 0)
    ]
    recorded = old.positions if old is not None else {}
    found += [
        Gap(*place, ends.get(place, 0), stop, is_deleted=False)
        for place, stop in sorted(recorded.items())
        if stop > ends.get(place, 0)
    ]
    return found


def origin_for(new: Ledger, origin: str) -> str:
    """The origin of the new ledger: that under which it was begun before, or another that nobody has had. Raises Refused
    unless it is empty, or the unfinished work of an earlier rebuild.
    """
    heads = new.heads()
    if not heads:
        return rebuilt_origin(origin, os.urandom(6))
    found = {origin_of(head.origin, head.programme) for head in heads}
    begun = found.pop()
    if found or not is_rebuilt(begun) or first_origin(begun) != first_origin(origin):
        raise Refused(f"the database has {len(heads)} logs already, such as {heads[0].origin}",
                      hint="name one that is empty with --into")  # fmt: skip
    if signed := next((head.origin for head in heads if new.checkpoints(head.programme)), None):
        raise Refused(f"the rebuilt ledger is in use: a checkpoint of {signed} is signed",
                      hint="name another database with --into; a ledger is rebuilt once")  # fmt: skip
    return begun


def clock_of(bus: Bus, ends: Places) -> Clock:
    """Who stamps the records, as the first of them says; the broker where there is none."""
    for (topic, partition), end in sorted(ends.items()):
        if records := bus.read(topic, partition, 0, min(end, 100)):
            return "broker" if records[0].received_by == "broker" else "scenario"
    return "broker"


class Rebuilding:
    """The recorder of a new ledger. It is one from the first record to the last, whatever is done with the ledger between."""

    def __init__(self, bus: Bus, new: Ledger, deployment: Deployment, origin: str, erased: Collection[At] = ()) -> None:
        new.require_durable()
        self._new = new
        self._reading = Rereading(bus, {})
        self._recorder = Recorder(self._reading, new, deployment, origin, None)
        self._recorder.never_keep(erased, partial(opening_on, bus))

    def record_up_to(self, stops: Places, advance: Advance) -> None:
        """Records what Kafka holds below `stops`, from where the new ledger is. Raises Refused where it is beyond."""
        recorded = self._new.positions(stops)
        for (topic, partition), done in recorded.items():
            if done > (stop := stops[topic, partition]):
                raise Refused(f"the rebuilt ledger has recorded {topic}/{partition} up to {done}, the old one up to {stop}",
                              hint="name another database with --into; they cannot be compared")  # fmt: skip
        self._reading.stops = dict(stops)
        total = sum(recorded.values())
        while count := self._recorder.step(0.0):
            advance(total := total + count)

    def close(self) -> None:
        self._recorder.close()


@dataclass(slots=True)
class Decided:
    """The pipeline's events in the rebuilt logs, made again: they are on Kafka as the old ledger's flows said them."""

    decisions: Tally
    earlier: int = 0
    first: tuple[str, Difference, str] | None = None
    """Programme, difference, and the record's place on the bus."""


def decide_again(new: Ledger, deployment: Deployment, programme: str | None, advance: Advance) -> Decided:
    """Replays the rebuilt logs, or one of them: whether the decisions on Kafka follow from the records on Kafka."""
    found, done = Decided(Tally()), 0
    for head in new.heads():
        if programme not in (None, head.programme):
            continue
        look = Erasures(new, head.programme).look
        replay = Replay(head.programme, head.origin, deployment, new.attribution, hidden=look)
        for stored in new.read(head.programme):
            replay.feed(stored)
            if (done := done + 1) % 500 == 0:
                advance(done)
        report = replay.finish()
        found.earlier += report.earlier
        found.decisions.checked += report.decisions.checked
        found.decisions.identical += report.decisions.identical
        found.decisions.unchecked += report.decisions.unchecked
        if report.first_difference is not None and found.first is None:
            found.first = head.programme, report.first_difference, _place(new, head.programme, report.first_difference)
    return found


def _place(ledger: Ledger, programme: str, difference: Difference) -> str:
    stored = next(iter(ledger.read(programme, difference.index, difference.index + 1)), None)
    if stored is None:
        return ""
    entry = decode_entry(stored.entry)
    return f"{entry.topic}/{entry.partition}/{entry.offset}"
