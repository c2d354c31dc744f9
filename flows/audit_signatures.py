"""Producers' signatures in a bundle, counted as they verify. Those that a rule asks for are judged by the replay; what is
verified here besides is what a sender signed of his own accord.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from events.entry import Opening, decode_headers
from events.envelope import JWS_HEADER
from events.jws import SignatureInvalid, verify
from events.note import parse_vkey
from events.rulebook import Source


class Signatures:
    """How many verified, and how many are by keys that neither office nor rulebook names."""

    def __init__(self, office: Mapping[str, bytes]) -> None:
        self._office = dict(office)
        self._known: dict[str, bytes] = {}
        self.verified = self.unknown = 0

    def saw(self, opening: Opening, sources: Iterable[Source]) -> None:
        """A record that was accepted or is pending, and whom the rulebook names by now."""
        header = next((value for name, value in decode_headers(opening.headers) if name.lower() == JWS_HEADER), None)
        if header is None:
            return
        for text in (text for source in sources for text in source.keys if text not in self._known):
            self._known[text] = parse_vkey(text).public
        keys = self._office | {_kid(text): public for text, public in self._known.items()}
        try:
            verify(opening.value or b"", header, keys)
        except SignatureInvalid:
            self.unknown += 1
        else:
            self.verified += 1


def _kid(vkey: str) -> str:
    """`name+<8 hex key id>` of a vkey: its base64 may hold plus signs, its name may not."""
    name, key_id, _ = vkey.split("+", 2)
    return f"{name}+{key_id}"
