"""The arithmetic of each step (RULES, "Scoring"), over cells: one exact value per item and evaluator of an entrant.

A key is (item, evaluator); an axis that has been reduced is None there, so that a finished leaf has one cell, WHOLE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from events.rulebook_criteria import Leaf
from events.rulebook_fields import Number
from events.rulebook_steps import Across, Linear, OverEvaluators, OverItems, Ratio, Times
from handlers.rounding import exact_sum

Key = tuple[str | None, str | None]
Cells = Mapping[Key, Fraction]
WHOLE: Key = (None, None)
ZERO, ONE = Fraction(0), Fraction(1)


def ratio(step: Ratio, value: Fraction, reference: Fraction) -> Fraction:
    """Value over reference, at most the cap. The reference must not be 0."""
    share = value / reference
    return share if step.cap is None or share <= step.cap else step.cap


def linear(step: Linear) -> Callable[[Fraction], Fraction]:
    """(value - lo) / (hi - lo), remembered per value: hundreds of marks share a handful of values."""
    low, high = step.between
    width = high - low
    known: dict[tuple[int, int], Fraction] = {}

    def share(value: Fraction) -> Fraction:
        pair = value.as_integer_ratio()
        if pair not in known:
            known[pair] = (value - low) / width
        return known[pair]

    return share


def mean(values: Sequence[Fraction]) -> Fraction:
    return exact_sum(values) / len(values)


def median(values: Sequence[Fraction]) -> Fraction:
    """The middle value; the mean of the two middle ones of an even number."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def trimmed_mean(values: Sequence[Fraction], drop: tuple[int, int]) -> Fraction | None:
    """The mean without the `drop[0]` lowest and the `drop[1]` highest; None when that leaves nobody."""
    low, high = drop
    kept = sorted(values)[low : len(values) - high]
    return mean(kept) if len(values) > low + high else None


def majority(values: Sequence[Fraction]) -> Fraction:
    """The value that more than half gave; 0 where there is none."""
    return next((value for value in set(values) if 2 * values.count(value) > len(values)), ZERO)


def over_evaluators(step: OverEvaluators, cells: Cells) -> dict[Key, Fraction]:
    """One value per item (or one in all, when the items are reduced already)."""
    groups: dict[Key, list[Fraction]] = {}
    for (item, _), value in cells.items():
        groups.setdefault((item, None), []).append(value)
    reduced = {key: reduce_evaluators(step, values) for key, values in groups.items()}
    if any(value is None for value in reduced.values()):
        return {}
    return {key: value for key, value in reduced.items() if value is not None}


def reduce_evaluators(step: OverEvaluators, values: Sequence[Fraction]) -> Fraction | None:
    """One value of several; None when a trimmed mean leaves nobody. There is at least one."""
    match step.by:
        case "mean":
            return mean(values)
        case "median":
            return median(values)
        case "sum":
            return exact_sum(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "trimmed-mean":
            return trimmed_mean(values, step.drop or (1, 1))
        case "majority":
            return majority(values)


def over_items(step: OverItems, cells: Cells) -> dict[Key, Fraction]:
    """One value per evaluator (or one in all, when the evaluators are reduced already)."""
    groups: dict[Key, dict[str, Fraction]] = {}
    for (item, evaluator), value in cells.items():
        assert item is not None  # `check` refuses a second reduction of the same axis.
        groups.setdefault((None, evaluator), {})[item] = value
    return {key: _over_items(step, by_item) for key, by_item in groups.items()}


def _over_items(step: OverItems, by_item: Mapping[str, Fraction]) -> Fraction:
    values = list(by_item.values())
    match step.by:
        case "mean":
            return mean(values)
        case "sum":
            return values[0] if len(values) == 1 else exact_sum(values)
        case "median":
            return median(values)
        case "weighted-sum":
            return _weighted(step.weights or {}, by_item)
        case "weighted-mean":
            weights = step.weights or {}
            return _weighted(weights, by_item) / exact_sum(weights[item] for item in by_item)
        case "best-of":
            return _taken(step, sorted(values, reverse=True)[: step.n or 1])
        case "drop-worst":
            return _taken(step, sorted(values)[step.n or 1 :])


def _weighted(weights: Mapping[str, Number], by_item: Mapping[str, Fraction]) -> Fraction:
    return exact_sum(weights[item] * value for item, value in by_item.items())


def _taken(step: OverItems, values: list[Fraction]) -> Fraction:
    if not values:
        return ZERO
    return mean(values) if step.take == "mean" else exact_sum(values)


def across(step: Across, table: Mapping[str, Cells]) -> dict[str, dict[Key, Fraction]]:
    """Every cell against the same cell of the other entrants."""
    columns: dict[Key, dict[str, Fraction]] = {}
    for entrant, cells in table.items():
        for key, value in cells.items():
            columns.setdefault(key, {})[entrant] = value
    compared: dict[str, dict[Key, Fraction]] = {entrant: {} for entrant in table}
    for key, column in columns.items():
        for entrant, value in _across(step, column).items():
            compared[entrant][key] = value
    return compared


def _across(step: Across, column: Mapping[str, Fraction]) -> dict[str, Fraction]:
    match step.by:
        case "top":
            best = max(column.values())
            return {entrant: value / best if best > 0 else ZERO for entrant, value in column.items()}
        case "rank-points":
            return _rank_points(step, column)


def _rank_points(step: Across, column: Mapping[str, Fraction]) -> dict[str, Fraction]:
    points = step.points or ()
    ahead: dict[Fraction, int] = {}
    for place, value in enumerate(sorted(column.values(), reverse=True)):
        ahead.setdefault(value, place)
    shared = {value: sum(1 for other in column.values() if other == value) for value in ahead}

    def due(value: Fraction) -> Fraction:
        filled = [points[i] if i < len(points) else ZERO for i in range(ahead[value], ahead[value] + shared[value])]
        match step.ties:
            case "high":
                return max(filled)
            case "low":
                return min(filled)
            case "mean":
                return mean(filled)

    return {entrant: due(value) for entrant, value in column.items()}


def times(step: Times, cells: Cells) -> dict[Key, Fraction]:
    """A factor for every cell, or that of the cell's item."""
    if isinstance(step.times, Fraction):
        factor = step.times
        return {key: value * factor for key, value in cells.items()}
    return {key: value * step.times[_item(key)] for key, value in cells.items()}


def _item(key: Key) -> str:
    assert key[0] is not None  # `check` refuses factors by item after the items are reduced.
    return key[0]


def scale(leaf: Leaf, cells: Cells) -> dict[Key, Fraction]:
    """A share of 0..1 to the criterion's points."""
    points = ONE if leaf.points is None else leaf.points
    return {key: value * points for key, value in cells.items()}


def subtract(floor: Fraction | None, value: Fraction, less: Fraction) -> Fraction:
    """What is left, never below the floor."""
    rest = value - less
    return rest if floor is None or rest >= floor else floor


def keeps_places(step: OverEvaluators | OverItems) -> bool:
    """Sums, extremes, majorities and choices of rounded values have no more places than these."""
    return step.by in ("sum", "min", "max", "majority") or (
        step.by in ("best-of", "drop-worst") and step.take != "mean"
    )
