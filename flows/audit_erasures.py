"""Records of a bundle whose content is not there: erased, as the log says, or withheld by whoever exported it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from events.announced import Acceptance, read_event
from events.bundle import OPENINGS
from events.entry import Entry, Opening
from events.errors import Tampered
from flows.audit_report import located
from handlers.scopes import short_of

_ERASURE = "phasegate.record.erased.v1"
NAMED_AT_MOST = 20
"""How many entries a sentence names."""

At = tuple[str, int, int]


@dataclass(slots=True)
class Erasures:
    """What accepted erasures name, by topic, partition and offset, and the first entries without their record."""

    erased: dict[At, int] = field(default_factory=dict)
    hidden: dict[At, Entry] = field(default_factory=dict)
    _acceptance: Acceptance = field(default_factory=Acceptance)

    def saw(self, entry: Entry, opening: Opening | None) -> None:
        """An entry, in the order of the log, with the record of a first entry."""
        if entry.of is None and opening is None:
            self.hidden[entry.topic, entry.partition, entry.offset] = entry
        if entry.type == _ERASURE and (found := self._acceptance.counted(entry, opening)) is not None:
            with located(OPENINGS, entry.index):
                rows = read_event(entry.index, found).data["records"]
            self.erased |= {(row["topic"], row["partition"], row["offset"]): entry.index for row in rows}

    def gone(self) -> list[Entry]:
        """Records that are not there because they were erased."""
        return [entry for at, entry in self.hidden.items() if at in self.erased]

    def withheld(self) -> list[Entry]:
        """Records that are not there, and no erasure says why."""
        return [entry for at, entry in self.hidden.items() if at not in self.erased]

    def shown(self) -> int:
        """How many erased records the bundle holds nevertheless."""
        return len(self.erased.keys() - self.hidden.keys())

    def require_all(self) -> None:
        """For a bundle that says of itself that it is whole. Raises Tampered for the first record that is withheld."""
        if missing := self.withheld():
            first = missing[0]
            raise Tampered(
                f"{OPENINGS} does not open entry {first.index}, no erasure in the log names it, and the bundle does not say "
                f"that it is a view ({len(missing)} such entries)",
                file=OPENINGS, index=first.index, expected="a record, or a record.erased that names it", found="neither",
                type=first.type, fault="opening-missing",
            )  # fmt: skip


def counted(entries: Iterable[Entry]) -> str:
    """`40 score.recorded, 2 of no type`."""
    kinds = Counter(short_of(entry.type) if entry.type else "of no type" for entry in entries)
    return ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))


def listed(indexes: Iterable[int]) -> str:
    """The first of many entries by index, and how many more there are."""
    known = list(indexes)
    more = len(known) - NAMED_AT_MOST
    return ", ".join(map(str, known[:NAMED_AT_MOST])) + (f" and {more} more" if more > 0 else "")
