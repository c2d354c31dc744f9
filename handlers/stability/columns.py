"""The column that a reduction over evaluators reduces: one value from each, kept so that one of them can go or change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from events.rulebook_steps import OverEvaluators
from handlers.rounding import exact_sum
from handlers.steps import reduce_evaluators


@dataclass(frozen=True)
class Column:
    """By evaluator. A mean or a sum is taken from the total, anything else is reduced again."""

    step: OverEvaluators
    values: Mapping[str, Fraction]

    @cached_property
    def total(self) -> Fraction:
        return exact_sum(self.values.values())

    def without(self, evaluator: str) -> Fraction | None:
        """The reduction of all others; None when that leaves nothing to reduce."""
        if evaluator not in self.values:
            return self.reduced(self.values.values())
        if self.step.by in ("mean", "sum"):
            rest = self.total - self.values[evaluator]
            return self._of_total(rest, len(self.values) - 1)
        return self.reduced(value for who, value in self.values.items() if who != evaluator)

    def with_value(self, evaluator: str, value: Fraction) -> Fraction | None:
        """The reduction with another value of one evaluator who is in the column."""
        if self.step.by in ("mean", "sum"):
            return self._of_total(self.total - self.values[evaluator] + value, len(self.values))
        return self.reduced({**self.values, evaluator: value}.values())

    def _of_total(self, total: Fraction, count: int) -> Fraction | None:
        if count == 0:
            return None
        return total if self.step.by == "sum" else total / count

    def reduced(self, values: Iterable[Fraction]) -> Fraction | None:
        """The step's own arithmetic over other values; None without any."""
        listed = list(values)
        return reduce_evaluators(self.step, listed) if listed else None
