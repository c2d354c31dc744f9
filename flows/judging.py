"""Judging a batch: what it adds to each log, and where it has to be cut because something is erased."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from events.entry import commitment
from events.record import Record
from flows.appending import erasing_of, new_entry, opening_of
from flows.open_logs import OpenLog, OpenLogs
from handlers.judge import Deployment, log_of
from handlers.recording import Draft, record_one
from infra.ledger import Erasing, NewEntry


@dataclass(slots=True)
class Growth:
    """What one batch adds to one log, and what it erases there."""

    expected_size: int
    entries: list[NewEntry] = field(default_factory=list)
    erasing: list[Erasing] = field(default_factory=list)
    decided: bool = False
    refused: bool = False

    def grow(self, opened: OpenLog, draft: Draft, *, is_erased: bool) -> None:
        """Adds an entry. A settlement may be of a record that came before this batch."""
        record = draft.record
        if draft.of is None:
            new = new_entry(draft, opening_of(record), None, is_erased=is_erased)
            if new.verdict == "pending":
                assert new.opening is not None
                opened.commitments[draft.index] = commitment(new.opening)
        else:
            new = new_entry(draft, None, opened.commitments.pop(draft.of), is_erased=is_erased)
        self.entries.append(new)
        self.erasing += erasing_of(draft)
        self.decided |= record.topic == "decisions" and new.verdict == "accepted"
        self.refused |= new.verdict == "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the first `count` records of a batch add, by log. The last of them erases something, or the batch ends there."""

    growths: dict[str, Growth]
    count: int


def judge(
    records: Sequence[Record],
    logs: OpenLogs,
    deployment: Deployment,
    known_erased: Collection[tuple[str, int, int]],
    observe: Callable[[Record, str], None],
) -> Judged:
    """Judges up to and with the first record that erases something: what comes after it is to be judged from what the
    ledger still has. The opening of what is in `known_erased` (topic, partition, offset) is never kept.
    """
    growths: dict[str, Growth] = {}
    for number, record in enumerate(records, 1):
        key = log_of(record)
        opened = logs.get(key)
        growth = growths.get(key)
        if growth is None:
            growth = growths[key] = Growth(opened.state.size)
        for draft in record_one(opened.state, record, deployment):
            of = draft.record
            growth.grow(opened, draft, is_erased=(of.topic, of.partition, of.offset) in known_erased)
            observe(draft.record, growth.entries[-1].verdict)
        if growth.erasing:
            return Judged(growths, number)
    return Judged(growths, len(records))
