"""One thread publishes for all requests: what goes out together, and what becomes of everybody when something fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from events.bus import Bus, Message, Stamped
from events.envelope import CONTENT_TYPE_HEADER, encode
from events.errors import Refused, Unavailable
from events.http_binding import Carried
from flows import outlet
from flows.outlet import Outlet, Receipted
from infra.api_key import is_secret
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.support import small

PATIENCE_S = 60


@dataclass
class Gate:
    """A bus whose publisher waits until it is let through, and fails as it is told."""

    inner: MemoryBus
    passing: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failures: list[Exception] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    opened: int = 0

    def open(self) -> Bus:
        self.opened += 1
        return self  # type: ignore[return-value]

    def publisher(self) -> Gate:
        return self

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        self.calls.append(len(messages))
        self.entered.release()
        assert self.passing.wait(PATIENCE_S)
        if self.failures:
            raise self.failures.pop(0)
        if any(message.partition == 99 for message in messages):
            raise Refused("no partition 99")
        return self.inner.publisher().publish_stamped(messages)

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def gate() -> Gate:
    return Gate(MemoryBus("test", 2, "broker", lambda: 1_000))


@pytest.fixture
def made(gate: Gate, tmp_path: Path) -> Iterator[Outlet]:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    upgrade(url)
    with Ledger.open(url) as ledger:
        made = Outlet(gate.open, ledger.intake(), "phasegate.example", None)
        made.start()
        yield made
        gate.passing.set()
        made.close()


Send = Callable[..., Future[list[Receipted]]]


@pytest.fixture
def send(made: Outlet) -> Send:
    def one(number: int, **more: Any) -> Future[list[Receipted]]:
        event = small.event("score.recorded", f"e{number}", "urn:bench", 0, value=str(number))
        value = encode(event)
        message = Message("scores", b"small-cup", value, (CONTENT_TYPE_HEADER,), **more)
        return made.send([Carried(value, event)], [message], f"key{number}")

    return one


def test_what_came_in_while_the_broker_took_its_time_goes_out_together(gate: Gate, made: Outlet, send: Send) -> None:
    first = send(0)
    assert gate.entered.acquire(timeout=PATIENCE_S)
    others = [send(number) for number in range(1, 30)]
    gate.passing.set()
    receipts = [one.result(PATIENCE_S)[0] for one in (first, *others)]
    assert gate.calls == [1, 29]
    assert [one.receipt.id for one in receipts] == [f"e{number}" for number in range(30)]
    assert [one.receipt.position.offset for one in receipts] == list(range(30))
    for number, one in enumerate(receipts):
        given = made.store.given(one.receipt.position)
        assert given is not None
        assert (given.api_key, given.sha256.hex()) == (f"key{number}", one.receipt.sha256)
        assert is_secret(one.token, given.token_sha256)


def test_one_that_can_never_be_stored_does_not_take_the_others_with_it(gate: Gate, send: Send) -> None:
    first = send(0)
    assert gate.entered.acquire(timeout=PATIENCE_S)
    good, bad, last = send(1), send(2, partition=99), send(3)
    gate.passing.set()
    assert [len(one.result(PATIENCE_S)) for one in (first, good, last)] == [1, 1, 1]
    with pytest.raises(Refused, match="no partition 99"):
        bad.result(PATIENCE_S)


def test_after_a_failure_everybody_is_told_at_once_and_then_the_bus_is_opened_anew(
    gate: Gate, made: Outlet, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.passing.set()
    gate.failures.append(Unavailable("the broker is away"))
    with pytest.raises(Unavailable, match="is away"):
        send(0).result(PATIENCE_S)
    monkeypatch.setattr(outlet, "REST_S", PATIENCE_S * 10)
    with pytest.raises(Unavailable, match="is away"):
        send(1).result(PATIENCE_S)
    assert (gate.calls, gate.opened) == ([1], 1)
    assert made.failure is not None
    monkeypatch.setattr(outlet, "REST_S", 0.0)
    assert len(send(2).result(PATIENCE_S)) == 1
    assert gate.opened == 2
    assert str(made.failure) == "None"


def test_a_defect_fails_those_whom_it_met_and_nobody_after(gate: Gate, send: Send) -> None:
    gate.passing.set()
    gate.failures.append(ZeroDivisionError("inside"))
    with pytest.raises(ZeroDivisionError):
        send(0).result(PATIENCE_S)
    assert len(send(1).result(PATIENCE_S)) == 1


def test_who_went_away_before_its_turn_sends_nothing(gate: Gate, send: Send) -> None:
    first = send(0)
    assert gate.entered.acquire(timeout=PATIENCE_S)
    gone, last = send(1), send(2)
    assert gone.cancel()
    gate.passing.set()
    assert first.result(PATIENCE_S)
    assert last.result(PATIENCE_S)[0].receipt.position.offset == 1


def test_too_many_that_wait_are_told_to_come_later(
    gate: Gate, send: Send, made: Outlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = send(0)
    assert gate.entered.acquire(timeout=PATIENCE_S)
    waiting = [send(number) for number in range(1, outlet.WAITING_MAX + 1)]
    with pytest.raises(Unavailable, match="wait for the broker"):
        send(0)
    gate.passing.set()
    assert all(one.result(PATIENCE_S) for one in (first, *waiting))


def test_what_waits_at_the_end_still_goes_out(gate: Gate, send: Send, made: Outlet) -> None:
    first = send(0)
    assert gate.entered.acquire(timeout=PATIENCE_S)
    second = send(1)
    ending = threading.Thread(target=made.close)
    ending.start()
    gate.passing.set()
    ending.join(PATIENCE_S)
    assert first.done()
    assert len(second.result(0)) == 1
    made.start()  # The fixture ends it once more.
