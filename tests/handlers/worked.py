"""Worked examples: rules written as YAML, marks written as small tables, values read as published."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from events.rulebook import Phase, parse_rulebook
from handlers.marks import Mark, seats_in
from handlers.scoring import ScoreTable, score_phase
from infra.marks_file import read_marks
from infra.rulebook_file import load, loads

K_AI = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026"
Table = Mapping[tuple[str, str, str, str], Mark]


def rules(text: str) -> Phase:
    """The one phase of a bare scoring document."""
    return parse_rulebook(loads(text).document).phase("phase-1")


def marks(text: str) -> dict[tuple[str, str, str, str], Mark]:
    """`entrant criterion item evaluator value [reference]`, one a line."""
    table = {}
    for line in text.strip().splitlines():
        entrant, criterion, item, evaluator, *numbers = line.split()
        value, reference = (*(Fraction(number) for number in numbers), None)[:2]
        assert value is not None
        table[entrant, criterion, item, evaluator] = Mark(value, reference)
    return table


def scored(phase: Phase, table: Table) -> ScoreTable:
    return score_phase(phase, {slot[0] for slot in table}, table, seats_in(phase, table))


def leaf_value(steps: str, table: str, *, items: str = "{i: [0, 100]}", points: str = "100", entrant: str = "a") -> str:
    """The value of one leaf `c` for one entrant; lines of the table are `entrant item evaluator value [reference]`."""
    text = f"criteria: [{{id: c, points: {points}, panel: p, items: {items}, steps: {steps}}}]"
    lines = [line.split() for line in table.strip().splitlines()]
    return (
        scored(rules(text), marks("\n".join(" ".join((e, "c", *rest)) for e, *rest in lines))).values[entrant]["c"].text
    )


@cache
def k_ai_document(version: str = "rulebook.yaml") -> dict[str, Any]:
    """The example's rules as they are in the end, or another version of them."""
    document: dict[str, Any] = load(K_AI / version).document
    return document


def k_ai_phase(phase_id: str) -> dict[str, Any]:
    """A phase of the example as written."""
    found: dict[str, Any] = next(phase for phase in k_ai_document()["phases"] if phase["id"] == phase_id)
    return found


def k_ai(phase_id: str, **changes: Any) -> tuple[Phase, dict[tuple[str, str, str, str], Mark]]:
    """A phase of the example with some of its members changed, and its marks."""
    document = deepcopy(k_ai_document())
    next(phase for phase in document["phases"] if phase["id"] == phase_id).update(changes)
    rows = read_marks(K_AI / "marks" / f"{phase_id}.csv")
    return parse_rulebook(document).phase(phase_id), {row.slot: Mark(row.value, row.reference) for row in rows}


def with_rounding(
    phase_id: str, rounding: dict[str, str] | None
) -> tuple[Phase, dict[tuple[str, str, str, str], Mark]]:
    """The example with another rounding at every criterion, or none there."""
    document = deepcopy(k_ai_document())
    phase = next(phase for phase in document["phases"] if phase["id"] == phase_id)
    _replace_rounding(phase["criteria"], rounding)
    return k_ai(phase_id, criteria=phase["criteria"])


def _replace_rounding(criteria: list[dict[str, Any]], rounding: dict[str, str] | None) -> None:
    for criterion in criteria:
        _replace_rounding(criterion.get("parts", []), rounding)
        if "steps" in criterion:
            kept = [step for step in criterion["steps"] if "round" not in step]
            criterion["steps"] = kept + ([{"round": rounding}] if rounding else [])
