"""The records of a log whose content was erased, for those who fold it."""

from __future__ import annotations

from handlers.holes import Hidden
from infra.ledger import Erased, Ledger


class Erasures:
    """Asks the ledger when a record is not there, and again when what it knew does not explain that."""

    def __init__(self, ledger: Ledger, programme: str) -> None:
        self._ledger, self._programme = ledger, programme
        self._known: dict[int, Erased] = {}

    def look(self, index: int) -> Hidden | None:
        """What is known of a first entry without its record; None when nothing explains it."""
        if index not in self._known:
            self._known = {erased.index: erased for erased in self._ledger.erased(self._programme)}
        erased = self._known.get(index)
        return None if erased is None else Hidden(erased.identity)
