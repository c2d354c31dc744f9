"""What criteria weigh, and the same rules with other weights: one is given, the others keep their proportions.

A criterion weighs its points; where the rules rank by a weighted sum, its weight there. The factor is applied just before a
leaf's last rounding, or at its end where it is not rounded there. Floors keep their share of what they are a floor of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from events.rulebook import Phase
from events.rulebook_criteria import Leaf, LeafRule, Node
from events.rulebook_steps import Round, Step, Times
from handlers.scoring import TOTAL
from handlers.stability import levers
from handlers.stability.pieces import Line, on

ONE, ZERO = Fraction(1), Fraction(0)


@dataclass(frozen=True, slots=True)
class Scaling:
    """A criterion that weighs `own` of `whole`, as another weight w of it acts: by factors that are straight in w."""

    path: str
    own: Fraction
    whole: Fraction
    weights: Mapping[str, Fraction]

    @property
    def inside(self) -> Line:
        return ZERO, 1 / self.own

    @property
    def outside(self) -> Line:
        rest = self.whole - self.own
        return self.whole / rest, -1 / rest

    def factor(self, path: str) -> Line:
        """Of a node of the tree, or of the total."""
        if path == self.path or path.startswith(f"{self.path}."):
            return self.inside
        if path == TOTAL or self.path.startswith(f"{path}."):
            all_of_it = self.whole if path == TOTAL else self.weights[path]
            share = self.own / all_of_it
            return tuple(
                share * one + (1 - share) * other for one, other in zip(self.inside, self.outside, strict=True)
            )  # type: ignore[return-value]
        return self.outside if path in self.weights else (ONE, ZERO)


def weights_of(rules: Phase) -> dict[str, Fraction]:
    """What every node that counts weighs; empty where a leaf has no points, or some weight is negative."""
    if rules.rank_by != "total":
        weights = dict(rules.rank_by.weights)
        return weights if all(weight >= 0 for weight in weights.values()) else {}
    found: dict[str, Fraction] = {}
    for rule in rules.criteria:
        if rule.counts and not _weigh(rules, rules.tree[rule.id], ONE, found):
            return {}
    return found


def _weigh(rules: Phase, node: Node, by: Fraction, found: dict[str, Fraction]) -> bool:
    """Notes the weights of a node and its parts; False where that cannot be."""
    if isinstance(node, Leaf):
        if node.points is None or node.points * by < 0:
            return False
        found[node.id] = node.points * by
        return True
    parts = {part: by * node.weights.get(part, ONE) if node.by == "weighted-sum" else by for part in node.parts}
    if not all(_weigh(rules, rules.tree[part], each, found) for part, each in parts.items()):
        return False
    own = [found[part] for part in parts]
    found[node.id] = max(own) if node.by in ("min", "max") else sum(own, ZERO)
    return True


def scalings(rules: Phase) -> list[Scaling]:
    """Every criterion whose weight can be another while the others keep their proportions, in the order of the tree."""
    weights = weights_of(rules)
    whole = sum((weight for path, weight in weights.items() if rules.rank_by != "total" or "." not in path), ZERO)
    choosing = [
        f"{node.id}." for node in rules.tree.values() if not isinstance(node, Leaf) and node.by in ("min", "max")
    ]
    order = [path for path in (*rules.tree, TOTAL) if path in weights]
    return [
        Scaling(path, weights[path], whole, weights)
        for path in order
        if 0 < weights[path] < whole and (rules.rank_by != "total" or not path.startswith(tuple(choosing)))
    ]


def reweighted(rules: Phase, scaling: Scaling, weight: Fraction) -> Phase:
    """The rules with another weight of one criterion."""
    if rules.rank_by != "total":
        return _ranked_by(rules, scaling, weight)

    def change(path: str, leaf: LeafRule) -> LeafRule:
        factor = on(scaling.factor(path), weight)
        if not rules.leaves[path].counts or factor == 1:
            return leaf
        return levers.changed(leaf, steps=_times(leaf.steps, factor))

    floors = {path: on(scaling.factor(path), weight) for path in rules.floors}
    return levers.with_floors(levers.with_leaves(rules, change), floors)


def _times(steps: tuple[Step, ...], factor: Fraction) -> tuple[Step, ...]:
    """The factor before the last step if that rounds, at the end otherwise."""
    end = len(steps) - (1 if steps and isinstance(steps[-1], Round) else 0)
    return (*steps[:end], Times(times=factor), *steps[end:])


def _ranked_by(rules: Phase, scaling: Scaling, weight: Fraction) -> Phase:
    assert rules.rank_by != "total"  # Asked by the caller.
    weights = {
        path: own * on(scaling.inside if path == scaling.path else scaling.outside, weight)
        for path, own in rules.rank_by.weights.items()
    }
    return levers.changed(rules, rank_by=levers.changed(rules.rank_by, weights=weights))
