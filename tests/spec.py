"""given / when / then over `record_one`: what was recorded, what comes in, what becomes of it.

Each `then` is strict - these verdicts, in this order, no others - and checks four laws: asked twice the same answer;
judging leaves the state as it is; facts survive encoding; the entries fold to the same state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

from events.envelope import Envelope, decode, encode
from events.errors import Refused
from events.record import Record
from handlers.judge import judge_event, read
from handlers.recording import Draft, record_one
from handlers.state import Fact
from handlers.verdicts import Accepted, Duplicate, Pending, Refusal, Verdict
from tests.support.log import DEPLOYMENT, Log, folded, record_of

Told = Envelope | Record
Settled = Mapping[str, str]
"""By event id, what pending records become: `accepted`, `duplicate`, or the reason of a refusal."""


@dataclass
class Given:
    """What is recorded already."""

    log: Log

    def when(self, told: Told) -> When:
        """Records one more."""
        record = record_of(told) if isinstance(told, Envelope) else told
        offset = sum(before.topic == record.topic for before in self.log.records)
        record = replace(record, offset=offset)
        _check_that_judging_is_pure(self.log, record)
        drafts = self.log.feed(record)
        _check_that_facts_survive(drafts)
        assert folded(self.log.stored, self.log.state.programme, judging=True) == self.log.state, (
            "the entries fold to another state"
        )
        return When(self.log, drafts)


@dataclass
class When:
    """What became of the record, and of those that waited for it."""

    log: Log
    drafts: list[Draft]

    def accepted(self, settles: Settled | None = None) -> Given:
        """It counts, and settles exactly these."""
        self._first(Accepted)
        return self._settled(settles)

    def refused(self, reason: str, match: str = "") -> Given:
        """It does not count, for this reason; the private detail says so in words."""
        refusal = self._first(Refusal)
        assert isinstance(refusal, Refusal)
        assert (refusal.reason, bool(re.search(match, refusal.detail))) == (reason, True), refusal
        return self._settled(None)

    def duplicate(self, of: int | None = None) -> Given:
        """It was there already, at entry `of` when that is given."""
        first = self._first(Duplicate)
        assert isinstance(first, Duplicate)
        assert of in (None, first.first), first
        return self._settled(None)

    def pending(self, on: str = "") -> Given:
        """It waits, among others for something of the kind `on`."""
        pending = self._first(Pending)
        assert isinstance(pending, Pending)
        assert not on or on in [key[0] for key in pending.keys], pending
        return self._settled(None)

    def _first(self, kind: type[Verdict]) -> Verdict:
        first = self.drafts[0]
        assert first.of is None
        assert isinstance(first.verdict, kind), first.verdict
        return first.verdict

    def _settled(self, expected: Settled | None) -> Given:
        found = {decode(draft.record.value).id: _word(draft.verdict) for draft in self.drafts[1:]}
        assert list(found.items()) == list((expected or {}).items()), found
        return Given(self.log)


def given(*told: Told, on: Log | None = None) -> Given:
    """What was recorded before, in this order; on top of another log when one is given."""
    log = on or Log()
    log.tell(*told)
    return Given(log)


def _word(verdict: Verdict) -> str:
    return verdict.reason if isinstance(verdict, Refusal) else type(verdict).__name__.lower()


def _check_that_judging_is_pure(log: Log, record: Record) -> None:
    state = log.state
    before = deepcopy(state)
    event, refusal = read(state.programme, record, DEPLOYMENT)
    if event is not None and refusal is None:
        order_ms = max(record.received_ms, state.order_ms.get(record.topic, 0))
        fact = Fact(state.size, record.topic, record.offset, record.received_ms, order_ms, event)
        first = judge_event(state, record, fact, DEPLOYMENT)
        assert judge_event(state, record, fact, DEPLOYMENT) == first, "asked twice, answered otherwise"
        assert state == before, "judging changed the state"
    drafts = list(record_one(before, record, DEPLOYMENT))
    again = deepcopy(state)
    assert list(record_one(again, record, DEPLOYMENT)) == drafts, "recorded twice, judged otherwise"
    assert again == before, "recorded twice, known otherwise"


def _check_that_facts_survive(drafts: list[Draft]) -> None:
    for draft in drafts:
        try:
            event = decode(draft.record.value)
        except Refused:
            continue
        event.extensions.pop("specversion", None)
        assert decode(encode(event)) == replace(event, extensions=decode(encode(event)).extensions)
