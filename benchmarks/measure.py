"""Timing side by side: candidates take turns in one process, so that a slow minute of the machine meets all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Timed = Callable[[], tuple[int, float]]
"""Does the work once. Returns how many events that were, and the seconds that count."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result. `seconds` is the median of the rounds; `ratio` compares events per second with `peer`."""

    name: str
    events: int
    seconds: float
    peer: str | None = None
    ratio: float | None = None
    aim: str | None = None
    met: bool | None = None

    @property
    def per_second(self) -> float:
        return self.events / self.seconds

    @property
    def microseconds(self) -> float:
        """The cost of one event."""
        return self.seconds / self.events * 1e6

    def data(self) -> dict[str, Any]:
        return asdict(self) | {"per_second": round(self.per_second), "microseconds": round(self.microseconds, 2)}


def timed(work: Callable[[], int]) -> Timed:
    """Work that waits for nothing but the processor: the seconds are those that this process had it, so that a busy
    machine does not count. What it leaves behind is collected before, not during, the next measurement.
    """

    def run() -> tuple[int, float]:
        gc.collect()
        began = time.process_time()
        events = work()
        return events, time.process_time() - began

    return run


def in_turns(candidates: Mapping[str, Timed], rounds: int) -> dict[str, Row]:
    """Each candidate once per round, in turns; the median of its rounds."""
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            found[name].append(run())
    return {
        name: Row(name, runs[0][0], statistics.median(seconds / events for events, seconds in runs) * runs[0][0])
        for name, runs in found.items()
    }


def against(row: Row, peer: Row, at_least: float | None = None) -> Row:
    """The row with its speed as a multiple of the peer's, and whether that is what we aim at."""
    ratio = row.per_second / peer.per_second
    aim = None if at_least is None else f"at least {at_least:g}"
    met = None if at_least is None else ratio >= at_least
    return Row(row.name, row.events, row.seconds, peer.name, ratio, aim, met)


def within(row: Row, floor: Row, at_most: float | None) -> Row:
    """The row with its cost per event as a multiple of that of a floor, and whether that is what we aim at."""
    ratio = row.microseconds / floor.microseconds
    aim = None if at_most is None else f"at most {at_most:g}"
    met = None if at_most is None else ratio <= at_most
    return Row(row.name, row.events, row.seconds, floor.name, ratio, aim, met)


def flat(row: Row, first: Row, at_most: float) -> Row:
    """The row with its cost per event as a multiple of that of a smaller number of events."""
    ratio = row.microseconds / first.microseconds
    return Row(
        row.name, row.events, row.seconds, f"cost of {first.events:,}", ratio, f"at most {at_most:g}", ratio <= at_most
    )
