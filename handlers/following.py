"""Following a log of which some records are not there: its verdicts are taken as they stand, and each that does not rest on
what is missing is judged again beside it (`handlers.rests`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from events.entry import Entry
from events.errors import Tampered
from events.record import Record
from events.upcast import present
from handlers.holes import Look, hide, reveal
from handlers.judge import Deployment, judge_event, read
from handlers.lifecycle import take_in
from handlers.places import NOBODY, PENDING
from handlers.recording import WRITTEN, Draft, awaited, freed, provided
from handlers.rests import SPINE, is_verdict_doubtful
from handlers.scopes import places_at, scope_of, short_of
from handlers.state import Fact, Key, State, Waiting
from handlers.verdicts import ACCEPTED, Duplicate, Pending, Refusal, Verdict
from handlers.waiting import forget, remember, unwait, wait

_UNSIGNED = ("signature-missing", "signature-invalid")
"""Refusals that rest on the record and on keys alone."""

_BY_LOG: tuple[Key, ...] = (("log",),)
"""What a record waits for that the log says is pending, though it need not be for what is known."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An entry as it would be (`ours`; None where nothing can be said) and as the log says it (`said`; None where the record
    is not there). `is_doubtful`: a difference between them says nothing.
    """

    ours: Draft | None
    said: Draft | None
    is_doubtful: bool


class Follower:
    """Goes on from a state that somebody else has folded up to the first record that is not there."""

    def __init__(self, state: State, deployment: Deployment, look: Look) -> None:
        self._state, self._deployment, self._look = state, deployment, look
        self._hidden_topics: set[str] = set()
        self._hiding: dict[int, Entry] = {}
        self._records: dict[int, Record] = {index: row.record for index, row in state.waiting.items()}
        self._woken: set[int] = set()
        self.is_lost = False
        """A record of the spine is missing: nothing after it is judged."""

    def unsettled(self) -> Iterator[int]:
        """Pending records that the entries before should have settled, and did not. To be asked before each first entry."""
        for index in sorted(self._woken & self._state.waiting.keys()):
            row = self._state.waiting[index]
            verdict = judge_event(self._state, row.record, row.fact, self._deployment)
            if isinstance(verdict, Pending):
                unwait(self._state, index)
                wait(self._state, Waiting(row.fact, row.record, verdict.keys))
            elif not is_verdict_doubtful(self._state, row.fact):
                yield index
        self._woken.clear()

    def follow(self, entry: Entry, record: Record | None) -> Followed:
        """Takes in the next entry. `record` is that of a first entry, None where it is not there."""
        if self.is_lost:
            return self._lost(entry, record)
        if entry.of is not None:
            return self._settle(entry)
        state = self._state
        order_ms = max(entry.received_ms, state.order_ms.get(entry.topic, 0))
        state.order_ms[entry.topic] = order_ms
        if record is None:
            return self._hide(entry)
        self._records[entry.index] = record
        event, refusal = read(state.programme, record, self._deployment)
        if event is None or refusal is not None:
            assert refusal is not None  # What cannot be read is refused.
            public = entry.type if event is not None else None
            return self._take(entry, record, None, refusal, Draft(entry.index, record, refusal, public), doubtful=False)
        fact = Fact(entry.index, entry.topic, entry.offset, entry.received_ms, order_ms, present(event))
        verdict = judge_event(state, record, fact, self._deployment)
        doubtful = self._is_doubtful(entry, fact, verdict)
        return self._take(
            entry, record, fact, verdict, Draft(entry.index, record, verdict, event.type), doubtful=doubtful
        )

    def _take(
        self, entry: Entry, record: Record, fact: Fact | None, verdict: Verdict, ours: Draft, *, doubtful: bool
    ) -> Followed:
        state, places = self._state, places_at(self._state, (entry.topic, entry.partition))
        state.size += 1
        scope = NOBODY
        if not doubtful and WRITTEN[type(verdict)] != entry.verdict:
            fact = None  # A difference, which is told; what the log says is not taken over.
        if fact is not None and entry.verdict == "accepted":
            self._accept(fact, record)
            scope = scope_of(state, fact)
        elif fact is not None and entry.verdict == "pending":
            remember(state, fact, record.value, accepted=False)
            wait(state, Waiting(fact, record, verdict.keys if isinstance(verdict, Pending) else _BY_LOG))
            scope = PENDING
        places.note(entry.offset, scope)
        self._wake(awaited(state, record))
        said = Draft(entry.index, record, _said(entry), entry.type)
        return Followed(ours, said, doubtful)

    def _is_doubtful(self, entry: Entry, fact: Fact, verdict: Verdict) -> bool:
        if isinstance(verdict, Refusal) and verdict.reason in _UNSIGNED:
            return False
        is_repeat = entry.verdict in ("duplicate", "pending") or entry.reason == "id-reused"
        return (is_repeat and entry.topic in self._hidden_topics) or is_verdict_doubtful(self._state, fact)

    def _accept(self, fact: Fact, record: Record) -> None:
        remember(self._state, fact, record.value, accepted=True)
        try:
            take_in(self._state, fact)
        except (AssertionError, LookupError, AttributeError, TypeError, ValueError, StopIteration) as error:
            what = f"entry {fact.index} was accepted, but nothing that is known allows it"
            raise Tampered(f"{what}: {fact.event.type} ({error!r})", index=fact.index) from error
        self._wake(list(provided(self._state, fact)))

    def _wake(self, keys: list[Key]) -> None:
        for key in keys:
            self._woken |= self._state.waits.get(key, set())

    def _settle(self, entry: Entry) -> Followed:
        assert entry.of is not None  # The caller looked.
        if entry.of in self._hiding:
            return self._settle_hidden(entry, self._hiding.pop(entry.of))
        if entry.of not in self._state.waiting:
            self._state.size += 1
            return Followed(None, None, is_doubtful=False)
        row = unwait(self._state, entry.of)
        fact, record = row.fact, row.record
        verdict = judge_event(self._state, record, fact, self._deployment)
        doubtful = self._is_doubtful(entry, fact, verdict)
        self._state.size += 1
        places = places_at(self._state, (entry.topic, entry.partition))
        self._wake(freed(row))
        is_same = doubtful or WRITTEN[type(verdict)] == entry.verdict
        if entry.verdict == "accepted" and is_same:
            self._accept(fact, record)
            places.settle(entry.offset, scope_of(self._state, fact))
        else:
            forget(self._state, fact)
            places.settle(entry.offset, NOBODY)
        self._wake(awaited(self._state, record))
        ours = Draft(entry.index, record, verdict, fact.event.type, of=entry.of)
        return Followed(ours, Draft(entry.index, record, _said(entry), entry.type, of=entry.of), doubtful)

    def _hide(self, entry: Entry) -> Followed:
        state = self._state
        state.size += 1
        self._hidden_topics.add(entry.topic)
        scope = NOBODY
        if entry.type is not None and entry.verdict in ("accepted", "pending"):
            self.is_lost = short_of(entry.type) in SPINE
            scope = hide(state, entry.topic, entry.type, entry.verdict)
            if entry.verdict == "pending":
                self._hiding[entry.index] = entry
            else:
                self._forget(entry)
        places_at(state, (entry.topic, entry.partition)).note(entry.offset, scope)
        return Followed(None, None, is_doubtful=True)

    def _settle_hidden(self, entry: Entry, first: Entry) -> Followed:
        assert first.type is not None  # Only of a known type something pends.
        self._state.size += 1
        reveal(self._state, first.type)
        scope = NOBODY
        if entry.verdict == "accepted":
            scope = hide(self._state, entry.topic, first.type, entry.verdict)
            self._forget(first)
        places_at(self._state, (entry.topic, entry.partition)).settle(entry.offset, scope)
        return Followed(None, None, is_doubtful=True)

    def _forget(self, entry: Entry) -> None:
        hidden = self._look(entry.index)
        if hidden is not None and hidden.identity is not None:
            self._state.forgotten.setdefault(entry.topic, {})[hidden.identity] = entry.index

    def _lost(self, entry: Entry, record: Record | None) -> Followed:
        if entry.of is not None:
            record = self._records.get(entry.of)
        elif record is not None:
            self._records[entry.index] = record
        said = None if record is None else Draft(entry.index, record, _said(entry), entry.type, of=entry.of)
        return Followed(None, said, is_doubtful=True)


_SAID: Mapping[str, Verdict] = {"accepted": ACCEPTED, "pending": Pending(_BY_LOG), "duplicate": Duplicate(0)}


def _said(entry: Entry) -> Verdict:
    return _SAID.get(entry.verdict) or Refusal(entry.reason or "", "")
