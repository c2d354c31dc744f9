"""How far the evaluators of a leaf agree: Krippendorff's alpha with the interval metric, exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from handlers.rounding import exact_sum
from handlers.stability.again import Again


@dataclass(frozen=True, slots=True)
class Agreement:
    """`item` is None for a leaf as a whole. `alpha` is 1 for full agreement, 0 for what chance would give, negative for
    less; None where fewer than two evaluators marked, or all marks are the same.
    """

    criterion: str
    item: str | None
    evaluators: int
    units: int
    alpha: Fraction | None


def alpha(units: Iterable[Sequence[Fraction]]) -> Fraction | None:
    """Krippendorff's alpha, interval metric: 1 - Do / De (K. Krippendorff, Content Analysis, 4th ed. 2019, chapter 12;
    "Computing Krippendorff's Alpha-Reliability", 2011, section D).

    Each unit is what its evaluators gave it; units with fewer than two values are left out. With n values in all, m of a
    unit: Do = 1/n * sum over units of (sum over ordered pairs of the unit of (v - w)^2) / (m - 1); De = 1/(n (n - 1)) *
    sum over all ordered pairs of (v - w)^2. None where De is 0, or there are no pairs.
    """
    pairable = [unit for unit in units if len(unit) > 1]
    every = [value for unit in pairable for value in unit]
    if not every or (expected := _squares(every) / (len(every) - 1)) == 0:
        return None
    return 1 - exact_sum(_squares(unit) / (len(unit) - 1) for unit in pairable) / expected


def _squares(values: Sequence[Fraction]) -> Fraction:
    """The sum of (v - w)^2 over ordered pairs: 2 (m * sum of squares - square of the sum)."""
    return 2 * (len(values) * exact_sum(value * value for value in values) - exact_sum(values) ** 2)


def agreement(again: Again) -> Iterator[Agreement]:
    """Every leaf, and its items where it has several. Units are entrants times items, marks are shares of their item's
    range: items of another range are compared by what they mean.
    """
    for path, leaf in again.inputs.rules.leaves.items():
        units: dict[str, list[list[Fraction]]] = {}
        for item, (low, high) in leaf.items.items():
            width = high - low or Fraction(1)
            units[item] = [
                [(mark.value - low) / width for (what, _), mark in grid.items() if what == item and mark is not None]
                for grid in again.table.work[path].grids.values()
            ]
        judges = len(again.inputs.seats.get(path, ()))
        every = [unit for rows in units.values() for unit in rows]
        yield Agreement(path, None, judges, len(every), alpha(every))
        for item, rows in units.items() if len(units) > 1 else ():
            yield Agreement(path, item, judges, len(rows), alpha(rows))
