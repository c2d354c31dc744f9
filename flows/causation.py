"""What led to an entry, and what followed from it: settlements, which the log itself says, and what records cite of each
other by their events' ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

import orjson

from events.entry import Entry, Opening, decode_entry, decode_headers
from events.envelope import JWS_HEADER, Envelope, Malformed, decode
from events.jws import SignatureInvalid, parse, verify
from flows.browsing import short_type, texts
from flows.reading import Reading
from handlers.signers import announced
from handlers.state import State

AHEAD_AT_MOST = 20_000
"""Entries behind an entry among which those are looked for that cite it."""

LISTED_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Tie:
    """Another entry, and how it hangs together with this one: `cites`, `repeats`, `cited-by`, `settles`."""

    how: str
    index: int
    type: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Ties:
    """What led to an entry and what followed. Effects by citation are known `up_to` an index (excluded)."""

    causes: list[Tie]
    effects: list[Tie]
    up_to: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A producer's signature: `none`, `verified`, `unknown` (a key that neither office nor rulebook names) or `wrong`."""

    state: str
    kid: str = ""


def settled_because_of(reading: Reading, programme: str, index: int, size: int) -> list[Tie]:
    """The settlements that follow a first entry at once: its record was what they waited for."""
    following = reading.ledger.read(programme, index + 1, min(size, index + 1 + LISTED_AT_MOST), with_openings=False)
    entries = takewhile(lambda entry: entry.of is not None, (decode_entry(stored.entry) for stored in following))
    return [_tie("settles", entry) for entry in entries]


def settled_with(reading: Reading, programme: str, index: int) -> int:
    """The first entry whose record made a settlement possible: the last one before it that settles nothing itself."""
    while index > 0:
        index -= 1
        stored = next(iter(reading.ledger.read(programme, index, index + 1, with_openings=False)))
        if decode_entry(stored.entry).of is None:
            break
    return index


def ties_of(reading: Reading, state: State, event: Envelope, index: int, size: int) -> Ties:
    """By what records say: for those who may read records. `state` is what is known now."""
    places = _places(state)
    cited = {text for text in texts([event.data, event.causationid, event.extensions]) if text != event.id}
    causes = sorted({places[text] for text in cited if text in places and places[text] < size} - {index})
    named = [_told(reading, state.programme, "cites", place) for place in causes[:LISTED_AT_MOST]]
    if (first := places.get(event.id, index)) < index:
        named.insert(0, _told(reading, state.programme, "repeats", first))
    up_to = min(size, index + 1 + AHEAD_AT_MOST)
    return Ties(named, list(_citing(reading, state.programme, event.id, (index + 1, up_to))), up_to)


def _places(state: State) -> Mapping[str, int]:
    """By event id the entry of the record that has it."""
    return {event_id: index for seen in state.seen.values() for (_, event_id), (_, index) in seen.items()}


def _citing(reading: Reading, programme: str, event_id: str, within: tuple[int, int]) -> Iterator[Tie]:
    written, found = orjson.dumps(event_id)[1:-1], 0
    for index, data, value in reading.ledger.read_values(programme, *within):
        if value is not None and written in value and _cites(value, event_id):
            yield _tie("cited-by", decode_entry(data))
            found += 1
        if found == LISTED_AT_MOST:
            return


def _cites(value: bytes, event_id: str) -> bool:
    try:
        event = decode(value)
    except Malformed:
        return False
    return event.id != event_id and event_id in texts([event.data, event.causationid, event.extensions])


def _told(reading: Reading, programme: str, how: str, index: int) -> Tie:
    stored = next(iter(reading.ledger.read(programme, index, index + 1, with_openings=False)))
    return _tie(how, decode_entry(stored.entry))


def _tie(how: str, entry: Entry) -> Tie:
    return Tie(how, entry.index, short_type(entry.type), entry.verdict)


def signed(reading: Reading, state: State, opening: Opening) -> Signed:
    """Whether the signature that came with a record verifies. Which key may speak where was judged when it was recorded."""
    headers = decode_headers(opening.headers)
    header = next((value for name, value in headers if name.lower() == JWS_HEADER), None)
    if header is None:
        return Signed("none")
    try:
        kid = parse(header).kid
        keys = _known_keys(reading, state)
        if kid not in keys:
            return Signed("unknown", kid)
        return Signed("verified", verify(opening.value or b"", header, keys))
    except SignatureInvalid:
        return Signed("wrong")


def _known_keys(reading: Reading, state: State) -> Mapping[str, bytes]:
    keys = dict(reading.office_keys)
    for source in state.sources.values():
        keys |= announced(source)
    return keys | {one.kid: one.public for changes in state.key_changes.values() for one in changes}
