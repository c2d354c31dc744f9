"""A log without a database: records judged by the real `record_one`, their entries kept as a ledger would give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from events.decisions import Basis
from events.derived import attestor_source, pipeline_source
from events.entry import Entry, Opening, commitment, decode_entry, encode_entry, encode_headers
from events.envelope import Envelope
from events.record import Record, partition_for
from events.values import parse_instant
from flows.office import message
from handlers import decide, decide_course
from handlers.due import due
from handlers.fold import Folder
from handlers.judge import Deployment
from handlers.recording import Draft, detail_of, members_of, record_one
from handlers.state import State
from handlers.transition import CloseIntake, DecideCall, DecidePhase, Transition
from tests.support import small
from tests.support.stage import OFFICE_KEY

PARTITIONS = 4
DEPLOYMENT = Deployment(PARTITIONS, {OFFICE_KEY.kid: OFFICE_KEY.public})
PARTITION = partition_for(small.PROGRAMME.encode(), PARTITIONS)
BASIS = Basis(log="phasegate.example/small-cup", size=0, root="0" * 64, rulebook="0" * 64, engine="1")
SIGNERS = (small.OFFICE, "urn:director", pipeline_source(small.PROGRAMME), attestor_source(small.PROGRAMME))


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as a ledger gives it."""

    index: int
    entry: bytes
    opening: Opening | None
    detail: str | None


def record_of(said: Envelope, topic: str | None = None, *, at: int | None = None, signed: bool | None = None) -> Record:
    """The record of an event, its offset still to be given; signed where the rulebook asks, stamped at the event's time."""
    at_ms = parse_instant(said.time) if at is None else at
    signs = said.source in SIGNERS if signed is None else signed
    sent = message(topic or small.topic_of(said), said, OFFICE_KEY if signs else None, at_ms)
    partition = partition_for(sent.key or b"", PARTITIONS)
    return Record(sent.topic, partition, -1, at_ms, "producer", sent.key, sent.headers, sent.value)


@dataclass
class Log:
    """One programme's log. `tell` gives offsets in the order of telling; `feed` takes records that have theirs."""

    state: State = field(default_factory=lambda: State(small.PROGRAMME))
    stored: list[Stored] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    commitments: dict[int, str] = field(default_factory=dict)
    decisions: list[Envelope] = field(default_factory=list)

    def tell(self, *told: Envelope | Record) -> list[Draft]:
        """Records what is told, behind what its topic has; the drafts of all of it."""
        drafts: list[Draft] = []
        for one in told:
            record = record_of(one) if isinstance(one, Envelope) else one
            offset = sum(before.topic == record.topic for before in self.records)
            drafts += self.feed(replace(record, offset=offset))
        return drafts

    def feed(self, record: Record) -> list[Draft]:
        """Records one record, and notes the decision as it would be made at the cut, with a fixed basis."""
        drafts = []
        self.records.append(record)
        for draft in record_one(self.state, record, DEPLOYMENT):
            drafts.append(draft)
            self._store(draft)
            for phase_id, phase in self.state.phases.items():
                if phase.cut == self.state.size and draft.index == self.state.size - 1:
                    self.decisions += [event for _, event in decide.phase_decided(self.state, phase_id, BASIS)]
        return drafts

    def _store(self, draft: Draft) -> None:
        opening = None
        if draft.of is None:
            opening = Opening(bytes(32), draft.record.key, encode_headers(draft.record.headers), draft.record.value)
            self.commitments[draft.index] = commitment(opening)
        entry = Entry(*members_of(draft, self.commitments[draft.index if draft.of is None else draft.of]))
        self.stored.append(Stored(draft.index, encode_entry(entry), opening, detail_of(draft)))

    def progress(self, now_ms: int) -> list[Transition]:
        """Lets everything that is due at `now_ms` happen."""
        done = []
        while (transition := due(self.state, now_ms)) is not None:
            self.tell(*(record_of(event, topic, at=now_ms) for topic, event in self.events(transition)))
            done.append(transition)
        return done

    def events(self, transition: Transition) -> Sequence[tuple[str, Envelope]]:
        """What the pipeline publishes for a transition; root and attribution of a closing are left at zero."""
        state = self.state
        match transition:
            case CloseIntake(phase):
                return [decide.intake_closed(state, phase, PARTITION, "0" * 64, "0" * 64)]
            case DecidePhase(phase, cut):
                return decide.phase_decided(folded(self.stored[:cut]), phase, BASIS)
            case DecideCall(phase):
                return [decide_course.call_decided(state, phase, None if phase in state.phases else BASIS)]
            case _:
                return decide_course.events_of(state, transition)

    def outcomes(self) -> dict[tuple[str, int], tuple[str, str | None]]:
        """The last verdict and reason of every record, by topic and offset."""
        entries = [decode_entry(stored.entry) for stored in self.stored]
        return {(entry.topic, entry.offset): (entry.verdict, entry.reason) for entry in entries}


def folded(entries: Iterable[Stored], programme: str = small.PROGRAMME, *, judging: bool = False) -> State:
    """The state that stored entries fold to."""
    folder = Folder(programme, judging=judging)
    for stored in entries:
        folder.apply(stored)
    return folder.finish(DEPLOYMENT)
