"""What somebody makes of a golden log who holds some of its keys: entries, openings and files changed, and made consistent
again as far as the key goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from events.bundle import CHECKPOINT, POSITIONS, Place, decode_positions, encode_positions
from events.entry import Entry, Opening, commitment, decode_entry, decode_headers, encode_entry, encode_headers
from events.envelope import JWS_HEADER, Envelope, decode, encode
from flows.audit_report import Trust
from infra.keys import SigningKey
from tests.golden.recordings import Golden
from tests.support.bundles import Bundle, entries_of, openings_of, resigned, summed


@dataclass(frozen=True, slots=True)
class Attempt:
    """A forged bundle, and what the auditor who gets it brings beside the keys."""

    files: Bundle
    trust: Callable[[Trust], Trust] = lambda trust: trust


@dataclass
class Forger:
    """A log taken apart. `sealed` puts it together again under the log's own key."""

    golden: Golden
    entries: list[Entry] = field(init=False)
    openings: dict[int, Opening] = field(init=False)
    places: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.entries = [decode_entry(entry) for entry in entries_of(self.golden.files)]
        self.openings = openings_of(self.golden.files)
        self.places = decode_positions(self.golden.files[POSITIONS])

    def first(self, name: str, verdict: str = "accepted", *, reason: str | None = None, nth: int = 0) -> int:
        """The index of a first entry of this type."""
        wanted = (f"phasegate.{name}.v1", verdict, reason, None)
        return [one.index for one in self.entries if (one.type, one.verdict, one.reason, one.of) == wanted][nth]

    def settlement(self, verdict: str = "accepted") -> int:
        return next(one.index for one in self.entries if one.of is not None and one.verdict == verdict)

    def event(self, index: int) -> Envelope:
        return decode(self.openings[index].value)

    def entry(self, index: int, **changes: Any) -> None:
        self.entries[index] = replace(self.entries[index], **changes)

    def say(self, index: int, event: Envelope, key: SigningKey | None = None) -> None:
        """Another event in a record's place, signed with this key or with none, under a commitment that fits."""
        value = encode(event)
        headers = [row for row in decode_headers(self.openings[index].headers) if row[0] != JWS_HEADER]
        headers += [] if key is None else [(JWS_HEADER, key.jws(value))]
        self.reopen(index, value=value, headers=encode_headers(tuple(headers)))

    def reopen(self, index: int, **changes: Any) -> None:
        opening = self.openings[index] = replace(self.openings[index], **changes)
        old, new = self.entries[index].commitment, commitment(opening)
        self.entries = [replace(one, commitment=new) if one.commitment == old else one for one in self.entries]

    def arrange(self, order: list[int]) -> None:
        """Entries in another order, or fewer, or twice, numbered anew."""
        place = {old: new for new, old in reversed(list(enumerate(order)))}
        entries = [self.entries[old] for old in order]
        self.entries = [
            replace(one, index=new, of=None if one.of is None else place[one.of]) for new, one in enumerate(entries)
        ]
        self.openings = {new: self.openings[old] for new, old in enumerate(order) if old in self.openings}

    def without(self, index: int) -> list[int]:
        return [one.index for one in self.entries if one.index != index]

    def attribute(self, topic: str, start: int, end: int, owner: str) -> None:
        """Says in positions.json that these offsets are somebody's."""
        self.places = [
            replace(place, others=tuple(sorted((*place.others, (start, end, owner)))))
            if place.topic == topic
            else place
            for place in self.places
        ]

    def sealed(self) -> Bundle:
        """Tiles, checkpoint, positions and sums of what it is now."""
        made = resigned(self.golden.files, [encode_entry(one) for one in self.entries], self.openings)
        return summed({**made, POSITIONS: encode_positions(self.places)})

    def unsigned(self) -> Bundle:
        """The same without the log's key: the checkpoint is the old one."""
        return summed({**self.sealed(), CHECKPOINT: self.golden.files[CHECKPOINT]})


def with_data(event: Envelope, **changes: Any) -> Envelope:
    """The event with members of its data replaced."""
    data = orjson.loads(orjson.dumps(event.data))
    return replace(event, data=data | changes)
