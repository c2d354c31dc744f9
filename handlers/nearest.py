"""What is not there, and what is: the nearest names first."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from events.errors import NotFound

NAMED_AT_MOST, NEAR_AT_MOST = 8, 3


def not_found(what: str, name: str, known: Iterable[str], where: str) -> NotFound:
    """An error that names what is most like the name, or else some of what there is."""
    rows = sorted(set(known))
    near = difflib.get_close_matches(name, rows, NEAR_AT_MOST, 0.5)
    if near:
        return NotFound(f"{where} has no {what} {name!r}; like it: {', '.join(near)}", hint=f"did you mean {near[0]}?")
    rest = len(rows) - NAMED_AT_MOST
    told = (", ".join(rows[:NAMED_AT_MOST]) or "none") + (f" and {rest} more" if rest > 0 else "")
    return NotFound(f"{where} has no {what} {name!r}; it has: {told}", hint="write one of them")
