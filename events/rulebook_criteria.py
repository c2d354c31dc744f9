"""The criteria tree: leaves receive marks, branches put their parts together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from events.fields import Id
from events.rulebook_fields import Flag, Number, Rounding, Rule, Texts
from events.rulebook_steps import Ratio, Step


class LeafRule(Rule):
    """A criterion that receives marks: by item and evaluator, each within its item's range."""

    id: Id
    title: Texts | None = None
    points: Number | None = None
    panel: Id
    items: Annotated[dict[Id, tuple[Number, Number]], Field(min_length=1)]
    item_titles: dict[Id, Texts] | None = None
    steps: tuple[Step, ...]
    counts: Flag = True


class BranchRule(Rule):
    """A criterion made of parts: their sum, the lowest, the highest or a weighted sum of those that count."""

    id: Id
    title: Texts | None = None
    points: Number | None = None
    parts: Annotated[tuple[CriterionRule, ...], Field(min_length=1)]
    by: Literal["sum", "min", "max", "weighted-sum"] = "sum"
    weights: dict[Id, Number] | None = None
    round: Rounding | None = None
    counts: Flag = True


def _kind(criterion: Any) -> str:
    is_branch = isinstance(criterion, BranchRule) or (isinstance(criterion, dict) and "parts" in criterion)
    return "branch" if is_branch else "leaf"


CriterionRule = Annotated[
    Annotated[LeafRule, Tag("leaf")] | Annotated[BranchRule, Tag("branch")],
    Discriminator(_kind),
]
BranchRule.model_rebuild()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf under its dotted id. `counts` is false when it, or a branch above it, only serves others."""

    id: str
    points: Fraction | None
    panel: str
    items: Mapping[str, tuple[Fraction, Fraction]]
    steps: tuple[Step, ...]
    counts: bool
    takes_reference: bool
    title: Mapping[str, str] | None = None
    item_titles: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch under its dotted id; `parts` are the dotted ids of its direct parts that count, in order."""

    id: str
    parts: tuple[str, ...]
    by: Literal["sum", "min", "max", "weighted-sum"]
    weights: Mapping[str, Fraction]
    round: Rounding | None
    counts: bool
    title: Mapping[str, str] | None = None


Node = Leaf | Branch


def flatten(criteria: tuple[CriterionRule, ...], prefix: str = "", counts: bool = True) -> Iterator[Node]:
    """Every node of the tree, parts before the branch that needs them; siblings as written."""
    for rule in criteria:
        path = prefix + rule.id
        does_count = counts and rule.counts
        if isinstance(rule, LeafRule):
            takes = any(isinstance(step, Ratio) for step in rule.steps)
            named = (rule.title, rule.item_titles)
            yield Leaf(path, rule.points, rule.panel, rule.items, rule.steps, does_count, takes, *named)
            continue
        yield from flatten(rule.parts, path + ".", does_count)
        parts = tuple(f"{path}.{part.id}" for part in rule.parts if part.counts)
        weights = {f"{path}.{part}": weight for part, weight in (rule.weights or {}).items()}
        yield Branch(path, parts, rule.by, weights, rule.round, does_count, rule.title)
