"""A log of the tests run again: what was told, what the pipeline said there, and what was made of each record."""

from __future__ import annotations

from collections.abc import Sequence

from events.derived import pipeline_source
from events.entry import decode_entry
from events.envelope import Envelope, encode
from events.values import parse_instant
from handlers.judge import Deployment
from handlers.lever_records import Files, changed_course
from handlers.levers import Levers, read_levers
from handlers.rerun import Rerun
from handlers.state import State
from handlers.told import Telling, Told
from handlers.verdicts import Accepted, Duplicate, Pending, Refusal, Verdict
from tests.support import small
from tests.support.log import DEPLOYMENT, Log, Stored
from tests.support.pipeline import MARKED, without_basis

NO_FILES = Files()


def told_to(stored: Sequence[Stored], programme: str = small.PROGRAMME) -> list[Told]:
    """The records of a log in the order of receipt."""
    telling = Telling(programme)
    for row in stored:
        telling.add(decode_entry(row.entry), row.opening)
    return telling.finish()


class World:
    """A record followed, and the world that levers make of it."""

    def __init__(
        self,
        course: list[Told],
        levers: Levers | None = None,
        files: Files = NO_FILES,
        deployment: Deployment = DEPLOYMENT,
        programme: str = small.PROGRAMME,
    ) -> None:
        levers = levers or Levers()
        last_ms = max(told.received_ms for told in course)
        self.record = Rerun(programme, course, deployment)
        self.before = self.record.run(last_ms)
        self.course = course
        self.changed = changed_course(self.before, course, levers, files, deployment.partitions)
        self.rerun = Rerun(programme, self.changed, deployment, self.record, signs=levers.sign)
        self.after = self.rerun.run(last_ms if levers.until is None else parse_instant(levers.until))


def world(log: Log, files: Files = NO_FILES, /, **levers: object) -> World:
    """The world that levers make of a log of the tests."""
    return World(
        told_to(log.stored), read_levers({name.replace("_", "-"): row for name, row in levers.items()}, "test"), files
    )


def said_by_pipeline(state: State) -> dict[str, bytes]:
    """Every decision and assessment, by id, without what says how it lay in its log."""
    events: list[Envelope] = []
    for phase in state.phases.values():
        events += [fact.event for fact in (*phase.held, *phase.assessed.values(), *phase.awards.values())]
        for row in phase.decisions.values():
            events += [row.fact.event, *(fact.event for fact in row.published.values())]
            events += [row.finalised.event] if row.finalised is not None else []
        events += [
            row.opened.event for row in phase.rounds if row.opened.event.source == pipeline_source(state.programme)
        ]
    events += [call.decided.event for call in state.calls.values() if call.decided is not None]
    events += [state.concluded.event] if state.concluded is not None else []
    return {event.id: without_basis(encode(event)) for event in events if event.type != MARKED}


def verdict_of(verdict: Verdict) -> tuple[str, str | None]:
    match verdict:
        case Accepted():
            return "accepted", None
        case Refusal(reason):
            return "refused", reason
        case Duplicate():
            return "duplicate", None
        case Pending():
            return "pending", None


def verdicts(course: Sequence[Told], rerun: Rerun) -> dict[int, tuple[str, str | None]]:
    """What was made of each outside record, by the index of its entry."""
    found = {place: told.index for place, told in enumerate(course) if told.index is not None}
    return {index: verdict_of(rerun.verdicts[place]) for place, index in found.items() if place in rerun.verdicts}


def recorded(course: Sequence[Told]) -> dict[int, tuple[str, str | None]]:
    """What the log says became of each outside record."""
    outside = [told for told in course if told.index is not None and not told.said_by_pipeline(small.PROGRAMME)]
    return {told.index: (told.verdict or "", told.reason) for told in outside if told.index is not None}
