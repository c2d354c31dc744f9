"""What the ledger gets for one record: its first entry, and the entries that settle others because of it.

Pure: the recorder, replay and the tests all call `record_one`, so that what is replayed is what ran.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from events.entry import Members
from events.entry import Verdict as EntryVerdict
from events.envelope import Envelope
from events.errors import Tampered
from events.names import TYPES
from events.record import Record
from events.upcast import STEPS, present
from handlers.judge import Deployment, judge_event, read
from handlers.lifecycle import take_in
from handlers.places import NOBODY, PENDING, REFUSED, Scope
from handlers.scopes import places_at, scope_of
from handlers.state import Fact, Key, State, Waiting
from handlers.verdicts import Accepted, Duplicate, Pending, Refusal, Verdict
from handlers.waiting import claimed, forget, remember, unwait, wait
from handlers.windows import is_complete, is_signed

_CLOSED = "phasegate.intake.closed.v1"


@dataclass(slots=True)
class Draft:
    """An entry to be appended: everything but its commitment. `of` cites the first entry of a settled record."""

    index: int
    record: Record
    verdict: Verdict
    type: str | None
    of: int | None = None


def record_one(state: State, record: Record, deployment: Deployment) -> Iterator[Draft]:
    """Judges a record, applies it, and settles what waited for it. Changes `state`, which the caller owns: when a draft is
    yielded, `state` is what is known with exactly that entry. To be exhausted before the next record.
    """
    _check_clock(state, record)
    order_ms = max(record.received_ms, state.order_ms.get(record.topic, 0))
    state.order_ms[record.topic] = order_ms
    index = state.size
    event, refusal = read(state.programme, record, deployment)
    places = places_at(state, (record.topic, record.partition))
    if event is None or refusal is not None:
        assert refusal is not None  # What cannot be read is refused.
        state.size += 1
        places.note(record.offset, REFUSED)
        yield Draft(index, record, refusal, public_type(event))
        yield from _settle(state, awaited(state, record), deployment)
        return
    fact = Fact(index, record.topic, record.offset, record.received_ms, order_ms, present(event))
    verdict = judge_event(state, record, fact, deployment)
    state.size += 1
    if isinstance(verdict, Accepted):
        _accept(state, fact, record)
    elif isinstance(verdict, Pending):
        remember(state, fact, record.value, accepted=False)
        wait(state, Waiting(fact, record, verdict.keys))
    places.note(record.offset, _scope(state, fact, verdict))
    yield Draft(index, record, verdict, event.type)
    if state.waits:
        keys = list(provided(state, fact)) if isinstance(verdict, Accepted) else []
        yield from _settle(state, [*keys, *awaited(state, record)], deployment)


def _scope(state: State, fact: Fact, verdict: Verdict) -> Scope:
    if isinstance(verdict, Accepted):
        return scope_of(state, fact)
    if isinstance(verdict, Pending):
        return PENDING
    return REFUSED if isinstance(verdict, Refusal) else NOBODY


def awaited(state: State, record: Record) -> list[Key]:
    """What a record provides by being read, or settled, whatever became of it."""
    key = ("record", record.topic, str(record.partition))
    return [key] if key in state.waits else []


def _accept(state: State, fact: Fact, record: Record) -> None:
    remember(state, fact, record.value, accepted=True)
    take_in(state, fact)


def _check_clock(state: State, record: Record) -> None:
    if state.clock == "broker" and record.received_by != "broker":
        raise Tampered(
            f"{record.position} was stamped by its producer, but {state.programme} was announced with the broker's clock",
            hint="set message.timestamp.type=LogAppendTime on the topics; phasegate doctor shows them",
        )


def public_type(event: Envelope | None) -> str | None:
    """The type of a refused event, for the public entry: only one of our own names, never a text of the sender's."""
    return event.type if event is not None and (event.type in TYPES or event.type in STEPS) else None


def _settle(state: State, keys: list[Key], deployment: Deployment) -> Iterator[Draft]:
    """Judges again whatever waited for `keys`, and for what that provides in turn, in the order of receipt. A closing of
    the intake comes last: what its windows settle is settled before the cut.
    """
    heap: list[tuple[bool, tuple[int, str, int], int]] = []
    queued: set[int] = set()

    def wake(provided: list[Key]) -> None:
        for key in provided:
            for index in state.waits.get(key, ()):
                if index not in queued:
                    queued.add(index)
                    fact = state.waiting[index].fact
                    heapq.heappush(heap, (fact.event.type == _CLOSED, fact.order, index))

    wake(keys)
    while heap:
        _, _, index = heapq.heappop(heap)
        queued.discard(index)
        draft, provided = _settle_one(state, index, deployment)
        if draft is not None:
            yield draft
        wake(provided)


def _settle_one(state: State, index: int, deployment: Deployment) -> tuple[Draft | None, list[Key]]:
    waiting = unwait(state, index)
    fact, record = waiting.fact, waiting.record
    verdict = judge_event(state, record, fact, deployment)
    if isinstance(verdict, Pending):
        remember(state, fact, record.value, accepted=False)
        wait(state, Waiting(fact, record, verdict.keys))
        return None, []
    draft = Draft(state.size, record, verdict, fact.event.type, of=index)
    state.size += 1
    free = [*freed(waiting), *awaited(state, record)]
    places = places_at(state, (record.topic, record.partition))
    if isinstance(verdict, Accepted):
        _accept(state, fact, record)
        places.settle(record.offset, scope_of(state, fact))
        return draft, [*free, *provided(state, fact)]
    forget(state, fact)
    places.settle(record.offset, _scope(state, fact, verdict))
    return draft, free


def freed(waiting: Waiting) -> list[Key]:
    """What a record that pended provides by being settled, whichever way: its identity and its claims are free."""
    fact = waiting.fact
    keys: list[Key] = [("event", fact.event.id), ("identity", fact.topic, fact.event.source, fact.event.id)]
    return keys + [("behind", *claim) for claim in claimed(waiting)]


_PROVIDES: Mapping[str, tuple[str, ...]] = {
    "programme.announced": ("programme",),
    "programme.concluded": ("concluded",),
    "phase.opened": ("phase", "phase"),
    "evaluator.appointed": ("evaluator", "evaluator"),
    "entrant.registered": ("entrant", "entrant"),
    "rebuttal.filed": ("rebuttal", "finding"),
    "ruling.issued": ("ruling", "finding"),
    "window.extended": ("window", "phase", "window"),
    "call.opened": ("call", "call"),
    "call.decided": ("call-decided", "call"),
    "objection.ruled": ("ruled", "objection"),
    "objection.withdrawn": ("ruled", "objection"),
}
"""By short name: the kind of key that an accepted event provides, and the members of its data that make it up."""


def provided(state: State, fact: Fact) -> Iterator[Key]:
    """The keys that an accepted event provides to what waits."""
    data, name = fact.event.data, TYPES[fact.event.type].short
    yield ("event", fact.event.id)
    yield from (("cut", phase_id) for phase_id, phase in state.phases.items() if phase.cut == state.size)
    if (row := _PROVIDES.get(name)) is not None:
        yield (row[0], *(data[member] for member in row[1:]))
    elif name == "intake.marked" and is_complete(state, data["phase"], data["window"]):
        yield ("window", data["phase"], data["window"])
    elif name in ("decision.signed", "phase.decided", "decision.finalised"):
        yield from _decision_keys(state, fact)


def _decision_keys(state: State, fact: Fact) -> Iterator[Key]:
    found = state.find_decision(fact.data.get("decision", fact.event.id))
    assert found is not None  # It was just accepted.
    phase, decision = found
    if is_signed(phase, decision):
        yield ("signed", phase.rules.id)
    if decision.finalised is not None:
        yield ("final", phase.rules.id)


def restore(state: State, record: Record, fact: Fact, deployment: Deployment) -> None:
    """Puts a record that the log says is pending back to waiting, when a state is folded from stored entries. What it waited
    for may have been erased since: then it waits for the conclusion.
    """
    remember(state, fact, record.value, accepted=False)
    verdict = judge_event(state, record, fact, deployment)
    if not isinstance(verdict, Pending) and state.holes:
        verdict = Pending((("concluded",),))
    if not isinstance(verdict, Pending):
        raise Tampered(f"entry {fact.index} is pending in the log, but by the log itself it is {verdict}")
    wait(state, Waiting(fact, record, verdict.keys))


WRITTEN: Mapping[type[Verdict], EntryVerdict] = {
    Accepted: "accepted",
    Refusal: "refused",
    Duplicate: "duplicate",
    Pending: "pending",
}
"""How verdicts are written in entries."""


def members_of(draft: Draft, commitment: str) -> Members:
    """The members of the entry that a draft becomes under its record's commitment; a settlement reuses that of the entry
    it cites.
    """
    record, verdict = draft.record, draft.verdict
    return (
        draft.index, record.topic, record.partition, record.offset, record.received_ms, record.received_by,
        WRITTEN[type(verdict)], commitment, draft.type, reason_of(draft), draft.of,
    )  # fmt: skip


def reason_of(draft: Draft) -> str | None:
    """The public reason code of a refusal."""
    return draft.verdict.reason if type(draft.verdict) is Refusal else None


def detail_of(draft: Draft) -> str | None:
    """The private explanation that the ledger keeps beside a refusal."""
    return draft.verdict.detail if type(draft.verdict) is Refusal else None
