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
from handlers.judge import Deployment, judge_event, may_not_say, read
from handlers.lifecycle import take_in
from handlers.places import PENDING, REFUSED, Scope, unread
from handlers.recording import WRITTEN, Draft, awaited, freed, provided, public_type
from handlers.rests import SPINE, is_verdict_doubtful
from handlers.scopes import places_at, scope_of, short_of
from handlers.state import Fact, Key, State, Waiting
from handlers.verdicts import ACCEPTED, Duplicate, Pending, Refusal, Verdict
from handlers.waiting import forget, remember, unwait, wait

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
        """A record of the spine is missing, or something came out differently: nothing after it is judged."""

    def unsettled(self) -> Iterator[int]:
        """Pending records that the entries before should have settled, and did not. To be asked before each first entry."""
        for index in sorted(self._woken & self._state.waiting.keys()):
            row = self._state.waiting[index]
            if is_verdict_doubtful(self._state, row.fact):
                continue
            verdict = judge_event(self._state, row.record, row.fact, self._deployment)
            if isinstance(verdict, Pending):
                unwait(self._state, index)
                wait(self._state, Waiting(row.fact, row.record, verdict.keys))
            else:
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
            state.size += 1
            self._is_lost_at(entry, refusal)
            return self._noted(entry, record, public_type(event), refusal, REFUSED)
        fact = Fact(entry.index, entry.topic, entry.offset, entry.received_ms, order_ms, present(event))
        return self._take(entry, record, fact, self._judged(entry, record, fact))

    def _judged(self, entry: Entry, record: Record, fact: Fact) -> Verdict | None:
        """The verdict as it would be; None where nothing can be said."""
        if is_verdict_doubtful(self._state, fact):
            is_in_effect = entry.verdict in ("accepted", "pending") and self._state.announced is not None
            return may_not_say(self._state, record, fact, self._deployment) if is_in_effect else None
        verdict = judge_event(self._state, record, fact, self._deployment)
        may_repeat = entry.verdict in ("duplicate", "pending") or entry.reason == "id-reused"
        is_repeat = may_repeat and entry.topic in self._hidden_topics and WRITTEN[type(verdict)] != entry.verdict
        return None if is_repeat else verdict

    def _take(self, entry: Entry, record: Record, fact: Fact, verdict: Verdict | None) -> Followed:
        state, scope = self._state, unread(entry.verdict)
        state.size += 1
        if self._is_lost_at(entry, verdict):
            pass  # What the log says is not taken over.
        elif entry.verdict == "accepted":
            self._accept(fact, record)
            scope = scope_of(state, fact)
        elif entry.verdict == "pending":
            remember(state, fact, record.value, accepted=False)
            wait(state, Waiting(fact, record, verdict.keys if isinstance(verdict, Pending) else _BY_LOG))
            scope = PENDING
        return self._noted(entry, record, fact.event.type, verdict, scope)

    def _noted(self, entry: Entry, record: Record, name: str | None, verdict: Verdict | None, scope: Scope) -> Followed:
        places_at(self._state, (entry.topic, entry.partition)).note(entry.offset, scope)
        self._wake(awaited(self._state, record))
        ours = None if verdict is None else Draft(entry.index, record, verdict, name)
        return Followed(ours, Draft(entry.index, record, _said(entry), entry.type), verdict is None)

    def _is_lost_at(self, entry: Entry, verdict: Verdict | None) -> bool:
        """The verdict is another than the log's: after that nothing is judged any more."""
        self.is_lost |= verdict is not None and WRITTEN[type(verdict)] != entry.verdict
        return self.is_lost

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
        verdict = self._judged(entry, record, fact)
        self._state.size += 1
        places = places_at(self._state, (entry.topic, entry.partition))
        self._wake(freed(row))
        if entry.verdict == "accepted" and not self._is_lost_at(entry, verdict):
            self._accept(fact, record)
            places.settle(entry.offset, scope_of(self._state, fact))
        else:
            self._is_lost_at(entry, verdict)
            forget(self._state, fact)
            places.settle(entry.offset, unread(entry.verdict))
        self._wake(awaited(self._state, record))
        ours = None if verdict is None else Draft(entry.index, record, verdict, fact.event.type, of=entry.of)
        return Followed(ours, Draft(entry.index, record, _said(entry), entry.type, of=entry.of), verdict is None)

    def _hide(self, entry: Entry) -> Followed:
        state = self._state
        state.size += 1
        self._hidden_topics.add(entry.topic)
        scope = unread(entry.verdict)
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
        scope = unread(entry.verdict)
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
