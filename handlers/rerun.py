"""A programme run again in a world that may differ from the record: every outside record judged anew in the order of
receipt, everything that the pipeline does done again when it was due. Pure; what comes of it is recorded nowhere.

First the record itself is followed: the pipeline works where it worked. That shows what was due and was not done before
somebody's act overtook it. In another world the pipeline does what it did on record when it did it then, or as soon as that
is due, should that be later; what it never did is done the moment it is due, where it was not overtaken on record. So where
nothing is changed everything comes out as recorded, the basis of decisions apart (tests/handlers/test_rerun.py), and what
people said of a decision by its id reaches the changed one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from events.decisions import Basis
from events.envelope import Envelope, encode
from events.errors import Refused
from events.jws import verify
from events.record import Record, partition_for
from handlers import decide, decide_course
from handlers.decide import Outgoing
from handlers.due import due, next_instant
from handlers.judge import Deployment
from handlers.readiness import NEVER_LAST
from handlers.recording import Draft, record_one
from handlers.signing_off import Signatures
from handlers.state import PhaseState, State
from handlers.told import SUPPOSED, Told
from handlers.transition import (
    CloseIntake,
    ConcludeProgramme,
    DecideCall,
    DecidePhase,
    MarkWindow,
    Transition,
    describe,
)
from handlers.verdicts import Accepted, Refusal, Verdict

NOWHERE = "what-if"
"""The log that the basis of a supposed decision names: there is none."""

_NO_HASH = "0" * 64


class Rerun:
    """One run. `course` is in the order of receipt and holds the pipeline's own records too, as the instants at which it
    worked; `record` is the run that followed the record, None for that run itself; `signs` lets everybody sign who must
    and nowhere does.
    """

    def __init__(
        self,
        programme: str,
        course: Sequence[Told],
        deployment: Deployment,
        record: Rerun | None = None,
        *,
        signs: bool = False,
    ) -> None:
        self.state = State(programme)
        self.now_ms = 0
        self.verdicts: dict[int, Verdict] = {}
        """The last verdict on each record of the course, by its place there."""
        self._course = course
        self._believed = {told.record.value for told in course if told.record.headers is SUPPOSED}
        self._deployment = replace(deployment, verify=self._verify)
        self._partition = partition_for(programme.encode(), deployment.partitions)
        self._places = _places(programme, course)
        ends = ("rulebook.amended", "programme.concluded")
        self._end = max((n for n, told in enumerate(course) if told.is_accepted and told.name in ends), default=-1)
        self._offsets: dict[str, int] = {}
        self._judged: dict[int, int] = {}
        self._decided: dict[tuple[str, int], list[Outgoing]] = {}
        self._said: set[tuple[str, str]] = set()
        self._since_ms: dict[tuple[str, str], int] = {}
        self._is_record = record is None
        self.overtaken: dict[tuple[str, str], tuple[int, int, int]] = {} if record is None else record.overtaken
        """What was due on record and was not done, by topic and id: up to where in the order of receipt."""
        self._next: int | None = None
        self._signatures = Signatures(course) if signs else None

    def _verify(self, value: bytes, header: bytes, keys: Mapping[str, bytes]) -> str:
        return "supposed" if value in self._believed else verify(value, header, keys)

    def run(self, until_ms: int, each: Callable[[], None] = lambda: None) -> State:
        """Everything received up to an instant (Unix milliseconds), and what is due by then. `each` is called at every record;
        what it raises ends the run.
        """
        for place, told in enumerate(self._course):
            each()
            if told.received_ms > until_ms:
                break
            self._pass_time(told.received_ms, place - 1)
            if told.said_by_pipeline(self.state.programme):
                self._perform(place)
            else:
                self._judge(place, told)
        self._pass_time(until_ms, len(self._course))
        self._perform(len(self._course))
        return self.state

    def _judge(self, place: int, told: Told) -> None:
        self._judged[self.state.size] = place
        drafts = self._record(told.record, told.record.received_ms)
        if any(isinstance(draft.verdict, Accepted) and draft.type not in NEVER_LAST for draft in drafts):
            self._perform(place)

    def _record(self, record: Record, received_ms: int) -> list[Draft]:
        """Judges a record behind what its topic has, and notes each verdict and each decision that it makes due."""
        offset = self._offsets[record.topic] = self._offsets.get(record.topic, -1) + 1
        placed = replace(record, offset=offset, received_ms=received_ms)
        drafts = []
        for draft in record_one(self.state, placed, self._deployment):
            drafts.append(draft)
            if (place := self._judged.get(draft.index if draft.of is None else draft.of)) is not None:
                self.verdicts[place] = draft.verdict
            if isinstance(draft.verdict, Accepted) and draft.type not in NEVER_LAST:
                self._note_decisions()
                self._next = None
        return drafts

    def _note_decisions(self) -> None:
        """A decision is made from exactly the entries up to the cut, which is where the state is at this moment."""
        state = self.state
        for phase_id, phase in state.phases.items():
            key = (phase_id, phase.round.number)
            if phase.cut == state.size and key not in self._decided:
                basis = self._basis(state.size, phase)
                self._decided[key] = decide.phase_decided(state, phase_id, basis)

    def _basis(self, size: int, rules: State | PhaseState) -> Basis:
        assert rules.engine is not None  # Nothing is decided before there are rules.
        return Basis(log=NOWHERE, size=size, root=_NO_HASH, rulebook=rules.digest, engine=rules.engine.id)

    def _pass_time(self, limit_ms: int, place: int) -> None:
        """Lets time run up to an instant, and what falls due by time alone be done; `place` is the last that was reached."""
        while (instant := self._next_instant()) <= limit_ms:
            self.now_ms, self._next = instant, None
            self._perform(place)
        self.now_ms = max(self.now_ms, limit_ms)

    def _next_instant(self) -> int:
        if self._next is None or self._next <= self.now_ms:
            found = next_instant(self.state, self.now_ms) if self.state.rulebook is not None else None
            self._next = _NEVER if found is None else found
        return self._next

    def _perform(self, place: int) -> None:
        """Does what is due, one thing after the other, up to what the pipeline did at a later place of the course."""
        while True:
            transition = due(self.state, self.now_ms)
            if transition is None:
                if (signed := self._sign(place)) is None:
                    return
                self._say([signed], self.now_ms)
                continue
            events = self._events(transition)
            names = [(topic, event.id) for topic, event in events]
            self._since_ms.setdefault(names[0], self.now_ms)
            if self._waits(transition, names, place) or self._said.issuperset(names):
                return
            # A marker that was stamped too soon counts for nothing here either, and is sent again.
            since_ms = 0 if isinstance(transition, MarkWindow) else self._since_ms[names[0]]
            self._say(events, since_ms, describe(transition))

    def _waits(self, transition: Transition, names: Sequence[tuple[str, str]], place: int) -> bool:
        """A transition waits for where its own events stand on record; the end of a programme for where that was, and for
        the last rules that are still to come.
        """
        if place >= len(self._course):
            return False
        if isinstance(transition, ConcludeProgramme) and self._end >= 0:
            return self._end > place
        known = [self._places[name][0] for name in names if name in self._places]
        if known:
            return max(known) > place
        order = self._course[max(place, 0)].order
        if self._is_record:
            self.overtaken[names[0]] = order
            return True
        return order <= self.overtaken.get(names[0], _BEFORE)

    def _sign(self, place: int) -> Outgoing | None:
        if self._signatures is None:
            return None
        return self._signatures.wanting(self.state, place, self.now_ms)

    def _say(self, events: Iterable[Outgoing], since_ms: int, what: str = "") -> None:
        """Each event as if received when it was on record, never before it was due, nor later than now."""
        for topic, event in events:
            self._said.add((topic, event.id))
            at_ms = self._places.get((topic, event.id), (0, self.now_ms))[1]
            drafts = self._record(self._record_of(topic, event), min(max(at_ms, since_ms), self.now_ms))
            if drafts and isinstance(drafts[0].verdict, Refusal):
                refusal = drafts[0].verdict
                raise Refused(
                    f"this world cannot go on: {what or event.type} is refused as {refusal.reason}: {refusal.detail}",
                    hint="take back the lever that leads there",
                )

    def _record_of(self, topic: str, event: Envelope) -> Record:
        value = encode(event)
        self._believed.add(value)
        return Record(topic, self._partition, 0, 0, "broker", self.state.programme.encode(), SUPPOSED, value)

    def _events(self, transition: Transition) -> list[Outgoing]:
        """The events of a transition. No tree stands behind them: roots are zero, and nobody's offsets are told."""
        state = self.state
        match transition:
            case CloseIntake(phase):
                return [decide.intake_closed(state, phase, self._partition, _NO_HASH, _NO_HASH)]
            case DecidePhase(phase):
                return self._decided[phase, state.phases[phase].round.number]
            case DecideCall(phase) if phase in state.phases:
                return [decide_course.call_decided(state, phase, None)]
            case DecideCall(phase):
                size = decide_course.applications_size(state, phase)
                return [decide_course.call_decided(state, phase, self._basis(size, state))]
            case _:
                return decide_course.events_of(state, transition)


_NEVER = 1 << 62
_BEFORE = (-1, -1, -1)


def _places(programme: str, course: Collection[Told]) -> dict[tuple[str, str], tuple[int, int]]:
    """Where each event of the pipeline's own stands on record, by topic and id, and when it was received: the accepted
    one of several.
    """
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for place, told in enumerate(course):
        if told.event is not None and told.said_by_pipeline(programme):
            name = (told.record.topic, told.event.id)
            if name not in found or told.is_accepted:
                found[name] = (place, told.record.received_ms)
    return found
