"""Other rules for the same marks: a criterion or an item less, other weights, other roundings, another reduction.

What names a criterion that is gone - floors, ties, ranking weights, deductions - goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar, cast

from events.rulebook import Phase, Rounding
from events.rulebook_criteria import BranchRule, CriterionRule, LeafRule
from events.rulebook_fields import Mode, Rule
from events.rulebook_steps import OverEvaluators, Round, Step, Subtract
from handlers.scoring import TOTAL

Some = TypeVar("Some", bound=Rule)
Criteria = tuple[CriterionRule, ...]
LATE = "late"


def changed(rule: Some, **members: Any) -> Some:
    """The same rule with other members. A copy made by pydantic would keep what the rule remembers of itself."""
    kept = {name: getattr(rule, name) for name in type(rule).model_fields}
    return cast(Some, type(rule).model_construct(**(kept | members)))


def with_leaves(phase: Phase, change: Callable[[str, LeafRule], LeafRule]) -> Phase:
    """Every leaf as `change` makes it of its dotted id and its rule."""

    def walk(rules: Criteria, prefix: str) -> Criteria:
        return tuple(
            change(prefix + rule.id, rule)
            if isinstance(rule, LeafRule)
            else changed(rule, parts=walk(rule.parts, f"{prefix}{rule.id}."))
            for rule in rules
        )

    return changed(phase, criteria=walk(phase.criteria, ""))


def with_branches(phase: Phase, change: Callable[[BranchRule], BranchRule]) -> Phase:
    """Every branch as `change` makes it."""

    def walk(rules: Criteria) -> Criteria:
        return tuple(
            rule if isinstance(rule, LeafRule) else change(changed(rule, parts=walk(rule.parts))) for rule in rules
        )

    return changed(phase, criteria=walk(phase.criteria))


def without_item(phase: Phase, path: str, item: str) -> Phase | None:
    """A leaf with an item less; None where that would leave none."""
    if len(phase.leaves[path].items) == 1:
        return None

    def change(where: str, leaf: LeafRule) -> LeafRule:
        if where != path:
            return leaf
        return changed(leaf, items={name: both for name, both in leaf.items.items() if name != item})

    return with_leaves(phase, change)


def without_criterion(phase: Phase, path: str) -> Phase | None:
    """The rules without a node of the tree; None where nothing that counts would be left."""
    criteria = _pruned(phase.criteria, "", path)
    if not any(rule.counts for rule in criteria):
        return None
    pruned = changed(phase, criteria=criteria)
    kept = {*pruned.tree, TOTAL}
    rank_by = phase.rank_by
    if rank_by != "total":
        weights = {name: weight for name, weight in rank_by.weights.items() if name in kept}
        rank_by = type(rank_by).model_validate({"weighted-sum": weights}) if weights else "total"
    pruned = changed(
        pruned,
        floors={name: floor for name, floor in phase.floors.items() if name in kept},
        ties=tuple(name for name in phase.ties if name in kept or name not in phase.tree),
        rank_by=rank_by,
    )
    return with_leaves(pruned, lambda _, leaf: changed(leaf, steps=_still_there(leaf.steps, kept)))


def _pruned(rules: Criteria, prefix: str, path: str) -> Criteria:
    kept: list[CriterionRule] = []
    for rule in rules:
        where = prefix + rule.id
        if where == path:
            continue
        if isinstance(rule, BranchRule) and path.startswith(f"{where}."):
            parts = _pruned(rule.parts, f"{where}.", path)
            if any(part.counts for part in parts):
                kept.append(changed(rule, parts=parts))
        else:
            kept.append(rule)
    return tuple(kept)


def _still_there(steps: tuple[Step, ...], kept: set[str]) -> tuple[Step, ...]:
    return tuple(step for step in steps if not isinstance(step, Subtract) or step.subtract in kept)


def with_rounding(phase: Phase, change: Callable[[Rounding], Rounding | None]) -> Phase:
    """Every rounding of leaves and branches as `change` makes it; None takes it away."""

    def steps_of(leaf: LeafRule) -> tuple[Step, ...]:
        found: list[Step] = []
        for step in leaf.steps:
            if not isinstance(step, Round):
                found.append(step)
            elif (other := change(step.round)) is not None:
                found.append(changed(step, round=other))
        return tuple(found)

    rounded = with_leaves(phase, lambda _, leaf: changed(leaf, steps=steps_of(leaf)))
    return with_branches(
        rounded, lambda branch: branch if branch.round is None else changed(branch, round=change(branch.round))
    )


def with_mode(phase: Phase, mode: Mode) -> Phase:
    """Another way to round, everywhere, means too."""
    means = None if phase.means is None else changed(phase.means, mode=mode)
    return changed(with_rounding(phase, lambda rounding: changed(rounding, mode=mode)), means=means)


def with_places(phase: Phase, more: int) -> Phase | None:
    """So many places more (or less) at every criterion; None where one has none to lose. Means stay as they are."""
    if any(rounding.places + more < 0 for rounding in roundings(phase)):
        return None
    return with_rounding(phase, lambda rounding: changed(rounding, places=rounding.places + more))


def without_rounding(phase: Phase) -> Phase:
    """Nothing is rounded before it is printed."""
    return with_rounding(phase, lambda _: None)


def roundings(phase: Phase) -> list[Rounding]:
    """Every rounding of leaves and branches, in the order of the tree."""
    found: list[Rounding] = []

    def note(rounding: Rounding) -> Rounding:
        found.append(rounding)
        return rounding

    with_rounding(phase, note)
    return found


def with_reduction(phase: Phase, path: str, by: str) -> Phase:
    """A leaf whose evaluators are reduced by `mean`, or by `trimmed-mean` without the lowest and the highest."""
    drop = (1, 1) if by == "trimmed-mean" else None

    def change(where: str, leaf: LeafRule) -> LeafRule:
        if where != path:
            return leaf
        return changed(leaf, steps=tuple(_reducing(step, by, drop) for step in leaf.steps))

    return with_leaves(phase, change)


def _reducing(step: Step, by: str, drop: tuple[int, int] | None) -> Step:
    return changed(step, by=by, drop=drop) if isinstance(step, OverEvaluators) else step


def with_floors(phase: Phase, factors: Mapping[str, Fraction]) -> Phase:
    """Floors that keep their share of what they are a floor of."""
    return changed(phase, floors={name: floor * factors.get(name, 1) for name, floor in phase.floors.items()})
