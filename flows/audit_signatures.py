"""Producers' signatures in a bundle, counted as they verify. Those that a rule asks for are judged by the replay; what is
verified here besides is what a sender signed of his own accord.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from events.announced import read_event
from events.derived import pipeline_source
from events.entry import Opening, decode_headers
from events.envelope import JWS_HEADER
from events.errors import Tampered
from events.jws import SignatureInvalid, verify
from events.names import TYPES
from events.note import parse_vkey
from events.rulebook import Source


class Signatures:
    """How many verified, and how many are by keys that neither office nor rulebook names."""

    def __init__(self, office: Mapping[str, bytes]) -> None:
        self._office = dict(office)
        self.verified = self.unknown = 0

    def saw(self, opening: Opening, sources: Mapping[str, Source]) -> None:
        """A record that was accepted or is pending, and whom the rulebook names by now."""
        header = _header(opening)
        if header is None:
            return
        if _verifies(opening, header, self._office | _keys(sources.values())):
            self.verified += 1
        else:
            self.unknown += 1

    def require(self, programme: str, index: int, opening: Opening, sources: Mapping[str, Source]) -> None:
        """For what is not replayed because other records are withheld: who must sign has signed. Raises Tampered."""
        event = read_event(index, opening)
        source = sources.get(event.source)
        row = TYPES.get(event.type)
        if event.source == pipeline_source(programme) or (row is not None and row.office):
            keys: Mapping[str, bytes] = self._office
        elif source is not None and source.signs:
            keys = _keys([source]) or self._office
        else:
            return
        header = _header(opening)
        if header is None or not _verifies(opening, header, keys):
            raise Tampered(f"entry {index}: {event.type} of {event.source} is accepted, but not signed as it must be",
                           index=index, expected=sorted(keys), found="no such signature")  # fmt: skip


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
