"""The progress flow killed in the middle of each transition: the next run goes on, and each decision is accepted once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from events.bus import Bus, Message, Publisher, Stamped
from events.entry import decode_entry
from events.envelope import Envelope
from events.errors import Conflict, NotFound, Refused, Tampered, Unavailable
from events.record import Position
from events.values import format_instant
from flows.prefect_server import PrefectServer
from flows.transitions import Progress
from flows.wiring import assemble
from handlers.transition import DecidePhase, Transition
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.support import small
from tests.support.deployment import environment
from tests.support.pipeline import own_events, without_basis
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, play

ROOT = Path(__file__).resolve().parents[2]

Share = Callable[[int], int]
"""Of so many messages, how many are out when the flow is killed."""


class Killed(BaseException):
    """What no handler of ours catches: the process is gone at this line."""


@dataclass
class Mortal:
    """A bus whose publishers die once: in publication number `at`, after a share of its messages."""

    bus: Bus
    at: int
    share: Share
    published: int = 0
    sent: int = 0
    died: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bus, name)

    def publisher(self) -> Publisher:
        return MortalPublisher(self, self.bus.publisher())


@dataclass
class MortalPublisher:
    way: Mortal
    publisher: Publisher

    def publish(self, messages: Sequence[Message]) -> list[Position]:
        number, self.way.published = self.way.published, self.way.published + 1
        if number != self.way.at or self.way.died:
            return self.publisher.publish(messages)
        self.way.died = True
        self.way.sent = self.way.share(len(messages))
        self.publisher.publish(messages[: self.way.sent])
        raise Killed(f"after {self.way.sent} of {len(messages)} messages")

    def publish_stamped(self, messages: Sequence[Message]) -> list[Stamped]:
        return self.publisher.publish_stamped(messages)

    def close(self) -> None:
        self.publisher.close()


@dataclass
class Reborn(Stage):
    """A stage whose flows are killed once and begin anew, remembering nothing, before or after the recorder caught up."""

    is_behind: bool = False
    mortal: Mortal | None = field(default=None)

    def progress(self, now_ms: int) -> list[Transition]:
        try:
            return super().progress(now_ms)
        except Killed:
            self.__post_init__()  # as a new process: new reader, new recorder, the same ledger
            if not self.is_behind:
                self.record()
            return super().progress(now_ms)


def reborn(folder: Path, at: int, share: Share, *, is_behind: bool = False) -> Reborn:
    """Only what flows publish passes through the mortal bus: the stage's own words do not count."""
    folder.mkdir()
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    upgrade(url)
    bus = MemoryBus("test", 4, "scenario", lambda: 0)
    made = Reborn(assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY), is_behind=is_behind)
    made.mortal = made.way.office.bus = made.parts.bus = Mortal(bus, at, share)
    return made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = reborn(tmp_path_factory.mktemp("undisturbed") / "ledger", -1, len_of)
    play(made)
    yield made
    made.parts.close()


def none_of(_count: int) -> int:
    return 0


def half_of(count: int) -> int:
    return count // 2


def len_of(count: int) -> int:
    return count


def test_the_small_programme_has_these_kinds_of_transition(undisturbed: Stage) -> None:
    kinds = {type(step).__name__ for step in undisturbed.done}
    assert kinds == {
        "MarkWindow",
        "OpenPhase",
        "CloseIntake",
        "HoldPhase",
        "DecidePhase",
        "FinaliseDecision",
        "ConcludeProgramme",
    }


@pytest.mark.parametrize("is_behind", [False, True], ids=["recorder caught up", "recorder behind"])
@pytest.mark.parametrize("share", [none_of, half_of, len_of], ids=["before publishing", "after a part", "after all"])
def test_killed_in_any_transition_the_next_run_ends_where_an_undisturbed_one_does(
    undisturbed: Stage, tmp_path: Path, share: Share, is_behind: bool
) -> None:
    for number, transition in enumerate(undisturbed.done):
        made = reborn(tmp_path / str(number), number, share, is_behind=is_behind)
        play(made)
        assert made.mortal is not None
        assert made.mortal.died, transition
        repeats = len(duplicates(made))
        assert repeats == made.mortal.sent if is_behind else repeats <= made.mortal.sent, transition
        comes_to_the_same(made, undisturbed)
        made.parts.close()


@dataclass
class Twice(Stage):
    """A stage where two runs find the same thing due, and both perform it."""

    def progress(self, now_ms: int) -> list[Transition]:
        other = Progress(self.parts, small.PROGRAMME)
        other.office.pause = self._record_meanwhile
        while (transition := self.way.due(now_ms)) is not None:
            events = other.events(transition)  # from the ledger as it stands before either has published
            self.way.perform(transition, now_ms)
            other.office.publish(events, now_ms)
            self.done.append(transition)
        return self.done


def test_two_runs_of_the_same_transition_end_with_one_accepted_and_the_other_as_duplicates(
    undisturbed: Stage, tmp_path: Path
) -> None:
    made = reborn(tmp_path / "twice", -1, len_of)
    twice = Twice(made.parts)
    play(twice)
    assert {type(step) for step in twice.done} == {type(step) for step in undisturbed.done}
    assert len(duplicates(twice)) >= len(own_events(twice.parts.ledger, small.PROGRAMME))
    comes_to_the_same(twice, undisturbed)
    twice.parts.close()


def test_only_what_may_pass_is_tried_again() -> None:
    from prefect.states import Failed

    from flows.progress import may_pass, perform

    async def again(error: Exception) -> bool:
        run: Any = None
        return await may_pass(perform, run, Failed(data=error))

    assert [asyncio.run(again(kind("why"))) for kind in (Unavailable, Conflict)] == [True, True]
    assert [asyncio.run(again(kind("why"))) for kind in (Refused, Tampered, NotFound)] == [False, False, False]


def duplicates(on: Stage) -> list[int]:
    entries = (decode_entry(stored.entry) for stored in on.parts.ledger.read(small.PROGRAMME))
    return [entry.index for entry in entries if entry.verdict == "duplicate"]


def comes_to_the_same(made: Stage, undisturbed: Stage) -> None:
    """Each event of the pipeline accepted once, with the same bytes but for `basis`, and all of it made again alike."""
    before, after = (own_events(on.parts.ledger, small.PROGRAMME) for on in (undisturbed, made))
    assert after.keys() == before.keys()
    for name, value in before.items():
        assert without_basis(after[name]) == without_basis(value), name
    report = made.replay()
    assert (report.verdicts.different, report.decisions.different, report.first_difference) == (0, 0, None)
    assert list(made.parts.ledger.integrity(keys=[LOG_KEY.verifier])) == []


FLOW = """
import asyncio, os, signal, sys
from flows.office import Office

publish = Office.publish

def until_killed(self, events, *more):
    if len(events) < 4:  # a decision is four events here: three assessments, and what was decided
        return publish(self, events, *more)
    Office.recorded = lambda self, positions: os.kill(os.getpid(), signal.SIGKILL)
    return publish(self, events[: int(sys.argv[3])], *more)

if len(sys.argv) > 3:
    Office.publish = until_killed

from flows.progress import progress
print(asyncio.run(progress(sys.argv[1], sys.argv[2])))
"""


@dataclass
class Outside(Stage):
    """A stage on a real broker, whose decision is made by Prefect flows in processes of their own: two are killed."""

    environment: dict[str, str] = field(default_factory=dict)
    endings: list[int] = field(default_factory=list)

    def tell(self, *said: Envelope) -> list[Position]:
        positions = super().tell(*said)
        self.way.office.await_recorded(positions)
        return positions

    def progress(self, now_ms: int) -> list[Transition]:
        if isinstance(self.way.due(now_ms), DecidePhase):
            self.endings = [self.flow(format_instant(now_ms), *after) for after in (["2"], ["4"], [])]
        return super().progress(now_ms)

    def flow(self, now: str, *killed_after: str) -> int:
        """One run of the flow; what it published is recorded when this returns, however it ended."""
        command = [sys.executable, "-c", FLOW, small.PROGRAMME, now, *killed_after]
        with subprocess.Popen(command, cwd=ROOT, env=self.environment) as flow:
            while flow.poll() is None:
                self.record()
        last = [Position(*place, end - 1) for place, end in self.parts.bus.ends().items() if end]
        self.way.office.await_recorded(last)
        return flow.returncode


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
def test_a_flow_killed_with_9_while_it_decides_is_finished_by_the_next(
    kafka: TemporaryBroker, topic_prefix: str, undisturbed: Stage, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 4, "scenario")
    bus.ensure_topics()
    with PrefectServer() as prefect:
        prefect.ready()
        on = Outside(
            assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY),
            environment=environment(tmp_path, url, kafka.bootstrap),
        )
        play(on)
    assert on.endings == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert len(duplicates(on)) == 2, "what the first had published was said again by the second"
    comes_to_the_same(on, undisturbed)
    on.recorder.close()
    on.parts.close()
