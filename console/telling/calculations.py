"""Calculations as rows for people: what is done, the formula for a calculator, what it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.telling import writing
from console.telling.sentences import Words
from events.values import format_places, parse_exact
from handlers.explanation import Calculation, Worked
from handlers.formulas import shortened

FEW = 3
"""Up to this many items or evaluators are named in a row; of more it is said how many there are."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a calculation. `sign` is `=`, or `≈` where the value is cut."""

    what: str
    formula: str
    sign: str
    value: str

    @property
    def text(self) -> str:
        return f"{self.formula} {self.sign} {self.value}" if self.formula else self.value


def rows(words: Words, worked: Worked) -> Iterator[Row]:
    """The lines that compute something, in order; those that only pass a value on are left out."""
    before = ""
    for one in worked.lines:
        if not one.is_trivial:
            yield _row(words, one, before)
            before = one.code


def _row(words: Words, line: Calculation, before: str) -> Row:
    """Where several rows do the same, the second and later ones name their cell alone."""
    what = words.say(line.code, **{name: _fact(name, text) for name, text in line.facts.items()})
    about = _about(line.of)
    value = _value(line)
    has_formula = any(sign in line.formula for sign in (" + ", " - ", " * ", " / "))
    return Row(
        what if not about else about if line.code == before and not line.facts else words.headed(about, what),
        writing.formula(line.shown, words.lang) if has_formula else "",
        "=" if parse_exact(value) == parse_exact(line.value) else "≈",
        writing.number(value, words.lang),
    )


def _value(line: Calculation) -> str:
    """What comes out; after a rounding with the places that it was rounded to."""
    if line.code.startswith("step.round-"):
        return format_places(parse_exact(line.value), int(line.facts["places"]))
    return shortened(line.value)


def _fact(name: str, text: str) -> str:
    return text if name in ("dropped", "criterion", "places") else shortened(text)


def _about(cells: Sequence[tuple[str, str]]) -> str:
    """The items and evaluators that a line is for; nothing where it is for the whole."""
    names = [" / ".join(filter(None, cell)) for cell in cells]
    items, judges = {item for item, _ in cells}, {who for _, who in cells}
    if len(items) == 1 and all(judges) and len(cells) > 1:
        names = [who for _, who in cells]
    elif len(judges) == 1 and all(items):
        names = [item for item, _ in cells]
    if not any(names):
        return ""
    return ", ".join(names) if len(names) <= FEW else f"{len(names)} × "[:-1]
