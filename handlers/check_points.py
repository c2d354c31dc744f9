"""How much a leaf can give, as far as its steps let one see it before any mark is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from events.rulebook_steps import Across, Linear, OverEvaluators, OverItems, Ratio, Step, Subtract, Times
from events.values import format_number
from handlers import steps
from handlers.fault import Fault, Path


def points_faults(path: Path, leaf: str, points: Fraction | None, reach: Fraction | None) -> Iterator[Fault]:
    """More than the criterion's points must be out of reach."""
    if points is not None and reach is not None and reach > points:
        message = (
            f"{leaf} has {format_number(points)} points, but its steps can give {format_number(reach)}; "
            "scale the marks first (mark: linear), or correct the points"
        )
        yield Fault((*path, "points"), "points-exceeded", message)


def most(
    items: Mapping[str, tuple[Fraction, Fraction]], points: Fraction | None, work: Sequence[Step]
) -> Fraction | None:
    """The highest value that the steps can give; None where it depends on how many mark, or cannot be said."""
    tops = {item: high for item, (_, high) in items.items()}
    for step in work:
        after = _after(step, tops, points)
        if after is None:
            return None
        tops = after
    return max(tops.values())


def _after(step: Step, tops: dict[str, Fraction], points: Fraction | None) -> dict[str, Fraction] | None:
    match step:
        case Linear(between=(low, high)):
            return {item: (top - low) / (high - low) for item, top in tops.items()} if low < high else None
        case Ratio(cap=cap):
            return None if cap is None else dict.fromkeys(tops, cap)
        case OverEvaluators(by="sum") | Subtract():  # An open number of marks, or an open range.
            return None
        case OverItems():
            return _over_items(step, tops)
        case Across(by="top"):
            return dict.fromkeys(tops, Fraction(1))
        case Across():
            return dict.fromkeys(tops, max(step.points or (Fraction(0),)))
        case Times(times=factors):
            known = factors if isinstance(factors, dict) else dict.fromkeys(tops, factors)
            if any(factor < 0 for factor in known.values()):
                return None
            return {item: top * known.get(item, 1) for item, top in tops.items()}
        case "points":
            return {item: top * (points or 0) for item, top in tops.items()}
        case _:
            return tops


def _over_items(step: OverItems, tops: dict[str, Fraction]) -> dict[str, Fraction] | None:
    """Every reduction rises with each item, as long as no weight is below 0; so the highest items give the highest value."""
    needs_n, weights = step.by in ("best-of", "drop-worst"), step.weights or {}
    if (needs_n and step.n is None) or any(weight < 0 for weight in weights.values()):
        return None
    if step.by in ("weighted-sum", "weighted-mean") and (tops.keys() != weights.keys() or not any(weights.values())):
        return None
    reduced = steps.over_items(step, {(item, None): top for item, top in tops.items()})
    return {"": reduced[steps.WHOLE]}
