"""Faults of one leaf: its items, and whether its steps can be carried out in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pydantic import TypeAdapter

from events.rulebook_fields import Number
from events.rulebook_steps import Across, Linear, OverEvaluators, OverItems, Ratio, Step, Subtract, Times
from events.values import format_number
from handlers.check_points import most, points_faults
from handlers.fault import Fault, Path
from handlers.written import counts, fits, id_of, listed, mapped, number

_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_RANGE: TypeAdapter[tuple[Fraction, Fraction]] = TypeAdapter(tuple[Number, Number])


@dataclass(frozen=True, slots=True)
class LeafDraft:
    """A leaf as far as it can be read: each step with its number. `unread` names the members that cannot be, in whole or
    in part; what depends on them is not asked.
    """

    id: str
    panel: str
    points: Fraction | None
    items: Mapping[str, tuple[Fraction, Fraction]]
    steps: tuple[tuple[int, Step], ...]
    counts: bool
    unread: frozenset[str]
    titled: tuple[str, ...] = ()


def leaf_draft(written: Mapping[str, Any]) -> LeafDraft:
    """What can be read of a leaf; a fault in one of its members hides none in another."""
    points = number(written.get("points"))
    ranges = {item: fits(_RANGE, both) for item, both in mapped(written.get("items")).items()}
    steps = [fits(_STEP, step) for step in listed(written.get("steps"))]
    unread = {"points"} if points is None and "points" in written else set()
    unread |= {"items"} if not ranges or None in ranges.values() else set()
    unread |= {"steps"} if not isinstance(written.get("steps"), list) or None in steps else set()
    return LeafDraft(
        id_of(written),
        str(written.get("panel", "")),
        points,
        {item: both for item, both in ranges.items() if both is not None},
        tuple((index, step) for index, step in enumerate(steps) if step is not None),
        counts(written),
        frozenset(unread),
        tuple(mapped(written.get("item_titles"))),
    )


@dataclass(slots=True)
class _Axes:
    """What is left to reduce while the steps are walked through."""

    items: bool = True
    evaluators: bool = True

    @property
    def are_reduced(self) -> bool:
        return not self.items and not self.evaluators


def leaf_faults(path: Path, leaf: LeafDraft, quorum: Mapping[str, int]) -> Iterator[Fault]:
    """Every fault that the leaf and its panel's quorum show; other leaves are not looked at."""
    for item, (low, high) in leaf.items.items():
        if low > high:
            texts = f"[{format_number(low)}, {format_number(high)}]"
            yield Fault(
                (*path, "items", item), "range-reversed", f"the range {texts} is empty; write the lower end first"
            )
    for item in leaf.titled if "items" not in leaf.unread else ():
        if item not in leaf.items:
            yield _unknown_item((*path, "item_titles", item), leaf, item)
    axes = _Axes()
    for index, step in leaf.steps:
        where = (*path, "steps", index)
        yield from _order(where, index, step, axes)
        yield from _step(where, leaf, step, quorum)
        axes.items &= not isinstance(step, OverItems)
        axes.evaluators &= not isinstance(step, OverEvaluators)
    left = [axis for axis, is_left in (("items", axes.items), ("evaluators", axes.evaluators)) if is_left]
    for axis in left if "steps" not in leaf.unread else ():
        message = f"{leaf.id} never reduces its {axis}; add a step such as {{over: {axis}, by: mean}}"
        yield Fault((*path, "steps"), "axis-not-reduced", message)
    if not left and not leaf.unread:
        yield from points_faults(
            path, leaf.id, leaf.points, most(leaf.items, leaf.points, [step for _, step in leaf.steps])
        )


def _order(where: Path, index: int, step: Step, axes: _Axes) -> Iterator[Fault]:
    match step:
        case Ratio() | Linear() if index > 0:
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


def _step(where: Path, leaf: LeafDraft, step: Step, quorum: Mapping[str, int]) -> Iterator[Fault]:
    match step:
        case "points" if leaf.points is None and "points" not in leaf.unread:
            yield Fault(where, "points-missing", f"{leaf.id} has no points to scale to; add points: to the criterion")
        case Linear(between=(low, high)) if low == high:
            yield Fault((*where, "from"), "range-reversed", f"from {format_number(low)} to the same; write two values")
        case OverEvaluators():
            yield from _over_evaluators(where, leaf, step, quorum)
        case OverItems():
            yield from _over_items(where, leaf, step)
        case Ratio():
            yield from _ratio(where, leaf, step)
        case Across():
            yield from _across(where, step)
        case Times(times=factors) if not isinstance(factors, Fraction):
            yield from _same_items((*where, "times"), leaf, factors, "factor")
        case _:
            return


def _ratio(where: Path, leaf: LeafDraft, step: Ratio) -> Iterator[Fault]:
    if step.cap is not None and step.cap <= 0:
        message = f"with the cap {format_number(step.cap)} nobody earns anything; use one above 0"
        yield Fault((*where, "cap"), "cap-not-positive", message)
    for item, (_, high) in leaf.items.items():
        if high <= 0:
            message = (
                f"a ratio divides by a reference above 0, and {item} ends at {format_number(high)}; widen its range"
            )
            yield Fault((*where[:-2], "items", item), "no-reference", message)


def _across(where: Path, step: Across) -> Iterator[Fault]:
    if step.by == "top":
        for member in sorted(step.model_fields_set & {"points", "ties"}):
            message = f"`top` gives shares and does not use {member}; remove it or say by: rank-points"
            yield Fault((*where, member), "not-used", message)
    elif not step.points:
        yield Fault(where, "points-missing", "rank-points needs points, such as points: [12, 10, 8]")
    elif list(step.points) != sorted(step.points, reverse=True):
        told = ", ".join(map(format_number, step.points))
        yield Fault((*where, "points"), "points-rising", f"a later place earns more in {told}; put the most first")


def _over_evaluators(where: Path, leaf: LeafDraft, step: OverEvaluators, quorum: Mapping[str, int]) -> Iterator[Fault]:
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


def _over_items(where: Path, leaf: LeafDraft, step: OverItems) -> Iterator[Fault]:
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
    if is_choice and step.n is not None and step.n > most and "items" not in leaf.unread:
        yield Fault(
            (*where, "n"), "n-too-large", f"n is {step.n}, {leaf.id} has {len(leaf.items)} items; use {most} at most"
        )


def _same_items(where: Path, leaf: LeafDraft, given: Mapping[str, Fraction], what: str) -> Iterator[Fault]:
    """One value for each item of the leaf, and for nothing else."""
    if "items" in leaf.unread:
        return
    for item in given:
        if item not in leaf.items:
            yield _unknown_item((*where, item), leaf, item)
    absent = [item for item in leaf.items if item not in given]
    if absent:
        yield Fault(where, f"{what}-missing", f"there is no {what} for {', '.join(absent)}; give one for every item")


def _unknown_item(where: Path, leaf: LeafDraft, item: str) -> Fault:
    return Fault(where, "unknown-item", f"{leaf.id} has no item {item!r}; its items are {', '.join(leaf.items)}")
