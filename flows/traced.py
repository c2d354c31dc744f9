"""From a trace to the entries of its records, and to the decisions that rest on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from events.entry import Entry, Opening, decode_entry
from events.traceparent import Span
from flows.entries import Wanted, erased_of, row
from flows.reading import Reading
from flows.tracing import data_of, phase_of, span_in

DECIDED = ("phasegate.phase.decided.", "phasegate.call.decided.")


@dataclass(frozen=True, slots=True)
class Rested:
    """A decision's entry, its phase, and how many entries it was computed from."""

    index: int
    phase: str
    size: int


def of_trace(
    reading: Reading, programme: str, size: int, trace: str, wanted: Wanted | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """The last `limit` wanted entries of this trace's records (its id in hex), in order, in a log of `size` entries; of each
    its `traceparent`, and the entries of the `decisions` that rest on it: made from a log that had it as accepted, in the
    phase that it names, if it names one.
    """
    found: list[tuple[Entry, Opening, Span]] = []
    decided: list[Rested] = []
    for stored in reading.ledger.read(programme, 0, size):
        entry, span = decode_entry(stored.entry), span_in(stored.opening)
        if stored.opening is not None and span is not None and span.trace == trace:
            found.append((entry, stored.opening, span))
        decided += _decisions(entry, stored.opening)
    settled = {
        entry.index: settlement
        for entry, _, _ in found
        if entry.verdict == "pending"
        for settlement in reading.ledger.settlements(programme, entry.index, entry.index + 1, size).values()
    }
    found = [one for one in found if wanted is None or wanted(one[0], settled.get(one[0].index))]
    erased = erased_of(reading, programme, size)
    return [
        row(entry)
        | {"settled_by": settled.get(entry.index), "erased_by": erased.get(entry.index), "traceparent": span.text()}
        | {"decisions": _resting(reading, programme, entry, settled.get(entry.index), phase_of(opening), decided)}
        for entry, opening, span in found[-limit if limit else 0 :]
    ]


def indexes_of(reading: Reading, programme: str, within: tuple[int, int], trace: str) -> frozenset[int]:
    """Which of the entries within (the last one excluded) came with a record of this trace."""
    spans = ((stored.index, span_in(stored.opening)) for stored in reading.ledger.read(programme, *within))
    return frozenset(index for index, span in spans if span is not None and span.trace == trace)


def _decisions(entry: Entry, opening: Opening | None) -> Iterator[Rested]:
    if entry.verdict == "accepted" and opening is not None and (entry.type or "").startswith(DECIDED):
        data = data_of(opening)
        if (basis := data.get("basis")) is not None:
            yield Rested(entry.index, data.get("phase") or data["call"], basis["size"])


def _resting(
    reading: Reading, programme: str, entry: Entry, settled_by: int | None, phase: str | None, decided: Sequence[Rested]
) -> list[int]:
    counted = entry
    if settled_by is not None:
        settling = next(iter(reading.ledger.read(programme, settled_by, settled_by + 1, with_openings=False)))
        counted = decode_entry(settling.entry)
    if counted.verdict != "accepted":
        return []
    return [one.index for one in decided if one.size > counted.index and phase in (None, one.phase)]
