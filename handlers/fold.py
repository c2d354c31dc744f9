"""Folding a log: from stored entries to what is known. Trusts the verdicts in the log; `handlers.replay` does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import orjson

from events.entry import Opening, decode_headers
from events.envelope import Envelope, decode_accepted
from events.errors import Tampered
from events.record import Record
from events.upcast import present
from events.values import parse_instant
from handlers.engine import Engine
from handlers.holes import Hidden, Look, hide, nothing_hidden, reveal
from handlers.judge import Deployment
from handlers.lifecycle import take_in
from handlers.places import PENDING, Scope, unread
from handlers.recording import restore
from handlers.scopes import At, places_at, scope_of
from handlers.state import Fact, State
from handlers.waiting import forget, remember


class StoredEntry(Protocol):
    """An entry as a ledger gives it: its exact bytes, and the opening of a first entry."""

    @property
    def index(self) -> int: ...
    @property
    def entry(self) -> bytes: ...
    @property
    def opening(self) -> Opening | None: ...


class Kept(Protocol):
    """What a judge had folded a log to (`handlers.folded`)."""

    @property
    def state(self) -> State: ...
    @property
    def hiding(self) -> Mapping[int, Hole]: ...


@dataclass(frozen=True, slots=True)
class Hole:
    """A first entry without its record."""

    index: int
    at: At
    offset: int
    type: str
    hidden: Hidden | None


class Folder:
    """Folds one log, entry by entry. `judging` keeps what only the judge needs (identities, what pends); readers that
    only look and decide leave it off. `engines` are those to decide by, where not those of this build. `hidden` knows the
    records that were erased.
    """

    def __init__(
        self,
        programme: str,
        *,
        judging: bool = False,
        engines: Mapping[str, Engine] | None = None,
        hidden: Look = nothing_hidden,
    ) -> None:
        self.state = State(programme, engines=engines)
        self._judging = judging
        self._hidden = hidden
        self._pending: dict[int, tuple[Fact, bytes, At]] = {}
        self.hiding: dict[int, Hole] = {}
        """Records without content whose verdict is open, by index."""
        self._records: dict[int, Record] = {}

    @classmethod
    def opened(cls, programme: str, kept: Kept | None, *, judging: bool = False, hidden: Look = nothing_hidden) -> Self:
        """One that has folded what was kept, which is its own from now on; or nothing yet. What pends is put back as it came:
        `finish` judges it again, as if everything had been folded here.
        """
        folder = cls(programme, judging=judging, hidden=hidden)
        if kept is not None:
            folder.state = state = kept.state
            folder.hiding = dict(kept.hiding)
            for index, waiting in sorted(state.waiting.items()):
                fact, record = waiting.fact, waiting.record
                folder._pending[index] = (fact, record.value or b"", (record.topic, record.partition))
                folder._records[index] = record
                forget(state, fact)
            state.waiting, state.waits, state.claims = {}, {}, {}
        return folder

    def apply(self, stored: StoredEntry) -> None:
        """Applies the next entry. Raises Tampered when it does not follow the one before."""
        opening = stored.opening
        self.apply_value(stored.index, stored.entry, None if opening is None else opening.value)
        if opening is not None and stored.index in self._pending:
            entry, fact = orjson.loads(stored.entry), self._pending[stored.index][0]
            self._records[stored.index] = _record(entry, fact.received_ms, opening)

    def apply_value(self, index: int, data: bytes, value: bytes | None) -> None:
        """`apply` for those who will not judge: of an opening they need the value alone."""
        state = self.state
        if index != state.size:
            raise Tampered(f"{state.programme}: entry {index} follows entry {state.size - 1}; one is missing")
        entry = orjson.loads(data)
        verdict, of = entry["verdict"], entry.get("of")
        state.size += 1
        if of is not None:
            self._settle(verdict, of)
            return
        received_ms = parse_instant(entry["received"])
        topic, at = entry["topic"], (entry["topic"], entry["partition"])
        order_ms = state.order_ms.get(topic, 0)
        if received_ms > order_ms:
            state.order_ms[topic] = order_ms = received_ms
        if verdict not in ("accepted", "pending"):
            self._note(at, entry["offset"], unread(verdict))
            return
        if value is None:
            self._hide(index, entry)
            return
        fact = Fact(index, topic, entry["offset"], received_ms, order_ms, present(_event(index, value)))
        if verdict == "accepted":
            self._accept(fact, value)
            if self._judging:
                self._note(at, fact.offset, scope_of(state, fact))
        else:
            self._pending[index] = (fact, value, at)
            self._note(at, fact.offset, PENDING)

    def _note(self, at: At, offset: int, scope: Scope) -> None:
        if self._judging:
            places_at(self.state, at).note(offset, scope)

    def _accept(self, fact: Fact, value: bytes | None) -> None:
        if self._judging:
            remember(self.state, fact, value, accepted=True)
        take_in(self.state, fact)

    def _hide(self, index: int, entry: Mapping[str, Any]) -> None:
        """A record whose content was erased. Raises Tampered for one that is not there and was not."""
        state, verdict = self.state, entry["verdict"]
        hole = Hole(index, (entry["topic"], entry["partition"]), entry["offset"], entry["type"], self._hidden(index))
        if hole.hidden is None:
            raise Tampered(f"{state.programme}: entry {index} is {verdict}, but its record is not there")
        self._note(hole.at, hole.offset, hide(state, hole.at[0], hole.type, verdict))
        if verdict == "pending":
            self.hiding[index] = hole
        else:
            self._forget(hole)

    def _forget(self, hole: Hole) -> None:
        if self._judging and hole.hidden is not None and hole.hidden.identity is not None:
            self.state.forgotten.setdefault(hole.at[0], {})[hole.hidden.identity] = hole.index

    def _settle(self, verdict: str, of: int) -> None:
        if of in self.hiding:
            self._settle_hidden(verdict, self.hiding.pop(of))
            return
        fact, value, at = self._pending.pop(of)
        self._records.pop(of, None)
        if verdict == "accepted":
            self._accept(fact, value)
        if self._judging:
            scope = scope_of(self.state, fact) if verdict == "accepted" else unread(verdict)
            places_at(self.state, at).settle(fact.offset, scope)

    def _settle_hidden(self, verdict: str, hole: Hole) -> None:
        reveal(self.state, hole.type)
        scope = unread(verdict)
        if verdict == "accepted":
            scope = hide(self.state, hole.at[0], hole.type, verdict)
            self._forget(hole)
        if self._judging:
            places_at(self.state, hole.at).settle(hole.offset, scope)

    def finish(self, deployment: Deployment) -> State:
        """The state with everything that still pends put back to waiting, ready to judge what comes next. Only after
        `apply`: what pends is judged again from its whole record.
        """
        for index, (fact, _, _) in self._pending.items():
            restore(self.state, self._records[index], fact, deployment)
        self._pending.clear()
        return self.state


def _event(index: int, value: bytes) -> Envelope:
    """The event of an entry that is accepted or pending: its value was read strictly when it was recorded."""
    try:
        return decode_accepted(value)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Tampered(f"entry {index} was recorded as an event, but its value is none: {error!r}") from error


def _record(entry: dict[str, object], received_ms: int, opening: Opening) -> Record:
    return Record(
        str(entry["topic"]),
        int(str(entry["partition"])),
        int(str(entry["offset"])),
        received_ms,
        "broker" if entry["received_by"] == "broker" else "producer",
        opening.key,
        decode_headers(opening.headers),
        opening.value,
    )


def fold(programme: str, entries: Iterable[StoredEntry], engines: Mapping[str, Engine] | None = None) -> State:
    """What is known after `entries`, for looking and deciding."""
    folder = Folder(programme, engines=engines)
    for stored in entries:
        folder.apply(stored)
    return folder.state
