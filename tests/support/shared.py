"""A bus that two programmes share, in one partition, with records that belong to nobody between theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from events.bus import Bus, Message
from events.envelope import Envelope
from events.record import partition_for
from flows.office import message
from tests.support import small
from tests.support.stage import OFFICE_KEY, Stage, play, stage


def neighbour(partitions: int) -> str:
    """A programme whose records travel in the partition of the small one."""
    home = partition_for(small.PROGRAMME.encode(), partitions)
    return next(f"cup-{n}" for n in range(999) if partition_for(f"cup-{n}".encode(), partitions) == home)


def of(programme: str, said: Envelope) -> Envelope:
    """The same event of another programme."""
    return replace(said, subject=programme)


def announced(programme: str) -> Envelope:
    document: dict[str, Any] = small.rulebook() | {"programme": programme}
    return of(programme, small.announced(document))


def keyless(topic: str, partition: int, value: bytes = b"{}") -> Message:
    return Message(topic, None, value, (), small.OPENS, partition)


def play_both(on: Stage) -> str:
    """The small programme to its end; another begins beside it, and records without a key come between. That other's name."""
    partitions = on.parts.bus.partitions
    other, home = neighbour(partitions), partition_for(small.PROGRAMME.encode(), partitions)
    early = small.scores()[0]
    on.send(
        [keyless("scores", home), keyless("decisions", home, b"\xff"), _message(of(other, early)), *_nothing(other)]
    )
    on.send([_message(announced(other), signed=True)])
    on.send(_message(of(other, one), signed=one.source == small.OFFICE) for one in small.beginnings())
    play(on)
    last = on.send(
        [
            keyless("audits", home),
            *_nothing(other),
            _message(of(other, small.beginnings()[0]), signed=True),
        ]
    )
    on.way.office.await_recorded(last)
    on.recorder.settle_up()
    return other


def _nothing(programme: str) -> list[Message]:
    """Two records that are refused."""
    return [Message("scores", programme.encode(), b"{}", (), small.OPENS) for _ in range(2)]


def _message(said: Envelope, *, signed: bool = False) -> Message:
    return message(small.topic_of(said), said, OFFICE_KEY if signed else None, small.OPENS)


def both_on(bus: Bus, url: str) -> tuple[Stage, str]:
    """All of it played over a bus into a ledger; the recorder is stopped."""
    on = stage(bus, url)
    other = play_both(on)
    on.recorder.close()
    return on, other


def verdicts(data: Mapping[str, Any]) -> tuple[int, int, int]:
    tally = data["verdicts"]
    return tally["checked"], tally["identical"], tally["different"]
