"""The arithmetic of one entrant, as a tree that a person can redo with a calculator: every value after every step.

Numbers are canonical text (`p/q` where they do not terminate); `value` is as published, `exact` as computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import BaseModel

from events.rulebook import Branch
from events.rulebook_fields import Rounding
from events.rulebook_steps import Across, Step
from events.values import format_number
from handlers.leaf_work import LeafWork, Stage
from handlers.rounding import Value
from handlers.scoring import TOTAL, ScoreTable
from handlers.steps import Cells, Key


def trace(table: ScoreTable, entrant: str) -> dict[str, Any]:
    """Every node that has a value by dotted id, and `total`; marks and steps of a leaf also where it has no value."""
    own = table.values.get(entrant, {})
    told: dict[str, Any] = {}
    for path, node in table.phase.tree.items():
        if isinstance(node, Branch):
            if path in own:
                told[path] = _written(own[path]) | _branch(node, own)
        elif entrant in table.work[path].grids:
            told[path] = (_written(own[path]) if path in own else {}) | _leaf(table.work[path], entrant)
    if entrant in table.totals:
        parts = {rule.id: own[rule.id].text for rule in table.phase.criteria if rule.counts}
        told[TOTAL] = _written(table.totals[entrant]) | {"parts": parts}
    return told


def _written(value: Value) -> dict[str, Any]:
    return {"value": value.text, "exact": format_number(value.exact)}


def _branch(node: Branch, own: Mapping[str, Value]) -> dict[str, Any]:
    told: dict[str, Any] = {"by": node.by, "parts": {path: own[path].text for path in node.parts}}
    if node.weights:
        told["weights"] = {path: format_number(weight) for path, weight in node.weights.items()}
    if node.round is not None:
        told["round"] = _plain(node.round)
    return told


def _leaf(work: LeafWork, entrant: str) -> dict[str, Any]:
    grid = work.grids[entrant]
    values: dict[Key, Fraction] = {key: mark.value for key, mark in grid.items() if mark is not None}
    told: dict[str, Any] = {"marks": _cells(values)}
    references: dict[Key, Fraction] = {
        key: mark.reference for key, mark in grid.items() if mark is not None and mark.reference is not None
    }
    if references:
        told["references"] = _cells(references)
    if len(values) < len(grid):
        told["earning-nothing"] = sorted("/".join(key) for key, mark in grid.items() if mark is None)
    told["steps"] = [
        _stage(stage, work.stages[number - 1] if number else stage, entrant)
        for number, stage in enumerate(work.stages)
        if entrant in stage.cells
    ]
    return told


def _stage(stage: Stage, before: Stage, entrant: str) -> dict[str, Any]:
    """`best` is what the first entrant had before a comparison; `less` what a subtraction took off."""
    told: dict[str, Any] = {"step": _step(stage.step), "values": _cells(stage.cells[entrant])}
    if isinstance(stage.step, Across) and stage.step.by == "top":
        told["best"] = _cells(
            {key: max(c[key] for c in before.cells.values() if key in c) for key in stage.cells[entrant]}
        )
    if stage.less is not None:
        told["less"] = stage.less[entrant].text
    return told


def _step(step: Step) -> Any:
    if isinstance(step, Across) and step.by == "top":
        return {"across": step.across, "by": step.by}
    return _plain(step) if isinstance(step, BaseModel) else step


def _plain(rule: BaseModel | Rounding) -> dict[str, Any]:
    """The rule as written, with its numbers as canonical text."""
    return rule.model_dump(mode="json", by_alias=True, exclude_none=True)


def _cells(cells: Cells) -> Any:
    """One text, texts by the axis that is left, or by item and evaluator."""
    told: dict[str, Any] = {}
    for (item, evaluator), value in sorted(cells.items(), key=lambda cell: (cell[0][0] or "", cell[0][1] or "")):
        if item is None and evaluator is None:
            return format_number(value)
        if item is not None and evaluator is not None:
            told.setdefault(item, {})[evaluator] = format_number(value)
        else:
            told[item or evaluator or ""] = format_number(value)
    return told
