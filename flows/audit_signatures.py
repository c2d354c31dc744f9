"""Producers' signatures in a bundle, counted as they verify. Those that a rule asks for are judged by the replay; what is
verified here besides is what a sender signed of his own accord.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from events.announced import read_event
from events.derived import attestor_source, pipeline_source
from events.entry import Entry, Opening, decode_headers
from events.envelope import JWS_HEADER
from events.errors import Refused, Tampered
from events.jws import SignatureInvalid, verify
from events.names import TYPES
from events.note import parse_vkey
from events.rulebook import Source
from handlers.signers import in_force, key_change
from handlers.state import KeyChange

_CHANGES = ("phasegate.key.rotated.v1", "phasegate.key.revoked.v1")


class Signatures:
    """How many verified, and how many are by keys that neither office nor rulebook names."""

    def __init__(self, office: Mapping[str, bytes]) -> None:
        self._office = dict(office)
        self._changes: dict[tuple[str, str], list[KeyChange]] = {}
        self.verified = self.unknown = 0

    def saw(self, entry: Entry, opening: Opening, sources: Mapping[str, Source]) -> None:
        """A record that was accepted or is pending, and whom the rulebook names by now."""
        if entry.type in _CHANGES:
            self._note_change(entry, opening)
        header = _header(opening)
        if header is None:
            return
        changed = {one.kid: one.public for changes in self._changes.values() for one in changes}
        if _verifies(opening, header, self._office | _keys(sources.values()) | changed):
            self.verified += 1
        else:
            self.unknown += 1

    def _note_change(self, entry: Entry, opening: Opening) -> None:
        event = read_event(entry.index, opening)
        try:
            change = key_change(event, entry.offset)
            self._changes.setdefault((entry.topic, event.data["source"]), []).append(change)
        except (KeyError, TypeError, ValueError, AttributeError, Refused) as error:
            raise Tampered(f"entry {entry.index} changes a key, but says none: {error!r}", index=entry.index) from error

    def require(self, programme: str, entry: Entry, opening: Opening, sources: Mapping[str, Source]) -> None:
        """For what is not replayed because other records are withheld: who must sign has signed. Raises Tampered."""
        event = read_event(entry.index, opening)
        source = sources.get(event.source)
        row = TYPES.get(event.type)
        is_attestor = source is None and event.source == attestor_source(programme)
        if event.source == pipeline_source(programme) or is_attestor or (row is not None and row.office):
            own: Mapping[str, bytes] = {}
        elif source is not None and (source.signs or (row is not None and row.signed)):
            own = _keys([source])
        else:
            return
        changes = self._changes.get((entry.topic, event.source if own else pipeline_source(programme)), [])
        keys = in_force(changes, entry.offset, entry.received_ms, own or self._office)
        header = _header(opening)
        if header is None or not _verifies(opening, header, keys):
            raise Tampered(f"entry {entry.index}: {event.type} of {event.source} is accepted, but not signed as it must be",
                           index=entry.index, expected=sorted(keys), found="no such signature",
                           fault="not-signed-as-asked")  # fmt: skip


def _header(opening: Opening) -> bytes | None:
    return next((value for name, value in decode_headers(opening.headers) if name.lower() == JWS_HEADER), None)


def _verifies(opening: Opening, header: bytes, keys: Mapping[str, bytes]) -> bool:
    try:
        verify(opening.value or b"", header, keys)
    except SignatureInvalid:
        return False
    return True


def _keys(sources: Iterable[Source]) -> dict[str, bytes]:
    return {_kid(text): parse_vkey(text).public for source in sources for text in source.keys}


def _kid(vkey: str) -> str:
    """`name+<8 hex key id>` of a vkey: its base64 may hold plus signs, its name may not."""
    name, key_id, _ = vkey.split("+", 2)
    return f"{name}+{key_id}"
