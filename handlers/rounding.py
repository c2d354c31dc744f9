"""Rounding of exact values, and values that know how many places they are printed with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from events.rulebook_fields import Mode, Rounding
from events.values import format_number, format_places


@dataclass(frozen=True, slots=True)
class Value:
    """An exact value. `places` is that of the rounding that made it; None where nothing was rounded."""

    exact: Fraction
    places: int | None = None

    @property
    def text(self) -> str:
        """The value as published: with exactly its places, or canonical when it was never rounded."""
        return format_number(self.exact) if self.places is None else format_places(self.exact, self.places)


def round_to(value: Fraction, rounding: Rounding) -> Fraction:
    """The value at `rounding.places` places. A half goes away from zero (`half-up`) or to the even digit (`half-even`);
    `down` cuts towards zero, `up` goes away from it.
    """
    scale = 10**rounding.places
    whole, rest = divmod(abs(value.numerator) * scale, value.denominator)
    if _goes_up(whole, 2 * rest - value.denominator, rest, rounding.mode):
        whole += 1
    return Fraction(-whole if value.numerator < 0 else whole, scale)


def _goes_up(whole: int, beyond_half: int, rest: int, mode: Mode) -> bool:
    match mode:
        case "half-up":
            return beyond_half >= 0
        case "half-even":
            return beyond_half > 0 or (beyond_half == 0 and whole % 2 == 1)
        case "up":
            return rest > 0
        case "down":
            return False


def rounded(value: Fraction, rounding: Rounding | None) -> Value:
    """The value under a rounding, or as it is without one."""
    return Value(value) if rounding is None else Value(round_to(value, rounding), rounding.places)


def exact_sum(values: Iterable[Fraction]) -> Fraction:
    """The sum over one common denominator: a single reduction at the end instead of one for each addition."""
    ratios = [value.as_integer_ratio() for value in values]
    denominators = {denominator for _, denominator in ratios}
    if len(denominators) <= 1:
        return Fraction(sum(numerator for numerator, _ in ratios), *denominators)
    common = lcm(*denominators)
    factors = {denominator: common // denominator for denominator in denominators}
    return Fraction(sum(numerator * factors[denominator] for numerator, denominator in ratios), common)


def sum_places(parts: Iterable[Value]) -> int | None:
    """The places of a sum: the most of its parts. None where no part was rounded, or one does not terminate."""
    listed = list(parts)
    if all(part.places is None for part in listed):
        return None
    return max(map(_places_of, listed)) if _all_end(listed) else None


def _all_end(parts: list[Value]) -> bool:
    return not any("/" in part.text for part in parts if part.places is None)


def _places_of(part: Value) -> int:
    return part.places if part.places is not None else len(part.text.partition(".")[2])


def add_up(parts: Iterable[Value]) -> Value:
    """The sum of values, printed with the most places of its parts."""
    listed = list(parts)
    return Value(exact_sum(part.exact for part in listed), sum_places(listed))


def difference(left: Value, right: Value) -> Value:
    """`left - right`, printed like a sum."""
    return Value(left.exact - right.exact, sum_places((left, right)))
