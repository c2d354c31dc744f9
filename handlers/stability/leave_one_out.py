"""What each evaluator, item and criterion is worth: the decision without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from events.rulebook import Phase
from handlers.stability import levers
from handlers.stability.again import Again
from handlers.stability.inputs import Found
from handlers.stability.shift import Shift, shift

Kind = Literal["evaluator", "item", "criterion"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was left out: an evaluator's id, `criterion/item`, or a criterion's dotted id. `found` is None where there is no
    decision without it; `why_not` says why then.
    """

    kind: Kind
    what: str
    found: Found | None
    shift: Shift | None
    why_not: str = ""


def leave_one_out(again: Again) -> tuple[LeftOut, ...]:
    """Evaluators, items and criteria, one after the other."""
    return (*without_evaluators(again), *without_items(again), *without_criteria(again))


def without_evaluators(again: Again) -> Iterator[LeftOut]:
    """Each evaluator who marks, by id: marks, ticks and votes."""
    seats = again.inputs.seats
    for who in sorted({who for seated in seats.values() for who in seated}):
        alone = sorted(path for path, seated in seats.items() if set(seated) == {who})
        if alone:
            yield LeftOut("evaluator", who, None, None, f"nobody else marks {', '.join(alone)}")
        else:
            yield _left_out(again, "evaluator", who, again.without_evaluator(who))


def without_items(again: Again) -> Iterator[LeftOut]:
    """Each item of each leaf. The only item of a leaf is the criterion."""
    rules = again.inputs.rules
    for path, leaf in rules.leaves.items():
        for item in leaf.items:
            yield _under(
                again, "item", f"{path}/{item}", levers.without_item(rules, path, item), f"{path} has no other"
            )


def without_criteria(again: Again) -> Iterator[LeftOut]:
    """Each node of the tree, leaves and branches, deductions too."""
    rules = again.inputs.rules
    for path in rules.tree:
        yield _under(again, "criterion", path, levers.without_criterion(rules, path), "nothing else counts")


def _under(again: Again, kind: Kind, what: str, rules: Phase | None, why_not: str) -> LeftOut:
    if rules is None:
        return LeftOut(kind, what, None, None, why_not)
    return _left_out(again, kind, what, again.with_rules(rules))


def _left_out(again: Again, kind: Kind, what: str, found: Found) -> LeftOut:
    return LeftOut(kind, what, found, shift(again.base, found))
