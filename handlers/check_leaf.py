"""Faults of one leaf: its items, and whether its steps can be carried out in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from events.rulebook_criteria import LeafRule
from events.rulebook_steps import Across, Linear, OverEvaluators, OverItems, Ratio, Step, Subtract, Times
from events.values import format_number
from handlers.fault import Fault, Path


@dataclass(slots=True)
class _Axes:
    """What is left to reduce while the steps are walked through."""

    items: bool = True
    evaluators: bool = True

    @property
    def are_reduced(self) -> bool:
        return not self.items and not self.evaluators


def leaf_faults(path: Path, leaf: LeafRule, quorum: Mapping[str, int]) -> Iterator[Fault]:
    """Every fault that the leaf and its panel's quorum show; other leaves are not looked at."""
    for item, (low, high) in leaf.items.items():
        if low > high:
            texts = f"[{format_number(low)}, {format_number(high)}]"
            yield Fault(
                (*path, "items", item), "range-reversed", f"the range {texts} is empty; write the lower end first"
            )
    axes = _Axes()
    for number, step in enumerate(leaf.steps):
        where = (*path, "steps", number)
        yield from _order(where, number, step, axes)
        yield from _step(where, leaf, step, quorum)
        axes.items &= not isinstance(step, OverItems)
        axes.evaluators &= not isinstance(step, OverEvaluators)
    left = [axis for axis, is_left in (("items", axes.items), ("evaluators", axes.evaluators)) if is_left]
    for axis in left:
        message = f"{leaf.id} never reduces its {axis}; add a step such as {{over: {axis}, by: mean}}"
        yield Fault((*path, "steps"), "axis-not-reduced", message)
    if not left:
        yield from _points(path, leaf)


def _order(where: Path, number: int, step: Step, axes: _Axes) -> Iterator[Fault]:
    match step:
        case Ratio() | Linear() if number > 0:
            yield Fault(where, "step-order", "`mark` works on single marks; make it the first step")
        case OverItems() if not axes.items:
            yield Fault(where, "step-order", "the items are reduced already; remove one of the two steps over items")
        case OverEvaluators() if not axes.evaluators:
            yield Fault(
                where, "step-order", "the evaluators are reduced already; remove one of the two steps over them"
            )
        case Times(times=factors) if not axes.items and not isinstance(factors, Fraction):
            yield Fault(where, "step-order", "factors by item come before the items are reduced; move the step up")
        case Subtract() if not axes.are_reduced:
            yield Fault(where, "step-order", "a deduction comes after both axes are reduced; move the step down")
        case _:
            return


def _step(where: Path, leaf: LeafRule, step: Step, quorum: Mapping[str, int]) -> Iterator[Fault]:
    match step:
        case "points" if leaf.points is None:
            yield Fault(where, "points-missing", f"{leaf.id} has no points to scale to; add points: to the criterion")
        case Linear(between=(low, high)) if low == high:
            yield Fault((*where, "from"), "range-reversed", f"from {format_number(low)} to the same; write two values")
        case OverEvaluators():
            yield from _over_evaluators(where, leaf, step, quorum)
        case OverItems():
            yield from _over_items(where, leaf, step)
        case Across(by="rank-points", points=None):
            yield Fault(where, "points-missing", "rank-points needs points, such as points: [12, 10, 8]")
        case Across(by="top", points=points) if points is not None:
            yield Fault(
                (*where, "points"), "not-used", "`top` gives shares, not points; remove them or say by: rank-points"
            )
        case Times(times=factors) if not isinstance(factors, Fraction):
            yield from _same_items((*where, "times"), leaf, factors, "factor")
        case _:
            return


def _over_evaluators(where: Path, leaf: LeafRule, step: OverEvaluators, quorum: Mapping[str, int]) -> Iterator[Fault]:
    if step.by != "trimmed-mean":
        if step.drop is not None:
            yield Fault((*where, "drop"), "not-used", f"{step.by} drops nothing; remove drop or say by: trimmed-mean")
        return
    if step.drop is None:
        yield Fault(where, "drop-missing", "trimmed-mean needs drop: [low, high], such as drop: [1, 1]")
        return
    need, dropped = quorum.get(leaf.panel), sum(step.drop)
    if need is not None and need <= dropped:
        message = (
            f"{dropped} of at least {need} {leaf.panel} are dropped and nobody is left; raise the quorum or drop fewer"
        )
        yield Fault((*where, "drop"), "drop-too-large", message)


def _over_items(where: Path, leaf: LeafRule, step: OverItems) -> Iterator[Fault]:
    is_weighted, is_choice = step.by in ("weighted-sum", "weighted-mean"), step.by in ("best-of", "drop-worst")
    if is_weighted and step.weights is None:
        yield Fault(where, "weights-missing", f"{step.by} needs weights, one for each of {', '.join(leaf.items)}")
    if is_choice and step.n is None:
        yield Fault(where, "n-missing", f"{step.by} needs n: how many items")
    for name, is_used in (("weights", is_weighted), ("n", is_choice), ("take", is_choice)):
        if getattr(step, name) is not None and not is_used:
            yield Fault((*where, name), "not-used", f"{step.by} does not use {name}; remove it")
    if is_weighted and step.weights is not None:
        yield from _same_items((*where, "weights"), leaf, step.weights, "weight")
        if step.by == "weighted-mean" and any(weight <= 0 for weight in step.weights.values()):
            yield Fault(
                (*where, "weights"), "weight-not-positive", "a weighted mean divides by its weights; use ones above 0"
            )
    most = len(leaf.items) - (step.by == "drop-worst")
    if is_choice and step.n is not None and step.n > most:
        yield Fault(
            (*where, "n"), "n-too-large", f"n is {step.n}, {leaf.id} has {len(leaf.items)} items; use {most} at most"
        )


def _same_items(where: Path, leaf: LeafRule, given: Mapping[str, Fraction], what: str) -> Iterator[Fault]:
    """One value for each item of the leaf, and for nothing else."""
    for item in given:
        if item not in leaf.items:
            message = f"{leaf.id} has no item {item!r}; its items are {', '.join(leaf.items)}"
            yield Fault((*where, item), "unknown-item", message)
    absent = [item for item in leaf.items if item not in given]
    if absent:
        yield Fault(where, f"{what}-missing", f"there is no {what} for {', '.join(absent)}; give one for every item")


def _points(path: Path, leaf: LeafRule) -> Iterator[Fault]:
    """More than the criterion's points must be out of reach, as far as the steps let one see it."""
    most = _most(leaf)
    if leaf.points is not None and most is not None and most > leaf.points:
        message = (
            f"{leaf.id} has {format_number(leaf.points)} points, but its steps can give {format_number(most)}; "
            "scale the marks first (mark: linear), or correct the points"
        )
        yield Fault((*path, "points"), "points-exceeded", message)


def _most(leaf: LeafRule) -> Fraction | None:
    """The highest value that the steps can give; None where it depends on how many there are, or cannot be said."""
    tops: dict[str, Fraction] = {item: high for item, (_, high) in leaf.items.items()}
    for step in leaf.steps:
        match step:
            case Linear(between=(low, high)):
                if low >= high:
                    return None
                tops = {item: (top - low) / (high - low) for item, top in tops.items()}
            case Ratio(cap=cap) if cap is not None:
                tops = dict.fromkeys(tops, cap)
            case OverEvaluators(by="sum") | Ratio() | Subtract():  # An open number of marks, or an open range.
                return None
            case OverItems():
                top = _most_over_items(step, tops)
                if top is None:
                    return None
                tops = {"": top}
            case Across(by="top"):
                tops = dict.fromkeys(tops, Fraction(1))
            case Across():
                tops = dict.fromkeys(tops, max(step.points or (Fraction(0),)))
            case Times(times=factors):
                tops = {
                    i: top * (factors if isinstance(factors, Fraction) else factors.get(i, 1))
                    for i, top in tops.items()
                }
            case "points":
                tops = {item: top * (leaf.points or 0) for item, top in tops.items()}
            case _:
                continue
    return max(tops.values())


def _most_over_items(step: OverItems, tops: Mapping[str, Fraction]) -> Fraction | None:
    match step.by:
        case "sum":
            return sum(tops.values(), Fraction(0))
        case "mean":
            return sum(tops.values(), Fraction(0)) / len(tops)
        case _:
            return None
