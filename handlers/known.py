"""What an explanation is made from: what is known now, what was known at the cut, and what the log did not count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from events.values import format_instant
from handlers.state import State


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record that did not count by itself, as its entry has it: refused, or a duplicate. `data` is None where the record
    is not the JSON of an event; `index` is that of its first entry, `settled` that of the entry that refused it later.
    """

    index: int
    received_ms: int
    verdict: str
    reason: str | None
    detail: str | None
    type: str | None
    data: Mapping[str, Any] | None
    settled: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """`at_cut` is None before there is a decision. `places` are index and receipt (Unix milliseconds) of accepted marks and
    corrections by event id; `not_counted` what was refused or repeated, in the order of the log.
    """

    now: State
    at_cut: State | None
    places: Mapping[str, tuple[int, int]]
    not_counted: Sequence[Recorded] = ()

    def entries(self, ids: Sequence[str]) -> tuple[tuple[int, ...], str]:
        """The indexes of marks and corrections, ascending, and the receipt of the last."""
        found = sorted(self.places[event_id] for event_id in ids if event_id in self.places)
        return tuple(index for index, _ in found), format_instant(found[-1][1]) if found else ""
