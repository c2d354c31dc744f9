"""Playing a scenario over the real parts: its events published in time order, the flows let progress at each tick."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from events.derived import derived_id
from events.envelope import Envelope
from events.errors import PhasegateError, Refused, Unavailable
from events.rulebook import Rulebook
from events.values import format_instant, parse_instant
from flows.office import message
from flows.prefect_server import PrefectServer
from flows.recorder import Recorder
from flows.scenario import Scenario, Scheduled, office_of
from flows.scenario_file import Publication
from flows.transitions import Progress
from flows.wiring import Parts
from handlers.figures import figures_of
from handlers.state import State
from handlers.transition import describe

Say = Callable[[str], None]
FIGURES = "phasegate.figures.published.v1"


class Recording:
    """A recorder in a thread of its own. Whatever stops it is raised in the thread that waits for it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._stop = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._recorder.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failed = error

    def pause(self, seconds: float) -> None:
        """Sleeps, unless the recorder has stopped: then nothing will be recorded any more, and why is raised."""
        if self._failed is not None:
            raise self._failed
        if not self._thread.is_alive():
            raise Unavailable("the recorder has ended before everything was recorded")
        time.sleep(seconds)

    def close(self) -> None:
        """Lets it finish its transaction and sign what it has written."""
        self._stop.set()
        self._thread.join()
        if self._failed is not None and isinstance(self._failed, PhasegateError):
            raise self._failed


@contextmanager
def recording(parts: Parts) -> Iterator[Recording]:
    """A recorder for as long as the block."""
    running = Recording(parts.recorder())
    try:
        yield running
    finally:
        running.close()


@dataclass(slots=True)
class Played:
    """What came of a play: the state at the end, the transitions in order, and seconds by what they were spent on."""

    state: State
    transitions: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Player:
    """Plays one scenario on parts that are open. `until_ms` stops before anything later. Without a Prefect server what is
    due is performed in this thread, by the same code that the flow's tasks call.
    """

    scenario: Scenario
    parts: Parts
    prefect: PrefectServer | None
    say: Say
    until_ms: int | None = None
    _seconds: dict[str, float] = field(default_factory=dict)
    _done: list[str] = field(default_factory=list)

    def play(self) -> Played:
        """Everything up to the last tick. Raises what stops a flow or the recorder."""
        with recording(self.parts) as running, ExitStack() as stack:
            way = Progress(self.parts, self.scenario.programme)
            way.office.pause = running.pause
            way.office.publisher = publisher = self.parts.bus.publisher()
            stack.callback(publisher.close)
            queue, figures = list(self.scenario.scheduled), sorted(self.scenario.about.publications, key=lambda p: p.at)
            for tick in [t for t in self.scenario.ticks if self.until_ms is None or t <= self.until_ms]:
                batch = [row for row in queue if row.at_ms <= tick]
                queue = queue[len(batch) :]
                with self._timed("events"):
                    positions = publisher.publish([self._message(row) for row in batch])
                    way.office.await_recorded(positions)
                while figures and parse_instant(figures[0].at) <= tick:
                    self._publish(way, figures.pop(0))
                self._progress(way, tick)
            state = way.state
        return Played(state, self._done, self._seconds)

    def _message(self, row: Scheduled) -> Any:
        """Office and other sources that must sign sign with the office's key: a scenario holds no other."""
        signs = self.scenario.speaks_for_office(row.event.source)
        return message(row.topic, row.event, self.parts.office_key if signs else None, row.at_ms)

    def _publish(self, way: Progress, publication: Publication) -> None:
        """What a profile shows of the decision in force, in the office's own name."""
        at_ms = parse_instant(publication.at)
        event = published_figures(way.state, publication, self.scenario.rulebook)
        way.office.publish([("decisions", event)], at_ms)
        self.say(f"{format_instant(at_ms)}  {publication.phase} / {publication.profile} published by the office")

    def _progress(self, way: Progress, tick: int) -> None:
        transition = way.due(tick)
        if transition is None:
            return
        if self.prefect is None:
            with self._timed("flows"):
                done = [describe(step) for step in way.steps(tick)]
        else:
            done = self._flow(self.prefect, way, tick, describe(transition))
        for what in done:
            self.say(f"{format_instant(tick)}  {what}")
        self._done += done

    def _flow(self, prefect: PrefectServer, way: Progress, tick: int, what: str) -> list[str]:
        with self._timed("waiting for Prefect"):
            prefect.ready()
        with self._timed("importing Prefect"):
            from flows.progress import run_progress
        with self._timed("flows"):
            return run_progress(way, format_instant(tick), what)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] = self._seconds.get(what, 0.0) + time.perf_counter() - began


def published_figures(state: State, publication: Publication, rulebook: Rulebook) -> Envelope:
    """The office's figures.published. Raises Refused where nothing is decided, or the rules have no such profile."""
    phase = state.phases.get(publication.phase)
    decision = None if phase is None else phase.in_force
    profile = next((row for row in rulebook.profiles if row.id == publication.profile), None)
    if phase is None or decision is None or profile is None:
        raise Refused(
            f"scenario.yaml publishes {publication.profile} of {publication.phase} at {publication.at}: "
            + ("the rulebook has no such profile" if profile is None else "nothing is decided there yet")
        )
    decision_id = decision.fact.event.id
    data = {"decision": decision_id, "profile": profile.id, "figures": figures_of(profile, phase, decision)}
    event_id = derived_id(state.programme, FIGURES, publication.phase, f"{decision_id}/{profile.id}", 1)
    at = format_instant(parse_instant(publication.at))
    return Envelope(event_id, office_of(rulebook), FIGURES, state.programme, at, data)


def scenario_home(home: Path, programme: str, now_ms: int) -> Path:
    """A folder for one run: its ledger, and nothing of an earlier one."""
    stamp = format_instant(now_ms)[:19].replace(":", "").replace("T", "-")
    return home / "runs" / f"{programme}-{stamp}"
