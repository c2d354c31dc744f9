"""The marks that count for each leaf and entrant, as the policy on missing marks wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from events.rulebook import Leaf
from events.rulebook_steps import OverEvaluators, OverItems
from handlers.marks import Exclusions, Mark, Marks, Seats, is_given

Grid = Mapping[tuple[str, str], Mark | None]
"""The marks of one leaf and entrant by item and evaluator; None where nothing stands and nothing is earned."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Who is to mark, what does not count, and the policy on missing marks."""

    seats: Seats
    excluded: Exclusions
    policy: str


def grids(leaves: Mapping[str, Leaf], names: tuple[str, ...], marks: Marks, terms: Terms) -> dict[str, dict[str, Grid]]:
    """The marks that count, by leaf and entrant; without the entrants for whom a leaf cannot be scored."""
    raw: dict[str, dict[str, dict[tuple[str, str], Mark | None]]]
    raw = {path: {name: {} for name in names} for path in leaves}
    seated = {path: frozenset(terms.seats.get(path, ())) for path in leaves}
    for (entrant, criterion, item, evaluator), mark in marks.items():
        by_entrant = raw.get(criterion)
        if by_entrant is None or entrant not in by_entrant or evaluator not in seated[criterion]:
            continue
        leaf = leaves[criterion]
        if item in leaf.items and (evaluator, entrant) not in terms.excluded.pairs and is_given(leaf, mark):
            by_entrant[entrant][item, evaluator] = mark
    return {
        path: {name: kept for name, grid in by_entrant.items() if (kept := _complete(leaves[path], name, grid, terms))}
        for path, by_entrant in raw.items()
    }


def _complete(leaf: Leaf, name: str, grid: dict[tuple[str, str], Mark | None], terms: Terms) -> Grid:
    """The grid as the policy on missing marks wants it; empty when the leaf cannot be scored."""
    present = [who for who in terms.seats.get(leaf.id, ()) if (who, name) not in terms.excluded.pairs]
    if len(grid) == len(present) * len(leaf.items):
        return grid
    gaps = [(item, who) for item in leaf.items for who in present if (item, who) not in grid]
    owed = [(item, who) for item, who in gaps if (name, leaf.id, item, who) not in terms.excluded.waived]
    if owed and terms.policy in ("hold", "waive"):
        return {}
    if owed and terms.policy == "zero":
        grid = {**grid, **dict.fromkeys(owed)}
    if _items_first(leaf):
        partial = {who for item, who in gaps if (item, who) not in grid}
        return {key: mark for key, mark in grid.items() if key[1] not in partial}
    return grid if {item for item, _ in owed} <= {item for item, _ in grid} else {}


def _items_first(leaf: Leaf) -> bool:
    reductions = [step for step in leaf.steps if isinstance(step, OverEvaluators | OverItems)]
    return bool(reductions) and isinstance(reductions[0], OverItems)
