"""Replay: every verdict judged again, every decision made again, compared byte for byte with what the log says.

It starts from nothing and trusts no verdict in the log. What it needs beside the entries and their records is the office's
public keys, the number of partitions, and, for the attribution in `intake.closed`, whose the other offsets are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from events import merkle
from events.derived import pipeline_source
from events.entry import Entry, Opening, commitment, decode_entry, decode_headers, encode_members
from events.envelope import decode
from events.errors import Tampered
from events.record import Record
from handlers.engine import Engine
from handlers.judge import Deployment
from handlers.other_history import as_said_before
from handlers.recording import Draft, detail_of, members_of, record_one
from handlers.remake import Remaker
from handlers.state import State
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


@dataclass(slots=True)
class Tally:
    """How many were checked, and how many came out the same, byte for byte."""

    checked: int = 0
    identical: int = 0

    @property
    def different(self) -> int:
        return self.checked - self.identical

    def data(self) -> dict[str, int]:
        return {"checked": self.checked, "identical": self.identical, "different": self.different}


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that came out differently: at which entry, which member, and both values."""

    index: int
    what: str
    member: str
    recorded: str
    replayed: str
    type: str = ""
    reason: str = ""
    """Why the replay refuses, where it does."""

    def data(self) -> dict[str, Any]:
        names = ("index", "what", "member", "recorded", "replayed")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Report:
    """What a replay found."""

    size: int = 0
    root: bytes = b""
    verdicts: Tally = field(default_factory=Tally)
    decisions: Tally = field(default_factory=Tally)
    earlier: int = 0
    """How many of the identical decisions name size and root of a log before this one, which was made again from Kafka."""
    first_difference: Difference | None = None

    @property
    def is_identical(self) -> bool:
        return self.verdicts.different == 0 and self.decisions.different == 0


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

    def feed(self, stored: OpenedEntry) -> None:
        """Replays the next entry. Raises Tampered only where the log cannot be read at all."""
        entry = decode_entry(stored.entry)
        if stored.index != self.report.size or entry.index != stored.index:
            raise Tampered(f"entry {self.report.size} is missing: the next one says {entry.index}")
        draft = self._next_draft(entry, stored)
        merkle.append(self._stack, stored.index, merkle.leaf_hash(stored.entry))
        self.report.size += 1
        if draft is None:
            return
        self._compare_verdict(draft, entry, stored)
        self._remaker.saw_entry(draft, lambda: merkle.root(self._stack))
        self._compare_decision(draft)

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
            if isinstance(draft.verdict, Pending):
                self._commitments[entry.index] = committed
        else:
            committed = self._commitments[draft.of]
        replayed, detail = members_of(draft, committed), detail_of(draft)
        if encode_members(replayed) == stored.entry and (detail == stored.detail or not self._details):
            tally.identical += 1
        else:
            self._differs(_entry_difference(entry, Entry(*replayed), stored.detail, detail))

    def _compare_decision(self, draft: Draft) -> None:
        """Compares an accepted event of the pipeline's own with what this replay would have said."""
        value = draft.record.value
        if not isinstance(draft.verdict, Accepted) or value is None or self._source.encode() not in value:
            return
        event = decode(value)
        if event.source != self._source:
            return
        tally = self.report.decisions
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
        member, recorded, replayed = _first_member(orjson.loads(value), orjson.loads(closest))
        self._differs(Difference(draft.index, f"{event.type} {event.id}", member, recorded, replayed, event.type))

    def _differs(self, difference: Difference) -> None:
        if self.report.first_difference is None:
            self.report.first_difference = difference

    def finish(self) -> Report:
        """The report. An entry that should follow and does not is a difference."""
        if (draft := next(self._drafts, None)) is not None:
            self.report.verdicts.checked += 1
            missing = f"a settlement of entry {draft.of}"
            self._differs(Difference(self.report.size, "verdict", "entry", "no entry", missing))
        self.report.root = merkle.root(self._stack)
        return self.report


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


def _entry_difference(recorded: Entry, replayed: Entry, detail: str | None, redetail: str | None) -> Difference:
    for name in ("verdict", "reason", "of", "type", "commitment", "index"):
        before, after = getattr(recorded, name), getattr(replayed, name)
        if before != after:
            reason = replayed.reason or ""
            return Difference(recorded.index, "verdict", name, str(before), str(after), recorded.type or "", reason)
    return Difference(recorded.index, "verdict", "detail", str(detail), str(redetail))


def _first_member(recorded: Any, replayed: Any, path: str = "") -> tuple[str, str, str]:
    """The first member, by sorted path, in which two JSON documents differ, with both values."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for name in sorted(recorded.keys() | replayed.keys()):
            if recorded.get(name) != replayed.get(name):
                return _first_member(recorded.get(name), replayed.get(name), f"{path}.{name}".lstrip("."))
    if isinstance(recorded, list) and isinstance(replayed, list) and len(recorded) == len(replayed):
        for place, (before, after) in enumerate(zip(recorded, replayed, strict=True)):
            if before != after:
                return _first_member(before, after, f"{path}[{place}]")
    return path, str(recorded)[:200], str(replayed)[:200]
