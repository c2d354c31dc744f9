"""Replay: every verdict judged again, every decision made again, compared byte for byte with what the log says.

It starts from nothing and trusts no verdict in the log. What it needs beside the entries and their records is the office's
public keys, the number of partitions, and, for the attribution in `intake.closed`, whose the other offsets are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import orjson

from events import merkle
from events.derived import pipeline_source
from events.entry import Entry, Opening, commitment, decode_entry, decode_headers, encode_members
from events.envelope import Envelope, decode
from events.errors import Tampered
from events.record import Record
from events.upcast import present
from handlers.engine import Engine
from handlers.following import Followed, Follower
from handlers.holes import Look, nothing_hidden
from handlers.judge import Deployment
from handlers.other_history import as_said_before
from handlers.recording import Draft, detail_of, members_of, record_one
from handlers.remake import Remaker
from handlers.replay_report import Difference, Report, entry_difference, first_member
from handlers.rests import is_making_doubtful
from handlers.state import Fact, State
from handlers.verdicts import Accepted, Pending


class OpenedEntry(Protocol):
    """An entry as a ledger gives it, with its opening and the private detail of a refusal."""

    @property
    def index(self) -> int: ...
    @property
    def entry(self) -> bytes: ...
    @property
    def opening(self) -> Opening | None: ...
    @property
    def detail(self) -> str | None: ...


Attribute = Callable[[str, int, int], Iterable[tuple[int, str]]]
"""(topic, partition, stop) -> (offset, owner) of every recorded offset below stop, ascending."""


class Replay:
    """Replays one log, entry by entry; `finish` gives the report."""

    def __init__(
        self,
        programme: str,
        origin: str,
        deployment: Deployment,
        attribute: Attribute | None = None,
        *,
        details: bool = True,
        engines: Mapping[str, Engine] | None = None,
        hidden: Look = nothing_hidden,
    ) -> None:
        self.state = State(programme, engines=engines)
        self.report = Report()
        self._deployment = deployment
        self._log = origin
        self._details = details  # A bundle carries no details of refusals: they follow from the record.
        self._stack: list[bytes] = []
        self._commitments: dict[int, str] = {}
        self._remaker = Remaker(self.state, origin, deployment.partitions, attribute)
        self._source = pipeline_source(programme)
        self._drafts: Iterator[Draft] = iter(())
        self._look = hidden
        self._follower: Follower | None = None

    def feed(self, stored: OpenedEntry) -> None:
        """Replays the next entry. Raises Tampered only where the log cannot be read at all."""
        entry = decode_entry(stored.entry)
        if stored.index != self.report.size or entry.index != stored.index:
            raise Tampered(f"entry {self.report.size} is missing: the next one says {entry.index}")
        is_hidden = entry.of is None and stored.opening is None and self._look(entry.index) is not None
        if is_hidden and self._follower is None:
            self._end_drafts()
            self._follower = Follower(self.state, self._deployment, self._look)
        followed = None if self._follower is None else self._follow(self._follower, entry, stored, is_hidden=is_hidden)
        draft = self._next_draft(entry, stored) if followed is None else None
        merkle.append(self._stack, stored.index, merkle.leaf_hash(stored.entry))
        self.report.size += 1
        if followed is not None:
            self._compare_followed(followed, entry, stored)
        if draft is None:
            return
        self._compare_verdict(draft, entry, stored)
        self._remaker.saw_entry(draft, lambda: merkle.root(self._stack))
        self._compare_decision(draft)

    def _follow(self, follower: Follower, entry: Entry, stored: OpenedEntry, *, is_hidden: bool) -> Followed:
        if entry.of is None and not follower.is_lost:
            for index in follower.unsettled():
                self.report.verdicts.checked += 1
                self._differs(
                    Difference(entry.index, "verdict", "entry", "a new record", f"a settlement of entry {index}")
                )
        if is_hidden:
            self.report.hidden.append(entry.index)
        return follower.follow(entry, _record(entry, stored) if entry.of is None and not is_hidden else None)

    def _compare_followed(self, followed: Followed, entry: Entry, stored: OpenedEntry) -> None:
        ours, said = followed.ours, followed.said
        if followed.is_doubtful:
            self.report.verdicts.unchecked.append(entry.index)
            self._note_commitment(entry, stored)
        elif ours is None:
            self.report.verdicts.checked += 1
            found = f"a settlement of entry {entry.of}"
            self._differs(Difference(entry.index, "verdict", "entry", found, "no entry"))
        else:
            self._compare_verdict(ours, entry, stored)
        if said is None:
            return
        assert self._follower is not None  # It said so.
        if not self._follower.is_lost:
            self._remaker.saw_entry(said, lambda: merkle.root(self._stack))
        self._compare_decision(said)

    def _note_commitment(self, entry: Entry, stored: OpenedEntry) -> None:
        if entry.verdict == "pending" and stored.opening is not None:
            self._commitments[entry.index] = commitment(stored.opening)

    def _next_draft(self, entry: Entry, stored: OpenedEntry) -> Draft | None:
        """The entry that should stand here: the next settlement of the record before, or the verdict on a new record."""
        draft = next(self._drafts, None)
        if draft is None and entry.of is None:
            self._drafts = record_one(self.state, _record(entry, stored), self._deployment)
            return next(self._drafts)
        if draft is None or (entry.of is None) != (draft.of is None):
            what = "no entry" if draft is None else f"a settlement of entry {draft.of}"
            found = f"a settlement of entry {entry.of}" if entry.of is not None else "a new record"
            self._differs(Difference(entry.index, "verdict", "entry", found, what, entry.type or ""))
            self.report.verdicts.checked += 1
            for _ in self._drafts:
                pass
            if entry.of is None:
                self._drafts = record_one(self.state, _record(entry, stored), self._deployment)
                next(self._drafts)
            return None
        return draft

    def _compare_verdict(self, draft: Draft, entry: Entry, stored: OpenedEntry) -> None:
        tally = self.report.verdicts
        tally.checked += 1
        if draft.of is None:
            assert stored.opening is not None  # _record needed it.
            committed = commitment(stored.opening)
            if entry.verdict == "pending" or isinstance(draft.verdict, Pending):
                self._commitments[entry.index] = committed
        else:
            committed = self._commitments[draft.of]
        replayed, detail = members_of(draft, committed), detail_of(draft)
        if encode_members(replayed) == stored.entry and (detail == stored.detail or not self._details):
            tally.identical += 1
        else:
            self._differs(entry_difference(entry, Entry(*replayed), stored.detail, detail))

    def _compare_decision(self, draft: Draft) -> None:
        """Compares an accepted event of the pipeline's own with what this replay would have said."""
        value = draft.record.value
        if not isinstance(draft.verdict, Accepted) or value is None or self._source.encode() not in value:
            return
        event = decode(value)
        if event.source != self._source:
            return
        tally = self.report.decisions
        if self._cannot_make(draft, event):
            tally.unchecked.append(draft.index)
            return
        tally.checked += 1
        remade = self._remaker.remake(draft.record.topic, event)
        if value in remade:
            tally.identical += 1
            return
        if not remade:
            self._differs(Difference(draft.index, f"{event.type} {event.id}", "", "said", "nothing due", event.type))
            return
        seen = [as_said_before(event, one, self._log, self.state.programme) for one in remade]
        if value in seen:
            tally.identical += 1
            self.report.earlier += 1
            return
        closest = next(iter(seen))
        member, recorded, replayed = first_member(orjson.loads(value), orjson.loads(closest))
        self._differs(Difference(draft.index, f"{event.type} {event.id}", member, recorded, replayed, event.type))

    def _cannot_make(self, draft: Draft, event: Envelope) -> bool:
        """The event rests on a record that is not there. A decision that was computed before one was missing can be made."""
        if self._follower is None:
            return False
        fact = Fact(draft.index, draft.record.topic, draft.record.offset, draft.record.received_ms, 0, present(event))
        if self._follower.is_lost:
            return True
        return is_making_doubtful(self.state, fact) and not self._remaker.has_decided(event)

    def _differs(self, difference: Difference) -> None:
        if self.report.first_difference is None:
            self.report.first_difference = difference

    def finish(self) -> Report:
        """The report. An entry that should follow and does not is a difference."""
        self._end_drafts()
        self.report.root = merkle.root(self._stack)
        return self.report

    def _end_drafts(self) -> None:
        if (draft := next(self._drafts, None)) is not None:
            self.report.verdicts.checked += 1
            missing = f"a settlement of entry {draft.of}"
            self._differs(Difference(self.report.size, "verdict", "entry", "no entry", missing))


def _record(entry: Entry, stored: OpenedEntry) -> Record:
    opening = stored.opening
    if opening is None:
        raise Tampered(f"entry {entry.index}: its record is not beside it, so its verdict cannot be judged again")
    return Record(
        entry.topic,
        entry.partition,
        entry.offset,
        entry.received_ms,
        "broker" if entry.received_by == "broker" else "producer",
        opening.key,
        decode_headers(opening.headers),
        opening.value,
    )
