"""Each step of a leaf as lines for a calculator: the cells before it, the cells after it, and what leads from one to the
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from events.rulebook import Leaf
from events.values import format_number, parse_exact
from handlers.explanation import Calculation, Given
from handlers.formulas import line, passed_on, written

Cell = tuple[str, str]
"""Item and evaluator; "" for an axis that was put together."""
Table = Mapping[Cell, str]
_AXES = ("item", "evaluator")


def table_of(written_cells: Any, axes: Sequence[str]) -> dict[Cell, str]:
    """The cells of a trace (`handlers.trace`), over the axes that are left."""
    match axes:
        case ["item", "evaluator"]:
            return {(item, who): value for item, row in written_cells.items() for who, value in row.items()}
        case ["item"]:
            return {(item, ""): value for item, value in written_cells.items()}
        case ["evaluator"]:
            return {("", who): value for who, value in written_cells.items()}
        case _:
            return {("", ""): written_cells}


def redone(leaf: Leaf, node: Mapping[str, Any], marks: Sequence[Given]) -> Iterator[Calculation]:
    """Every step's lines, in order. A step that leaves no value is the last."""
    axes = list(_AXES)
    before: Table = {(row.item, row.evaluator): row.value for row in marks}
    references = {(row.item, row.evaluator): row.reference or "1" for row in marks}
    for stage in node["steps"]:
        step = stage["step"]
        if isinstance(step, dict) and "over" in step:
            axes = [axis for axis in axes if axis != step["over"].removesuffix("s")]
        after = table_of(stage["values"], axes)
        if step == "points":
            yield from _cellwise(before, after, "step.points", format_number(leaf.points or parse_exact("1")))
        elif "mark" in step:
            yield from _marks(step, before, after, references)
        elif "over" in step:
            yield from _reduced(step, before, after)
        elif "across" in step:
            yield from _across(step, before, after, stage)
        elif "times" in step:
            yield from _times(step["times"], before, after)
        elif "subtract" in step:
            yield from _subtracted(step, before, after, stage["less"])
        else:
            yield from _rounded(step["round"], before, after)
        before = after


def _grouped(before: Table, after: Table, key: Any) -> Iterator[tuple[Any, tuple[Cell, ...], str]]:
    """The cells that have the same inputs, in the order of the first of them: inputs, cells, result."""
    groups: dict[Any, list[Cell]] = {}
    for cell in before:
        if cell in after:
            groups.setdefault(key(cell), []).append(cell)
    for inputs, cells in groups.items():
        yield inputs, tuple(cells), after[cells[0]]


def _marks(step: Mapping[str, Any], before: Table, after: Table, references: Table) -> Iterator[Calculation]:
    if step["mark"] == "linear":
        low, high = step["from"]
        for value, cells, result in _grouped(before, after, before.__getitem__):
            yield written("step.mark-linear", "({} - {}) / ({} - {})", (value, low, high, low), result, cells)
        return
    for (value, reference), cells, result in _grouped(before, after, lambda c: (before[c], references[c])):
        if parse_exact(value) / parse_exact(reference) == parse_exact(result):
            yield written("step.mark-ratio", "{} / {}", (value, reference), result, cells)
        else:
            facts = {"before": value, "reference": reference, "cap": result}
            yield passed_on("step.mark-capped", result, cells, facts, is_trivial=False)


def _cellwise(before: Table, after: Table, code: str, factor: str) -> Iterator[Calculation]:
    for value, cells, result in _grouped(before, after, before.__getitem__):
        yield written(code, "{} * {}", (value, factor), result, cells)


def _times(factor: Any, before: Table, after: Table) -> Iterator[Calculation]:
    def of(cell: Cell) -> str:
        return str(factor[cell[0]] if isinstance(factor, Mapping) else factor)

    for (value, own), cells, result in _grouped(before, after, lambda cell: (before[cell], of(cell))):
        yield written("step.times", "{} * {}", (value, own), result, cells)


def _rounded(rule: Mapping[str, Any], before: Table, after: Table) -> Iterator[Calculation]:
    code = f"step.round-{rule.get('mode', 'half-up')}"
    for value, cells, result in _grouped(before, after, before.__getitem__):
        facts = {"places": str(rule["places"]), "before": value, "after": result}
        yield passed_on(code, result, cells, facts, is_trivial=value == result)


def _subtracted(step: Mapping[str, Any], before: Table, after: Table, less: str) -> Iterator[Calculation]:
    (value,), (result,) = before.values(), after.values()
    if parse_exact(value) - parse_exact(less) == parse_exact(result):
        yield written("step.subtract", "{} - {}", (value, less), result)
    else:
        facts = {"before": value, "less": less, "floor": result, "criterion": step["subtract"]}
        yield passed_on("step.subtract-floor", result, (), facts, is_trivial=False)


def _across(step: Mapping[str, Any], before: Table, after: Table, stage: Mapping[str, Any]) -> Iterator[Calculation]:
    """Of others only the best value is named, and only where it is a factor of the entrant's own score."""
    if step["by"] != "top":
        for cell, result in after.items():
            yield passed_on("step.rank-points", result, (cell,), {"before": before[cell]}, is_trivial=False)
        return
    best = stage["best"]
    bests: Table = dict.fromkeys(after, best) if isinstance(best, str) else _like(after, best)
    for (value, top), cells, result in _grouped(before, after, lambda cell: (before[cell], bests[cell])):
        if parse_exact(top) > 0:
            yield written("step.top", "{} / {}", (value, top), result, cells)
        else:
            yield passed_on("step.top-of-nothing", result, cells, {}, is_trivial=False)


def _like(after: Table, best: Any) -> Table:
    axes = [axis for place, axis in enumerate(_AXES) if any(cell[place] for cell in after)]
    return table_of(best, axes)


def _reduced(step: Mapping[str, Any], before: Table, after: Table) -> Iterator[Calculation]:
    place = 1 if step["over"] == "evaluators" else 0
    for cell, result in after.items():
        other = cell[1 - place]
        row = {key[place]: value for key, value in before.items() if key[1 - place] == other}
        yield _one(step, row, result, (cell,))


def _one(step: Mapping[str, Any], row: Mapping[str, str], result: str, of: tuple[Cell, ...]) -> Calculation:
    code, by = f"step.{step['over']}-{step['by']}", step["by"]
    plain = [("", value) for value in row.values()]
    match by:
        case "mean":
            return line(code, plain, result, divisor=str(len(row)), of=of)
        case "sum":
            return line(code, plain, result, of=of)
        case "weighted-sum" | "weighted-mean":
            weights = {name: str(step["weights"][name]) for name in row}
            total = format_number(sum(map(parse_exact, weights.values()), parse_exact("0")))
            terms = [(value, weights[name]) for name, value in row.items()]
            return line(code, terms, result, divisor=total if by == "weighted-mean" else "", of=of)
        case "trimmed-mean" | "best-of" | "drop-worst":
            return _some(code, step, row, result, of)
        case "median":
            return _median(code, row, result, of)
        case _:
            return passed_on(code, result, of, is_trivial=len(row) == 1)


def _ordered(row: Mapping[str, str]) -> list[tuple[str, str]]:
    """(value, name) from the lowest up; of equals the first name first."""
    return sorted(((value, name) for name, value in row.items()), key=lambda pair: (parse_exact(pair[0]), pair[1]))


def _some(code: str, step: Mapping[str, Any], row: Mapping[str, str], result: str, of: tuple[Cell, ...]) -> Calculation:
    """What is left when the lowest, or the highest, are left out; those are named."""
    ordered = _ordered(row)
    if step["by"] == "trimmed-mean":
        low, high = step.get("drop") or (1, 1)
    else:
        count = step.get("n") or 1
        low, high = (len(ordered) - count if step["by"] == "best-of" else count), 0
    low = max(low, 0)
    kept = ordered[low : len(ordered) - high]
    out = [*ordered[:low], *ordered[len(ordered) - high :]]
    is_mean = step["by"] == "trimmed-mean" or step.get("take") == "mean"
    facts = {"dropped": ", ".join(f"{name} {value}" for value, name in out)}
    terms = [("", value) for value, name in sorted(kept, key=lambda pair: pair[1])] or [("", "0")]
    return line(code, terms, result, divisor=str(len(kept)) if is_mean and kept else "", of=of, facts=facts)


def _median(code: str, row: Mapping[str, str], result: str, of: tuple[Cell, ...]) -> Calculation:
    values = [value for value, _ in _ordered(row)]
    middle = len(values) // 2
    if len(values) % 2:
        return passed_on(code, result, of, is_trivial=len(values) == 1)
    return line(code, [("", values[middle - 1]), ("", values[middle])], result, divisor="2", of=of)
