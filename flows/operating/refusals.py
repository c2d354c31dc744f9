"""What logs have refused, by reason and source, kept as it grows: each refused record is read once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flows.kept import Kept
from flows.reading import Reading
from flows.refused import Place, RefusedRecord, grouped, refused_records
from handlers.state import Requeue

RECORDS_MAX = 20_000
"""Refused records of one log that are looked at, the latest; and of all logs ten times as many are remembered."""


@dataclass(slots=True)
class _OfOne:
    """The refused records of the first `size` entries, without what they held."""

    size: int = 0
    records: deque[RefusedRecord] = field(default_factory=lambda: deque(maxlen=RECORDS_MAX))
    count: int = 0
    groups: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Of one log: how many records were refused, and the groups of the latest `looked_at` of them, the largest first."""

    count: int
    looked_at: int
    groups: list[dict[str, Any]]


class KeptRefusals:
    """Of the logs of a ledger. Who asks for one has its turn."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._kept: Kept[_OfOne] = Kept(lambda one: len(one.records), weight_max=10 * RECORDS_MAX)

    def of(self, programme: str, size: int, requeued: Mapping[Place, Requeue]) -> Refusals:
        """Of the first `size` entries, which are all that are known, or more than were known before."""
        one = self._kept.get(programme)
        if one is None:
            self._kept.put(programme, one := _OfOne())
        if one.size < size:
            for row in refused_records(self._reading, programme, size, one.size):
                one.records.append(replace(row, opening=None, detail=None))
                one.count += 1
            one.size, one.groups = size, _data(one.records, requeued)
            self._kept.trim()
        return Refusals(one.count, len(one.records), one.groups)


def _data(records: deque[RefusedRecord], requeued: Mapping[Place, Requeue]) -> list[dict[str, Any]]:
    return [group.data() | {"entries": []} for group in grouped(records, requeued)]
