"""The arithmetic of an assessment as lines that a person can redo, read from the trace that the assessment recorded.

Nothing is scored again here: what was computed then is what is explained, whatever the code does today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from events.rulebook import Branch, Phase
from events.values import format_number, parse_exact
from handlers.explanation import Calculation, Given, Worked
from handlers.formulas import line, passed_on
from handlers.redone import Cell, redone, table_of
from handlers.scoring import TOTAL


def worked(rules: Phase, scores: Mapping[str, Any]) -> tuple[Worked, ...]:
    """Every criterion that has a trace, parts before what is made of them, and the total at the end."""
    found = [_worked(rules, path, scores[path]) for path in rules.tree if path in scores]
    if TOTAL in scores:
        found.append(_worked(rules, TOTAL, scores[TOTAL]))
        if rules.rank_by != "total":
            found.append(_ranked_by(rules.rank_by.weights, scores))
    return tuple(found)


def _worked(rules: Phase, path: str, node: Mapping[str, Any]) -> Worked:
    value, exact = node.get("value"), node.get("exact")
    if "marks" not in node:
        branch = rules.tree.get(path)
        code = f"branch.{branch.by}" if isinstance(branch, Branch) else "branch.sum"
        order = branch.parts if isinstance(branch, Branch) else [rule.id for rule in rules.criteria]
        return Worked(path, value, exact, (), tuple(_put_together(code, node, order)))
    marks = _given(node, list(rules.leaves[path].items))
    return Worked(path, value, exact, marks, tuple(redone(rules.leaves[path], node, marks)))


def _given(node: Mapping[str, Any], items: Sequence[str]) -> tuple[Given, ...]:
    """The marks, by item as in the rulebook and by evaluator; those that are missing and earn nothing among them."""
    references: Mapping[Cell, str] = table_of(node.get("references", {}), ("item", "evaluator"))
    rows = [
        Given(item, who, value, references.get((item, who)))
        for (item, who), value in table_of(node["marks"], ("item", "evaluator")).items()
    ]
    earning_nothing = [cell.split("/") for cell in node.get("earning-nothing", ())]
    rows += [Given(item, who, "0") for item, who in earning_nothing]
    return tuple(sorted(rows, key=lambda row: (items.index(row.item), row.evaluator)))


def _put_together(code: str, node: Mapping[str, Any], order: Sequence[str]) -> Iterator[Calculation]:
    """`order` is that of the rulebook."""
    parts = {path: node["parts"][path] for path in order if path in node["parts"]}
    weights = node.get("weights")
    kind = code.removeprefix("branch.")
    if kind in ("min", "max"):
        chosen = (min if kind == "min" else max)(parts.values(), key=parse_exact)
        made = passed_on(code, chosen, is_trivial=len(parts) == 1)
    elif kind == "weighted-sum" and weights:
        made = line(code, [(text, weights[path]) for path, text in parts.items()], None)
    else:
        made = line(code, [("", text) for text in parts.values()], None)
    yield made
    if "round" in node:
        yield rounding_line(node["round"], made.value, node["exact"])


def rounding_line(rule: Mapping[str, Any], before: str, after: str, of: tuple[Cell, ...] = ()) -> Calculation:
    facts = {"places": str(rule["places"]), "before": before, "after": after}
    return passed_on(f"step.round-{rule.get('mode', 'half-up')}", after, of, facts, is_trivial=False)


def _ranked_by(weights: Mapping[str, Any], scores: Mapping[str, Any]) -> Worked:
    pairs = [(scores[path]["value"], format_number(weight)) for path, weight in weights.items() if path in scores]
    made = line("branch.ranked-by", pairs, None)
    return Worked("rank-by", made.value, made.value, (), (made,))
