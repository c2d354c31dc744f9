"""What a log has refused: each record with its last word, and those that are alike together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from events.entry import Entry, Opening, decode_entry
from events.errors import NotFound, Refused
from events.values import format_instant
from flows.explained import event_of
from flows.reading import Reading
from handlers.state import Requeue
from infra.ledger import Stored

CHUNK = 1000
Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that was refused: its first entry, and the one that refused it (the same, or a settlement). `source`: who it
    says that it is from; None where that cannot be read.
    """

    begun: Entry
    refusing: Entry
    opening: Opening | None
    detail: str | None
    source: str | None

    @property
    def place(self) -> Place:
        return self.begun.topic, self.begun.partition, self.begun.offset


def refused_records(reading: Reading, programme: str, size: int, start: int = 0) -> Iterator[RefusedRecord]:
    """Of the entries from `start` to `size`, in the order in which they were refused."""
    while rows := reading.ledger.refused_after(programme, start, CHUNK):
        within = [stored for stored in rows if stored.index < size]
        yield from _records(reading, programme, within)
        if len(within) < len(rows):
            return
        start = rows[-1].index + 1


def _records(reading: Reading, programme: str, rows: Sequence[Stored]) -> Iterator[RefusedRecord]:
    """The first entries of those that were settled are read together."""
    entries = [(stored, decode_entry(stored.entry)) for stored in rows]
    settled = {entry.of for _, entry in entries if entry.of is not None}
    firsts = reading.ledger.overview().some(programme, settled) if settled else {}
    for stored, entry in entries:
        first = stored if entry.of is None else firsts[entry.of]
        begun = entry if entry.of is None else decode_entry(first.entry)
        yield RefusedRecord(begun, entry, first.opening, stored.detail, _source(first.opening))


def _source(opening: Opening | None) -> str | None:
    source = (event_of(opening) or {}).get("source")
    return source if isinstance(source, str) else None


def refused_record(reading: Reading, programme: str, index: int, size: int) -> RefusedRecord:
    """The refused record of either of its entries. Raises NotFound, and Refused for one that was not refused."""
    if not 0 <= index < size:
        raise NotFound(f"the log of {programme!r} has the entries 0 to {size - 1}, not {index}")
    stored = next(iter(reading.ledger.read(programme, index, index + 1)))
    entry = decode_entry(stored.entry)
    if entry.verdict == "pending":
        for later in reading.ledger.read(programme, index + 1, size):
            if (settling := decode_entry(later.entry)).of == index:
                stored, entry = later, settling
                break
    if entry.verdict != "refused":
        raise Refused(
            f"entry {index} of {programme} is {entry.verdict}, not refused", hint=f"phasegate log {programme}"
        )
    return next(_records(reading, programme, [stored]))


@dataclass(slots=True)
class Group:
    """Refused records of one reason and source. The example is the last that was not sent again, if there is one."""

    reason: str
    source: str | None
    indexes: list[int] = field(default_factory=list)
    received_ms: list[int] = field(default_factory=list)
    types: dict[str, None] = field(default_factory=dict)
    topics: dict[str, None] = field(default_factory=dict)
    sent_again: int = 0
    example: int = 0

    def data(self) -> dict[str, Any]:
        return {
            "reason": self.reason, "source": self.source, "count": len(self.indexes), "sent_again": self.sent_again,
            "first": format_instant(min(self.received_ms)), "last": format_instant(max(self.received_ms)),
            "types": list(self.types), "topics": list(self.topics), "example": self.example, "entries": self.indexes,
        }  # fmt: skip


def grouped(records: Iterable[RefusedRecord], requeued: Mapping[Place, Requeue]) -> list[Group]:
    """The largest groups first."""
    groups: dict[tuple[str, str | None], Group] = {}
    for row in records:
        reason = row.refusing.reason or ""
        group = groups.setdefault((reason, row.source), Group(reason, row.source))
        group.indexes.append(row.refusing.index)
        group.received_ms.append(row.begun.received_ms)
        group.topics[row.begun.topic] = None
        if row.begun.type is not None:
            group.types[row.begun.type] = None
        is_left = row.place not in requeued
        if is_left or len(group.indexes) - 1 == group.sent_again:
            group.example = row.refusing.index
        group.sent_again += not is_left
    return sorted(groups.values(), key=lambda group: (-len(group.indexes), group.reason, group.source or ""))
