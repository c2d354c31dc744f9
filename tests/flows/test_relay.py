"""Dead letters: at least once, whatever fails between Kafka and the ledger, and never one that is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from events.bus import Message, Stamped
from events.errors import Unavailable
from events.record import DEAD_LETTERS, Position
from flows.relay import Relay
from tests.support import small
from tests.support.stage import Stage, memory_stage
from tests.support.told import ANN, mark

AT = small.OPENS + 15 * small.DAY


class Failing:
    """A publisher that stores nothing, or stores and is killed before it says so."""

    def __init__(self, on: Stage, *, stores: bool) -> None:
        self.stores, self.real = stores, on.parts.bus.publisher()

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        if self.stores:
            self.real.publish(messages)
        raise Unavailable("the broker is gone")

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        raise Unavailable("the broker is gone")

    def close(self) -> None:
        self.real.close()


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Three marks are refused, the last after it pended; nothing is relayed yet."""
    stage = memory_stage(tmp_path)
    monkeypatch.setattr(stage.recorder._relay, "run", lambda _keys: 0)
    stage.tell(small.announced(), *small.beginnings())
    stage.tell(mark("early", ANN, small.OPENS - small.DAY, "ash", "ann"))
    stage.tell(mark("high", ANN, AT, "ash", "ann", "41"), mark("other", ANN, AT, "ash", "ben"))
    stage.progress(small.OPENS + 1)
    return stage


def stood(on: Stage) -> list[tuple[str, ...]]:
    """Where the record of each letter stood, in the order of the letters."""
    names = ("__dlq.errors.topic", "__dlq.errors.partition", "__dlq.errors.offset")
    found = [
        letter for number in range(on.parts.bus.partitions) for letter in on.parts.bus.read(DEAD_LETTERS, number, 0, 99)
    ]
    return [tuple(dict(letter.headers)[name].decode() for name in names) for letter in found]


def relay(on: Stage) -> Relay:
    return Relay(on.parts.bus, on.parts.ledger, "phasegate-recorder")


def test_each_refused_record_is_sent_once_where_nothing_fails(on: Stage) -> None:
    assert relay(on).run([small.PROGRAMME]) == 3
    assert relay(on).run([small.PROGRAMME]) == 0
    assert len(stood(on)) == len(set(stood(on))) == 3


def test_a_letter_that_was_not_stored_is_sent_by_the_next_run(on: Stage) -> None:
    broken = relay(on)
    broken._publisher = Failing(on, stores=False)
    with pytest.raises(Unavailable):
        broken.run([small.PROGRAMME])
    assert (stood(on), relay(on).run([small.PROGRAMME]), len(stood(on))) == ([], 3, 3)


def test_one_stored_before_the_cursor_moved_comes_twice_with_the_same_position(on: Stage) -> None:
    broken = relay(on)
    broken._publisher = Failing(on, stores=True)
    with pytest.raises(Unavailable):
        broken.run([small.PROGRAMME])
    assert relay(on).run([small.PROGRAMME]) == 3
    assert (len(stood(on)), len(set(stood(on)))) == (6, 3)


def test_a_letter_has_the_headers_of_the_brokers_own_dead_letters(on: Stage) -> None:
    """Names of KIP-1191, as Apache Kafka 4.4 writes them; it has one more, of deliveries, which a recorder does not count."""
    relay(on).run([small.PROGRAMME])
    letter = next(
        letter for number in range(on.parts.bus.partitions) for letter in on.parts.bus.read(DEAD_LETTERS, number, 0, 99)
    )
    assert [name for name, _ in letter.headers if name.startswith("__dlq.")] == [
        "__dlq.errors.topic", "__dlq.errors.partition", "__dlq.errors.offset", "__dlq.errors.group",
        "__dlq.errors.message",
    ]  # fmt: skip
