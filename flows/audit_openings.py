"""The openings of a bundle: each gives the commitment of the entry that it is under."""

from __future__ import annotations

from collections.abc import Callable

from events.bundle import OPENINGS
from events.entry import Entry, Opening, commitment, decode_headers
from events.errors import Tampered
from flows.audit_report import place


def check_opening(entry: Entry, opening: Opening | None, find: Callable[[Callable[[Entry], bool]], int | None]) -> bool:
    """Whether there is one; it then gives the entry's commitment, or Tampered is raised. `find`: the index of the entry
    that is meant.
    """
    if opening is None:
        return False
    try:
        decode_headers(opening.headers)
    except Tampered as error:
        raise place(error, OPENINGS, entry.index) from None
    if (found := commitment(opening)) == entry.commitment:
        return True
    other = find(lambda one: one.commitment == found)
    told = "" if other is None else f", which is that of entry {other}"
    raise Tampered(
        f"entry {entry.index} commits to {entry.commitment}, its line in {OPENINGS} gives {found}{told}",
        file=OPENINGS, index=entry.index, expected=entry.commitment, found=found,
        fault="opening-differs" if other is None else "opening-of-another",
    )  # fmt: skip
