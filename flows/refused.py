"""What a log has refused: each record with its last word, and those that are alike together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """A record that was refused: its first entry, and the one that refused it (the same, or a settlement)."""

    begun: Entry
    refusing: Entry
    opening: Opening | None
    detail: str | None

    @property
    def place(self) -> Place:
        return self.begun.topic, self.begun.partition, self.begun.offset

    @property
    def source(self) -> str | None:
        """Who it says that it is from; None where that cannot be read."""
        source = (event_of(self.opening) or {}).get("source")
        return source if isinstance(source, str) else None


def refused_records(reading: Reading, programme: str, size: int) -> Iterator[RefusedRecord]:
    """Of the first `size` entries, in the order in which they were refused."""
    start = 0
    while rows := reading.ledger.refused_after(programme, start, CHUNK):
        for stored in rows:
            if stored.index >= size:
                return
            yield _record(reading, programme, stored)
        start = rows[-1].index + 1


def _record(reading: Reading, programme: str, stored: Stored) -> RefusedRecord:
    entry = decode_entry(stored.entry)
    if entry.of is None:
        return RefusedRecord(entry, entry, stored.opening, stored.detail)
    first = next(iter(reading.ledger.read(programme, entry.of, entry.of + 1)))
    return RefusedRecord(decode_entry(first.entry), entry, first.opening, stored.detail)


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
    return _record(reading, programme, stored)


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
