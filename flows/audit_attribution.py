"""Several logs of one bus, audited each by itself: whether what each says of the others' offsets is what those have.

A log's positions.json names an owner for every offset up to its last record; its own are proved by its entries. So wherever
two logs reach, they must name the same owner, and where that owner's log is there, it must have the offset itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from events.bundle import CONTROL, POSITIONS, Place
from events.errors import Tampered

Claim = tuple[int, int, str]
"""From an offset to another, excluded: whose they are."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one log says, after its audit. `covered`: up to which offset of each (topic, partition) an accepted
    `intake.closed` of it vouches for that.
    """

    bundle: str
    programme: str
    places: Sequence[Place]
    covered: Mapping[tuple[str, int], int]

    def claims(self, topic: str, partition: int) -> list[Claim]:
        """Without a gap from 0 to the offset after its last record; nothing of a partition that it has no record in."""
        place = next((one for one in self.places if (one.topic, one.partition) == (topic, partition)), None)
        claims: list[Claim] = []
        end = 0
        for start, stop, owner in (*place.others, (place.next, place.next, CONTROL)) if place else ():
            claims += [(end, start, self.programme)] if end < start else []
            claims += [(start, stop, owner)] if start < stop else []
            end = stop
        return claims


@dataclass(slots=True)
class Closed:
    """How many offsets were attributed to other logs and found there, and what remains."""

    found: int = 0
    control: int = 0
    not_given: Counter[str] = field(default_factory=Counter)
    beyond: Counter[str] = field(default_factory=Counter)
    """Attributed to a log that is there, but whose bundle ends before: it was exported earlier, or does not have them."""
    unsealed: int = 0
    """Of `control` and `not_given`: after every closed intake, so that no entry vouches for whose they are."""

    def data(self) -> dict[str, Any]:
        return {
            "found": self.found, "control": self.control, "not_given": dict(sorted(self.not_given.items())),
            "beyond": dict(sorted(self.beyond.items())), "unsealed": self.unsealed,
        }  # fmt: skip


def close_attribution(logs: Sequence[Attribution]) -> Closed:
    """Compares what the logs say of each other. Raises Tampered at the first offset on which they do not agree."""
    closed = Closed()
    names = {log.programme for log in logs}
    for at in sorted({(place.topic, place.partition) for log in logs for place in log.places}):
        for start, end, said in _segments(at, logs):
            owner = _agreed(at, start, said)
            count = end - start
            is_sealed = any(log.covered.get(at, 0) >= end for log, _ in said)
            if owner in names:
                if any(log.programme == owner for log, _ in said):
                    closed.found += count if len(said) > 1 else 0
                else:
                    closed.beyond[owner] += count
                continue
            if owner == CONTROL:
                closed.control += count
            else:
                closed.not_given[owner] += count
            closed.unsealed += 0 if is_sealed else count
    return closed


Said = list[tuple[Attribution, str]]
"""Each log that reaches an offset, and whose it says that it is."""


def _segments(at: tuple[str, int], logs: Sequence[Attribution]) -> Iterator[tuple[int, int, Said]]:
    """The longest ranges within which no log changes what it says."""
    claims = [(log, log.claims(*at)) for log in logs]
    bounds = {offset for _, rows in claims for start, end, _ in rows for offset in (start, end)}
    bounds |= {log.covered.get(at, 0) for log in logs}
    place = [0] * len(claims)
    for start, end in pairwise(sorted(bounds)):
        said: Said = []
        for number, (log, rows) in enumerate(claims):
            while place[number] < len(rows) and rows[place[number]][1] <= start:
                place[number] += 1
            if place[number] < len(rows):
                said.append((log, rows[place[number]][2]))
        if said:
            yield start, end, said


def _agreed(at: tuple[str, int], offset: int, said: Said) -> str:
    """Whose an offset is. Raises Tampered for the log that says otherwise than one that has the offset in an entry; else for
    one that attributes it to a log that has no such entry; else for one of two that both do not have it.
    """
    owners = {owner for _, owner in said}
    if len(owners) == 1:
        return owners.pop()
    own = {log.programme: owner for log, owner in said}
    if having := [log for log, owner in said if owner == log.programme]:
        expected = having[0].programme
        wrong, found = next((log, owner) for log, owner in said if owner != expected)
        told = f"it is in an entry of {expected}"
    elif accused := [(log, owner) for log, owner in said if owner in own]:
        wrong, found = accused[0]
        expected = own[found]
        told = f"that log has it in no entry and says that it is {expected}'s"
    else:
        wrong, found = said[-1]
        expected = said[0][1]
        told = f"{said[0][0].bundle} says that it is {expected}'s"
    raise Tampered(
        f"{wrong.bundle}/{POSITIONS}: {at[0]}/{at[1]}/{offset} is said to be {found}'s, but {told}",
        file=f"{wrong.bundle}/{POSITIONS}", fault="attribution-contradicted",
        topic=at[0], partition=at[1], offset=offset, expected=expected, found=found,
    )  # fmt: skip
