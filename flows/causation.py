"""What led to an entry, and what followed from it: settlements, which the log itself says, and what records cite of each
other by their events' ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, takewhile

import orjson

from events.entry import Entry, Opening, decode_entry, decode_headers
from events.envelope import JWS_HEADER, Envelope, Malformed, decode
from events.jws import SignatureInvalid, parse, verify
from flows.browsing import short_type, texts
from flows.reading import Reading
from handlers.signers import announced
from handlers.state import State

AROUND_AT_MOST = 20_000
"""Entries before an entry, and behind it, among which those are looked for that it cites, and that cite it."""

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
    """What led to an entry, of which `more` are not listed, and what followed, as far as it stands among the entries
    start..stop (stop excluded).
    """

    causes: list[Tie]
    more: int
    effects: list[Tie]
    start: int
    stop: int


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


def ties_of(reading: Reading, programme: str, event: Envelope, own: tuple[int, int], size: int) -> Ties:
    """By what records say: for those who may read records. `own` are an entry and the first one of its record."""
    index, first = own
    start, stop = max(0, index - AROUND_AT_MOST), min(size, index + 1 + AROUND_AT_MOST)
    cited = (tie for tie in _cited(reading, programme, event, (start, index)) if tie.index != first)
    causes = sorted(cited, key=lambda tie: (tie.how != "repeats", tie.index))
    effects = list(islice(_citing(reading, programme, event.id, (index + 1, stop)), LISTED_AT_MOST))
    return Ties(causes[:LISTED_AT_MOST], max(0, len(causes) - LISTED_AT_MOST), effects, start, stop)


def _cited(reading: Reading, programme: str, event: Envelope, within: tuple[int, int]) -> Iterator[Tie]:
    """A refused record reserves no id, and so nobody can cite it."""
    cited = set(texts([event.data, event.causationid, event.extensions])) - {event.id}
    for _, data, value in reading.ledger.read_values(programme, *within):
        event_id, source = _identity(value)
        if event_id in cited or (event_id, source) == (event.id, event.source):
            entry = decode_entry(data)
            if entry.verdict in ("accepted", "pending"):
                yield _tie("repeats" if event_id == event.id else "cites", entry)


def _identity(value: bytes | None) -> tuple[str, str]:
    """Id and source of a record's event; empty where it says none."""
    try:
        event = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return "", ""
    found = (event.get("id"), event.get("source")) if isinstance(event, dict) else ()
    return (str(found[0]), str(found[1])) if all(isinstance(one, str) for one in found) and found else ("", "")


def _citing(reading: Reading, programme: str, event_id: str, within: tuple[int, int]) -> Iterator[Tie]:
    written = orjson.dumps(event_id)[1:-1]
    for _, data, value in reading.ledger.read_values(programme, *within):
        if value is not None and written in value and _cites(value, event_id):
            yield _tie("cited-by", decode_entry(data))


def _cites(value: bytes, event_id: str) -> bool:
    try:
        event = decode(value)
    except Malformed:
        return False
    return event.id != event_id and event_id in texts([event.data, event.causationid, event.extensions])


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
