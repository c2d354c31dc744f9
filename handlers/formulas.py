"""Formulas as text: exact for a check by machine, and short for a pocket calculator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from events.rulebook_fields import Rounding
from events.values import format_number, parse_exact
from handlers.explanation import Calculation
from handlers.rounding import round_to

PLACES = 6
"""Places that are shown of a number that does not end."""
MANY = 12
"""With more terms than this, equal ones are counted, where there are any: `41 * 5` for 41 fives."""

Terms = Sequence[tuple[str, str]]
"""(value, weight), both canonical text; ("", value) without a weight."""


def shortened(text: str) -> str:
    """A canonical number, to six places where it does not end sooner."""
    if "/" not in text and len(text.partition(".")[2]) <= PLACES:
        return text
    return format_number(round_to(parse_exact(text), Rounding(places=PLACES, mode="half-up")))


def in_formula(text: str) -> str:
    """As an operand: a fraction and a negative number in brackets."""
    return f"({text})" if "/" in text or text.startswith("-") else text


def added_up(terms: Terms, write: Callable[[str], str]) -> str:
    """A sum of terms; equal ones are counted where there are many."""
    plain = [weight for value, weight in terms if not value]
    if len(plain) == len(terms) > MANY and len(set(plain)) < len(plain):
        return " + ".join(_counted(plain, write))
    return " + ".join(_term(*term, write) for term in terms)


def _term(value: str, weight: str, write: Callable[[str], str]) -> str:
    if not value:
        return in_formula(write(weight))
    return f"{in_formula(write(weight))} * {in_formula(write(value))}"


def _counted(values: Iterable[str], write: Callable[[str], str]) -> list[str]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    ordered = sorted(counts.items(), key=lambda row: parse_exact(row[0]), reverse=True)
    return [
        f"{count} * {in_formula(write(value))}" if count > 1 else in_formula(write(value)) for value, count in ordered
    ]


def line(
    code: str,
    terms: Terms,
    value: str | None,
    *,
    divisor: str = "",
    of: tuple[tuple[str, str], ...] = (),
    facts: Mapping[str, str] | None = None,
) -> Calculation:
    """A sum of terms, divided where there is a divisor. `value` is computed where it is not given: of plain sums."""

    def formula(write: Callable[[str], str]) -> str:
        whole = added_up(terms, write)
        if not divisor:
            return whole
        return (
            f"({whole}) / {in_formula(write(divisor))}" if len(terms) > 1 else f"{whole} / {in_formula(write(divisor))}"
        )

    result = format_number(_sum(terms)) if value is None else value
    is_trivial = len(terms) == 1 and not terms[0][0] and divisor in ("", "1")
    return Calculation(code, formula(str), result, formula(shortened), of, facts or {}, is_trivial)


def _sum(terms: Terms) -> Fraction:
    return sum((parse_exact(weight) * (parse_exact(value) if value else 1) for value, weight in terms), Fraction(0))


def written(
    code: str, pattern: str, numbers: Sequence[str], value: str, of: tuple[tuple[str, str], ...] = ()
) -> Calculation:
    """A formula of a fixed shape: `{}` for each number."""
    exact = pattern.format(*map(in_formula, numbers))
    shown = pattern.format(*(in_formula(shortened(number)) for number in numbers))
    return Calculation(code, exact, value, shown, of)


def passed_on(
    code: str,
    value: str,
    of: tuple[tuple[str, str], ...] = (),
    facts: Mapping[str, str] | None = None,
    *,
    is_trivial: bool = True,
) -> Calculation:
    """A value that is chosen or rounded, not calculated: its formula is itself."""
    return Calculation(code, in_formula(value), value, in_formula(shortened(value)), of, facts or {}, is_trivial)
