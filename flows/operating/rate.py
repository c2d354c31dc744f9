"""How many records came in, by the log's own receipt times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flows.columns import MINUTE_MS

SPANS: Mapping[str, tuple[int, int]] = {"hours": (1, 120), "day": (10, 144), "week": (60, 168)}
"""By name: how many minutes are counted together, and how many such stretches there are. `all` is the whole log."""

ALL = "all"
ALL_STRETCHES = 120
_WIDTHS = (1, 5, 10, 30, 60, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 14 * 1440, 28 * 1440, 91 * 1440, 364 * 1440)


@dataclass(frozen=True, slots=True)
class Rate:
    """Records for each stretch of `width` minutes, from `begins_ms` (Unix milliseconds) on."""

    width: int
    begins_ms: int
    records: tuple[int, ...]

    @property
    def ends_ms(self) -> int:
        """When the last stretch begins."""
        return self.begins_ms + max(0, len(self.records) - 1) * self.width * MINUTE_MS

    def rows(self) -> list[tuple[int, int]]:
        """The stretches in which something came in: their beginning (Unix milliseconds) and how much."""
        step = self.width * MINUTE_MS
        return [(self.begins_ms + place * step, count) for place, count in enumerate(self.records) if count]


def rate_of(minutes: Mapping[int, int], span: str, until_ms: int) -> Rate:
    """The stretches up to the one with `until_ms` in it; of `all`, from the first record to the last."""
    if span == ALL:
        first, last = min(minutes, default=0), max(minutes, default=0)
        width = next((one for one in _WIDTHS if (last - first) // one < ALL_STRETCHES), _WIDTHS[-1])
        begin, count = first // width, last // width - first // width + 1
    else:
        width, count = SPANS[span]
        begin = until_ms // MINUTE_MS // width - count + 1
    records = [0] * count
    for minute, found in minutes.items():
        if 0 <= (place := minute // width - begin) < count:
            records[place] += found
    return Rate(width, begin * width * MINUTE_MS, tuple(records))
