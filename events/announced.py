"""What a log holds, gathered while its entries go by: which records count, and the rulebooks that were announced."""

from __future__ import annotations

from events.bundle import rulebook_file
from events.entry import Entry, Opening
from events.envelope import Envelope, Malformed, decode
from events.errors import Refused, Tampered
from events.rulebook import Source, parse_rulebook

_TYPES = ("phasegate.programme.announced.v1", "phasegate.rulebook.amended.v1")


class Acceptance:
    """Which records come to count: one that pended does when the entry that settles it is accepted. Told the entries of the
    types in question, in order.
    """

    def __init__(self) -> None:
        self._pending: dict[int, Opening] = {}

    def counted(self, entry: Entry, opening: Opening | None) -> Opening | None:
        """The opening of the record that counts from this entry on, where it is known."""
        if entry.verdict == "pending" and opening is not None:
            self._pending[entry.index] = opening
        found = opening if entry.of is None else self._pending.pop(entry.of, None)
        return found if entry.verdict == "accepted" else None


class Announced:
    """Path and bytes of the file of each rulebook in force at some time, and the sources that the latest names. `saw` is
    told each entry in order.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.sources: dict[str, Source] = {}
        self._acceptance = Acceptance()

    def saw(self, entry: Entry, opening: Opening | None) -> None:
        if entry.type in _TYPES and (found := self._acceptance.counted(entry, opening)) is not None:
            self._keep(entry.index, found)

    def _keep(self, index: int, opening: Opening) -> None:
        try:
            document = read_event(index, opening).data["rulebook"]
            path, data = rulebook_file(document)
            self.sources = {source.source: source for source in parse_rulebook(document).sources}
        except (ValueError, KeyError, TypeError, AttributeError, Refused) as error:
            raise Tampered(f"entry {index} announces a rulebook, but holds none: {error!r}", index=index) from error
        self.files[path] = data


def read_event(index: int, opening: Opening) -> Envelope:
    """The event of an entry that says it was accepted, read as strictly as when it was judged: whoever made the entry
    may have made this up. Raises Tampered.
    """
    try:
        return decode(opening.value)
    except Malformed as error:
        raise Tampered(f"entry {index} was accepted as an event, but its record is none: {error.message}") from error
