"""Completeness of a bundle: every offset up to the log's last records is its own or attributed, and what the log itself
says of the attribution when an intake closed is what positions.json says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from events.bundle import CONTROL, POSITIONS, Place, canonical
from events.entry import Entry
from events.errors import Tampered


class Positions:
    """Walks the offsets of each partition as the log's first entries go by."""

    def __init__(self, programme: str, places: Sequence[Place], find: Callable[[str, int, int], int | None]) -> None:
        """`find`: the index of the entry of a topic, partition and offset, wherever the log has it."""
        self._find = find
        self._programme = programme
        self.places = places
        self._places = {(place.topic, place.partition): place for place in places}
        self._following = dict.fromkeys(self._places, 0)
        self._range = dict.fromkeys(self._places, 0)
        self._received_ms: dict[tuple[str, int], int] = {}
        self.own = 0
        self.backwards = 0
        self.covered: dict[tuple[str, int], int] = {}
        for place in places:
            if any(owner == programme for _, _, owner in place.others):
                raise Tampered(f"{POSITIONS} attributes offsets of {place.topic}/{place.partition} to the log itself",
                               file=POSITIONS, fault="positions-own")  # fmt: skip

    def saw(self, entry: Entry) -> None:
        """The next first entry: between the one before and it, every offset must be attributed."""
        at = (entry.topic, entry.partition)
        place = self._places.get(at)
        if place is None:
            raise Tampered(f"{POSITIONS} does not name {entry.topic}/{entry.partition}, which entry {entry.index} is of",
                           file=POSITIONS, index=entry.index, fault="partition-unnamed")  # fmt: skip
        following = self._following[at]
        while following < entry.offset and self._range[at] < len(place.others):
            start, end, _ = place.others[self._range[at]]
            if start != following or end > entry.offset:
                break
            following = end
            self._range[at] += 1
        if following != entry.offset or self._is_claimed(at, place, entry.offset):
            fault, why = self._why_not_next(entry, place, following)
            raise Tampered(
                f"entry {entry.index} is of {entry.topic}/{entry.partition}/{entry.offset}, but {why}",
                file=POSITIONS, index=entry.index, expected=following, found=entry.offset, fault=fault,
            )  # fmt: skip
        self._following[at] = entry.offset + 1
        self.own += 1
        self.backwards += entry.received_by == "broker" and entry.received_ms < self._received_ms.get(at, 0)
        self._received_ms[at] = entry.received_ms

    def _is_claimed(self, at: tuple[str, int], place: Place, offset: int) -> bool:
        """The next range of others begins no later."""
        return self._range[at] < len(place.others) and place.others[self._range[at]][0] <= offset

    def _why_not_next(self, entry: Entry, place: Place, following: int) -> tuple[str, str]:
        """Code and words for an entry of another offset than the one that follows."""
        if entry.offset < following:
            return "record-repeated", f"that partition was read up to offset {following}: a record is there twice"
        for start, end, owner in place.others:
            if start <= entry.offset < end:
                return "record-attributed", f"{POSITIONS} says that this offset is of {owner}"
        if (later := self._find(entry.topic, entry.partition, following)) is not None:
            return "records-reordered", f"offset {following} before it comes later, as entry {later}"
        told = f"offset {following} before it is in no entry and is nobody's in {POSITIONS}: a record is missing"
        return "record-missing", told

    def finish(self) -> None:
        """Raises Tampered unless positions.json ends where the log ends."""
        for at, place in self._places.items():
            if self._following[at] != place.next or self._range[at] != len(place.others):
                raise Tampered(
                    f"{POSITIONS} says that {place.topic}/{place.partition} goes on at {place.next}, the entries say "
                    f"{self._following[at]}",
                    file=POSITIONS, expected=self._following[at], found=place.next, fault="positions-end",
                )  # fmt: skip

    def closed(self, index: int, data: Mapping[str, Any]) -> None:
        """An accepted `intake.closed`: its digest must be that of the attribution up to its markers."""
        stops = _stops(index, data)
        rows = [
            [topic, partition, self._clipped(topic, partition, stop)]
            for (topic, partition), stop in sorted(stops.items())
        ]
        found = sha256(canonical(rows)).hexdigest()
        if found != (expected := data.get("attribution")):
            raise Tampered(
                f"entry {index} closes the intake with attribution {expected}, {POSITIONS} gives {found}",
                file=POSITIONS, index=index, expected=expected, found=found, fault="attribution-differs",
            )  # fmt: skip
        for at, stop in stops.items():
            self.covered[at] = max(stop, self.covered.get(at, 0))

    def _clipped(self, topic: str, partition: int, stop: int) -> list[list[Any]]:
        place = self._places.get((topic, partition))
        others = place.others if place else ()
        return [[start, min(end, stop), owner] for start, end, owner in others if start < stop]

    def elsewhere(self) -> int:
        """How many offsets are attributed to other logs."""
        return sum(
            end - start for place in self._places.values() for start, end, owner in place.others if owner != CONTROL
        )

    def unsealed(self) -> int:
        """How many offsets are attributed to others beyond every marker: no entry of the log vouches for those."""
        return sum(
            max(0, end - max(start, self.covered.get(at, 0)))
            for at, place in self._places.items()
            for start, end, _ in place.others
        )


def _stops(index: int, data: Mapping[str, Any]) -> dict[tuple[str, int], int]:
    """The marker's offset in each partition that a closing names."""
    try:
        markers = [(*name.partition("/")[::2], offset) for name, offset in data["markers"].items()]
        return {(topic, int(partition)): int(offset) for topic, partition, offset in markers}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Tampered(f"entry {index} closes an intake without markers: {error!r}", index=index) from error
