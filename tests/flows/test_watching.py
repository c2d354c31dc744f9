"""The watch: what falls due is run at once, whatever hangs or fails holds nobody, and quiet programmes cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from events.bus import Message, Stamped
from events.errors import Refused, Unavailable
from flows import watching
from flows.kept_open import KeptPublisher
from flows.recorder import Recorder
from flows.transitions import Progress
from flows.watching import Watch
from flows.wiring import Parts, assemble
from handlers.transition import Transition, describe
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.support import small
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage

WITHIN_S = 60.0


@dataclass
class Place:
    """A ledger in the broker's time, whose clock the test sets; what is published is recorded while anybody waits for it."""

    parts: Parts
    clock: list[int]
    recorder: Recorder
    stage: Stage
    ran: list[str] = field(default_factory=list)

    def watch(self, run: Callable[[Progress, Transition], Awaitable[None]] | None = None) -> Watch:
        return Watch(self.parts, run or self.perform, lambda: self.clock[0])

    async def perform(self, way: Progress, transition: Transition) -> None:
        way.office.pause = lambda _: self.record()
        self.ran += [describe(step) for step in await asyncio.to_thread(lambda: list(way.steps(self.clock[0])))]

    def record(self) -> None:
        while self.recorder.step(0.0):
            pass

    def announce(self, clock: str = "broker") -> None:
        for event in (small.announced(clock=clock), *small.beginnings()):
            self.parts.bus.publisher().publish([self.stage.message(event)])
        self.record()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = [small.OPENS - 50 * small.DAY]
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    upgrade(url)
    parts = assemble(MemoryBus("test", 4, "broker", lambda: clock[0]), Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    made = Place(parts, clock, parts.recorder(), Stage(parts))
    yield made
    parts.close()


def until(is_so: Callable[[], bool], watch: Watch) -> None:
    """Watches until it is so."""

    async def waiting() -> None:
        looking = asyncio.create_task(watch.watch())
        try:
            async with asyncio.timeout(WITHIN_S):
                while not is_so():  # noqa: ASYNC110 - the threads of runs make it so
                    await asyncio.sleep(0.01)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await watch.finish(0.0)

    asyncio.run(waiting())


def test_what_falls_due_by_the_clock_is_run_without_any_event(place: Place) -> None:
    place.announce()
    watch = place.watch()
    assert list(watch.look()) == []
    place.clock[0] = small.OPENS + 1
    until(lambda: len(place.ran) == 2, watch)
    assert [name.split(" (")[0] for name in place.ran] == ["heat / mark registration", "heat / open"]


def test_what_falls_due_by_an_event_is_run_when_it_is_recorded(place: Place) -> None:
    watch = place.watch()
    place.clock[0] = small.OPENS + 1
    assert list(watch.look()) == []
    place.announce()
    ((programme, transition),) = watch.look()
    assert (programme, describe(transition).split(" (")[0]) == (small.PROGRAMME, "heat / mark registration")


def test_a_programme_that_neither_grew_nor_reached_an_instant_is_not_folded(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.announce()
    watch = place.watch()
    assert list(watch.look()) == []
    monkeypatch.setattr(Watch, "_due", lambda *_: pytest.fail("it was folded"))
    place.clock[0] += small.DAY
    assert list(watch.look()) == []


def test_a_programme_in_its_own_time_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    upgrade(url)
    bus = MemoryBus("test", 4, "scenario", lambda: 0)
    on = Stage(assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY))
    on.tell(small.announced(), *small.beginnings())
    watch = Watch(on.parts, lambda *_: pytest.fail("it was run"), lambda: small.OPENS + 1)
    assert list(watch.look()) == []
    on.parts.close()


def test_a_run_that_hangs_is_given_up_and_the_next_one_finishes_its_work(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RUN_WITHIN_S", 0.1)
    monkeypatch.setattr(watching, "AGAIN_AFTER_S", (0.01,))
    place.announce()
    place.clock[0] = small.OPENS + 1
    ways: list[Progress] = []

    async def hangs_once(way: Progress, transition: Transition) -> None:
        ways.append(way)
        if len(ways) == 1:
            monkeypatch.setattr(watching, "RUN_WITHIN_S", WITHIN_S)  # of those that begin from now on
            await asyncio.sleep(WITHIN_S)
        await place.perform(way, transition)

    until(lambda: len(place.ran) == 2, place.watch(hangs_once))
    assert ways[0] is not ways[-1], "a thread of the first may still be folding"


def test_a_run_that_fails_is_made_again_after_a_pause(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AGAIN_AFTER_S", (0.01,))
    place.announce()
    place.clock[0] = small.OPENS + 1
    failures = iter([Unavailable("the broker is away"), Refused("no"), RuntimeError("a defect")])

    async def fails_thrice(way: Progress, transition: Transition) -> None:
        for failure in failures:
            raise failure
        await place.perform(way, transition)

    until(lambda: len(place.ran) == 2, place.watch(fails_thrice))


def test_only_so_many_programmes_stay_folded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WARM_AT_MOST", 0)
    place.announce()
    watch = place.watch()
    assert list(watch.look()) == []
    assert [one.way for one in watch._watched.values()] == [None]
    place.clock[0] = small.OPENS + 1
    monkeypatch.setattr(watching, "WARM_AT_MOST", 1)
    assert [programme for programme, _ in watch.look()] == [small.PROGRAMME]


class Flawed:
    """A bus whose publishers fail once each after so many publications."""

    def __init__(self) -> None:
        self.opened, self.closed = 0, 0

    def publisher(self) -> Flawed:
        self.opened += 1
        return self

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        if not messages:
            raise Unavailable("it lost its place")
        return []

    def close(self) -> None:
        self.closed += 1


def test_a_kept_publisher_is_opened_once_and_anew_after_it_failed() -> None:
    bus, said = Flawed(), [Message("decisions", b"k", b"v", ())]
    kept = KeptPublisher(bus)  # type: ignore[arg-type]
    kept.publish(said)
    kept.publish(said)
    assert (bus.opened, bus.closed) == (1, 0)
    with pytest.raises(Unavailable, match="lost its place"):
        kept.publish([])
    kept.publish(said)
    assert (bus.opened, bus.closed) == (2, 1)
    kept.close()
    assert bus.closed == 2
