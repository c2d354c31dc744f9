"""What is looked at while it runs, minute by minute, and whether that stayed flat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

MB = 1_000_000
FLAT_SHARE = 0.05
"""A series is flat when it grows in an hour by less than this share of its median, or by less than `FLAT_LEAST`."""
FLAT_LEAST = {"handles": 4.0, "memory": 8.0}


@dataclass(slots=True)
class Minute:
    """`memory` in MB and `handles`, by process; lags in seconds, one for each look."""

    number: int
    events_per_s: float
    lags: list[float]
    memory: Mapping[str, float]
    handles: Mapping[str, int]
    disk: Mapping[str, float]
    cpu: Mapping[str, float]
    concluded: int
    load_average: float

    def line(self) -> str:
        parts = [
            f"{self.number:3} min {self.events_per_s:6.1f}/s lag {median(self.lags):.2f} max {max(self.lags):.2f} s"
        ]
        parts += [
            f"{name} {mb:.0f} MB {self.handles[name]} fd {self.cpu[name]:.2f} cpu" for name, mb in self.memory.items()
        ]
        parts += [f"{name} {mb:.0f} MB" for name, mb in self.disk.items()]
        return " | ".join([*parts, f"{self.concluded} concluded", f"load {self.load_average:.1f}"])


@dataclass(slots=True)
class Slope:
    """The median of all slopes between two minutes (Theil and Sen), per hour: one outlier does not turn it."""

    what: str
    name: str
    per_hour: float
    middle: float

    @property
    def is_flat(self) -> bool:
        return self.per_hour <= max(FLAT_LEAST[self.what], FLAT_SHARE * self.middle)

    def line(self) -> str:
        unit = "MB" if self.what == "memory" else "handles"
        verdict = "flat" if self.is_flat else "NOT FLAT"
        return (
            f"{verdict}: {self.what} of {self.name}: {self.per_hour:+.1f} {unit} per hour at {self.middle:.0f} {unit}"
        )


def slopes(minutes: Sequence[Minute]) -> list[Slope]:
    """Of the second half: until then caches fill."""
    half = minutes[len(minutes) // 2 :]
    found = []
    for name in half[0].memory:
        found.append(_slope("memory", name, half, [one.memory[name] for one in half]))
        found.append(_slope("handles", name, half, [float(one.handles[name]) for one in half]))
    return found


def _slope(what: str, name: str, minutes: Sequence[Minute], values: Sequence[float]) -> Slope:
    points = list(zip((one.number for one in minutes), values, strict=True))
    rises = [(right - left) / (after - before) * 60 for (before, left), (after, right) in combinations(points, 2)]
    return Slope(what, name, median(rises) if rises else 0.0, median(values))


@dataclass(slots=True)
class Lags:
    """All looks of a run."""

    seconds: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]
