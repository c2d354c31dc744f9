"""Performing what is due: from a transition to its events, published, recorded, and asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from events.decisions import Basis
from events.entry import Entry
from events.record import TOPICS, partition_for
from events.traceparent import Span
from flows.office import Office, Outgoing
from flows.reader import Reader
from flows.tracing import behind, following, links
from flows.wiring import Parts
from handlers import decide
from handlers.decide_course import applications_size, call_decided, events_of
from handlers.due import due
from handlers.state import PhaseState, State
from handlers.transition import CloseIntake, DecideCall, DecidePhase, MarkWindow, Transition

Told = Callable[[Transition, Span, Sequence[Entry], Sequence[Span]], None]
"""Told of what was performed: in which step of which trace, the entries that it became, and which other steps a decision
rests on.
"""


def _silent(_transition: Transition, _span: Span, _entries: Sequence[Entry], _links: Sequence[Span]) -> None:
    """For those who tell by other means."""


@dataclass(slots=True)
class Progress:
    """One programme's way forward over the real parts. A run may be killed at any line: the next one goes on from the
    ledger, and whatever was said twice is recorded once.
    """

    parts: Parts
    programme: str
    tell: Told = _silent
    reader: Reader = field(init=False)
    office: Office = field(init=False)

    def __post_init__(self) -> None:
        self.reader = self.parts.reader()
        self.office = self.parts.office()

    @property
    def state(self) -> State:
        """What is known now."""
        return self.reader.state(self.programme)

    def due(self, now_ms: int) -> Transition | None:
        """What is due at `now_ms` (Unix milliseconds)."""
        return due(self.state, now_ms)

    def perform(self, transition: Transition, now_ms: int) -> None:
        """Publishes the transition's events and returns when they are recorded. Raises Refused, Unavailable, Conflict."""
        stamp_ms = now_ms if self.parts.bus.clock == "scenario" else None
        span = following(self._cause(transition))
        entries = self.office.publish(self.events(transition), stamp_ms, span)
        self.tell(transition, span, entries, self._links(transition, span))

    def _cause(self, transition: Transition) -> Span | None:
        """What the record said that made this due; None where time alone did. A decision is of the record that its cut ends
        with: the last that was owed, or else the last marker.
        """
        if isinstance(transition, MarkWindow):
            return None
        size = transition.cut if isinstance(transition, DecidePhase) else self.state.size
        return behind(self.parts.ledger, self.programme, size)

    def _links(self, transition: Transition, span: Span) -> list[Span]:
        """Of a decision: a marker is where its trace begins, so its own trace leads to no mark."""
        if not isinstance(transition, DecidePhase):
            return []
        return links(self.parts.ledger, self.programme, transition.cut, transition.phase, span)

    def steps(self, now_ms: int) -> Iterator[Transition]:
        """Performs what is due, one transition after the other, until nothing is; yields each after it is recorded."""
        while (transition := self.due(now_ms)) is not None:
            self.perform(transition, now_ms)
            yield transition

    def events(self, transition: Transition) -> list[Outgoing]:
        """The events of a transition, from the ledger as it stands."""
        state = self.state
        match transition:
            case CloseIntake(phase):
                return [self._intake_closed(state, phase)]
            case DecidePhase(phase, cut):
                return self._decided(phase, cut)
            case DecideCall(phase):
                return [self._call_decided(state, phase)]
            case _:
                return events_of(state, transition)

    def _intake_closed(self, state: State, phase_id: str) -> Outgoing:
        phase = state.phases[phase_id]
        root = self.reader.root(self.programme, decide.closing_size(state, phase)).hex()
        partition = partition_for(self.programme.encode(), self.parts.deployment.partitions)
        stops = decide.closing_offsets(state, phase)
        ledger = self.parts.ledger
        rows = [(topic, partition, ledger.attribution(topic, partition, stops[topic])) for topic in TOPICS]
        attribution = decide.attribution_digest(self.programme, rows, stops)
        return decide.intake_closed(state, phase_id, partition, root, attribution)

    def _decided(self, phase_id: str, cut: int) -> list[Outgoing]:
        prefix = self.reader.prefix(self.programme, cut)
        basis = self._basis(prefix.size, prefix.root, prefix.state.phases[phase_id])
        return decide.phase_decided(prefix.state, phase_id, basis)

    def _call_decided(self, state: State, call_id: str) -> Outgoing:
        if call_id in state.phases:
            return call_decided(state, call_id, None)
        size = applications_size(state, call_id)
        return call_decided(state, call_id, self._basis(size, self.reader.root(self.programme, size), state))

    def _basis(self, size: int, root: bytes, rules: State | PhaseState) -> Basis:
        assert rules.engine is not None  # Nothing is due before there are rules.
        log = f"{self.parts.origin}/{self.programme}"
        return Basis(log=log, size=size, root=root.hex(), rulebook=rules.digest, engine=rules.engine.id)
