"""Looking at the whole deployment for its pages: every part at once, each in bounded time, whatever is down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

from events.errors import Unavailable
from flows.attention import PROBLEMS, Said, notes_of, problems_of, problems_of_recorder
from flows.operating.asking import Asking, Told
from flows.operating.broker import BrokerLook, BrokerSeen
from flows.operating.logs import LogsLook, LogsSeen
from flows.operating.prefect_runs import PrefectApi, Runs, prefect_api
from flows.reading import Reading
from infra.settings import Settings

IS_PROBLEM = frozenset(PROBLEMS)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was found. `broker` is None where the settings name no Kafka, `flows` where no Prefect is named; neither is known of
    an earlier moment, which is not `is_now`.
    """

    logs: Told[LogsSeen]
    broker: Told[BrokerSeen] | None = None
    flows: Told[Runs] | None = None
    is_now: bool = True

    @classmethod
    def then(cls, seen: LogsSeen) -> Self:
        """Of an earlier moment."""
        return cls(Told(seen), is_now=False)

    def said(self) -> list[Said]:
        """What `status --check` would say, problems first."""
        found = list(self._said())
        return sorted(found, key=lambda said: said.code not in IS_PROBLEM)

    def _said(self) -> Iterator[Said]:
        yield from problems_of_recorder(self.lag())
        if self.logs.value is not None:
            for log in self.logs.value.logs:
                yield from problems_of(log.standing)
                yield from notes_of(log.standing)

    def lag(self) -> Mapping[str, Any] | None:
        """How far the recorder is behind, as `flows.attention` takes it; None where there is nothing to be behind of."""
        if self.broker is None:
            return None
        if self.broker.value is not None:
            return self.broker.value.lag()
        problem = self.broker.problem or f"it has not answered for {self.broker.waiting_s} s"
        return {"reachable": False, "problem": problem, "behind": None, "seconds": None}

    def of(self, is_wanted: Callable[[str], bool]) -> Deployment:
        """With the logs, and the runs, of these programmes alone."""
        logs, flows = self.logs, self.flows
        if logs.value is not None:
            logs = Told(logs.value.only(is_wanted))
        if flows is not None and flows.value is not None:
            flows = Told(flows.value.only(is_wanted))
        return Deployment(logs, self.broker, flows, self.is_now)


@dataclass(slots=True)
class Operations:
    """Of one site. `turn` gives the turn of a log among those who read it; `now` Unix milliseconds."""

    settings: Settings
    reading: Reading
    turn: Callable[[str], AbstractContextManager[Any]]
    now: Callable[[], int]
    prefect: PrefectApi | None = field(default_factory=prefect_api)
    _bus: BrokerLook = field(init=False)
    _broker: Asking[BrokerSeen] = field(init=False)
    _logs: Asking[LogsSeen] = field(init=False)
    _flows: Asking[Runs] = field(init=False)

    def __post_init__(self) -> None:
        self._bus = BrokerLook(self.settings, self.reading.ledger, self.now)
        self._broker = Asking("broker", self._bus.look)
        self._logs = Asking("logs", LogsLook(self.reading, self.turn, self.now).look)
        self._flows = Asking("flows", self._runs)

    def _runs(self) -> Runs:
        if self.prefect is None:
            raise Unavailable("no Prefect server is named", hint="set PREFECT_API_URL")
        return self.prefect.runs()

    def look(self) -> Deployment:
        """All at once, so that what does not answer is waited for once."""
        is_named = self._bus.is_named
        self._logs.begin()
        if is_named:
            self._broker.begin()
        if self.prefect is not None:
            self._flows.begin()
        broker = self._broker.told() if is_named else None
        return Deployment(self._logs.told(), broker, None if self.prefect is None else self._flows.told())

    def close(self) -> None:
        """Gives the connections back."""
        self._bus.close()
