"""Two ledgers of one bus, record by record: what each says of the record at every place, in whatever order it came to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from operator import eq
from typing import Any

from events.entry import Opening, decode_entry
from events.record import Position
from events.values import format_instant
from handlers.replay_report import Tally
from infra.ledger import Ledger, Standing, StoredRecord

_SHOWN, _BEFORE = 200, 60
"""Characters of a value that a difference shows, and how many of them are the same in both."""


@dataclass(frozen=True, slots=True)
class RecordDiffers:
    """One record of which the ledgers say different things. `expected` is what Kafka's records give."""

    programme: str
    at: Position
    member: str
    expected: str
    found: str

    def data(self) -> dict[str, Any]:
        return {
            "programme": self.programme, "topic": self.at.topic, "partition": self.at.partition,
            "offset": self.at.offset, "member": self.member, "expected": self.expected, "found": self.found,
        }  # fmt: skip


@dataclass(slots=True)
class Comparison:
    """What came of it. `without_content`: records that the new ledger keeps no opening of, so there is nothing to compare."""

    records: Tally = field(default_factory=Tally)
    first: RecordDiffers | None = None
    without_content: int = 0

    def saw(self, difference: RecordDiffers | None) -> None:
        self.records.checked += 1
        if difference is None:
            self.records.identical += 1
        elif self.first is None:
            self.first = difference


def compare(rebuilt: Ledger, old: Ledger, standing: Standing, programme: str | None = None) -> Comparison:
    """Every record below the old ledger's positions, as both have it; of one programme's log or of all. The rebuilt ledger has
    recorded exactly those.
    """
    found = Comparison()
    sizes = rebuilt.standing().sizes
    for (topic, partition), stop in sorted(standing.positions.items()):
        pairs = _side_by_side(
            rebuilt.read_place(topic, partition, stop, sizes), old.read_place(topic, partition, stop, standing.sizes)
        )
        for ours, theirs in pairs:
            if programme in (None, *(one.programme for one in (ours, theirs) if one is not None)):
                found.saw(_difference(topic, partition, ours, theirs))
                found.without_content += ours is not None and ours.opening is None
    return found


def _side_by_side(
    ours: Iterator[StoredRecord], theirs: Iterator[StoredRecord]
) -> Iterator[tuple[StoredRecord | None, StoredRecord | None]]:
    """The two by offset; None where one ledger has no entry."""
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.offset < other.offset):
            yield one, None
            one = next(ours, None)
        elif one is None or other.offset < one.offset:
            yield None, other
            other = next(theirs, None)
        else:
            yield one, other
            one, other = next(ours, None), next(theirs, None)


def _difference(
    topic: str, partition: int, ours: StoredRecord | None, theirs: StoredRecord | None
) -> RecordDiffers | None:
    known = ours or theirs
    assert known is not None  # One of them has the offset.
    at = Position(topic, partition, known.offset)
    if ours is None or theirs is None:
        said = f"entry {known.index} of {known.programme}"
        both = (said, "no entry") if theirs is None else ("no record on Kafka", said)
        return RecordDiffers(known.programme, at, "entry", *both)
    expected, found = _said(ours), _said(theirs)
    if ours.opening is not None:
        expected, found = expected | _content(ours.opening), found | _content(theirs.opening)
    for member, value in expected.items():
        if value != found[member]:
            return RecordDiffers(ours.programme, at, member, *_shown(value, found[member]))
    return None


def _said(stored: StoredRecord) -> dict[str, str | bytes | None]:
    """All that an entry says of a record, but for its place in the log and its salt; the verdict is the settled one."""
    entry = decode_entry(stored.entry)
    last = entry if stored.settlement is None else decode_entry(stored.settlement)
    return {
        "log": stored.programme,
        "place": f"{entry.topic}/{entry.partition}/{entry.offset}",
        "received": format_instant(entry.received_ms),
        "received_by": entry.received_by,
        "type": last.type,
        "verdict": last.verdict,
        "reason": last.reason,
    }


def _content(opening: Opening | None) -> dict[str, str | bytes | None]:
    """A ledger without an opening that nothing explains has lost it, or somebody took it out."""
    if opening is None:
        return {"content": "none", "key": None, "headers": None, "value": None}
    return {"content": "there", "key": opening.key, "headers": opening.headers, "value": opening.value}


def _shown(expected: str | bytes | None, found: str | bytes | None) -> tuple[str, str]:
    """Both as texts, from shortly before where they part."""
    one, other = (
        value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value or "none")
        for value in (expected, found)
    )
    start = max(0, sum(takewhile(bool, map(eq, one, other))) - _BEFORE)
    return one[start : start + _SHOWN], other[start : start + _SHOWN]
