"""The fields of an act's form, from its words and from what is known: which kind each is, and what may be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from console.acts import Act
from console.web.acting.choices import Known, Option, choices
from console.words import Word

Shape = Literal["select", "checks", "order", "text", "area", "lines", "instant", "rows", "check", "pair"]

AREAS = frozenset({"reason", "reasons", "text", "statement", "note", "comment", "remedy", "nature", "meaning"})
CHOSEN_AT_MOST = 400
"""With more to choose from, an id is written instead."""
ROWS = 4
ORDERED = 8


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is asked for. `name` is that of its input; with `shape` pair there are two, `<name>.0` and `<name>.1`, and
    with `rows` one for each of `parts` in each row. `values` is what was said so far. `problem` is a sentence's key, or the
    words of a model where `said` is true.
    """

    word: Word
    name: str
    shape: Shape
    options: tuple[Option, ...] = ()
    more: tuple[Option, ...] = ()
    values: tuple[str, ...] = ()
    problem: str = ""
    said: str = ""

    @property
    def is_needed(self) -> bool:
        return self.word.needed and self.shape != "check"

    @property
    def row_count(self) -> int:
        return ROWS if self.shape == "rows" else min(len(self.options), ORDERED)

    @property
    def key(self) -> str:
        """Under which its label and its help stand among the sentences."""
        return self.word.member.replace("/", "-").replace("_", "-")

    def value(self, place: int = 0) -> str:
        return self.values[place] if place < len(self.values) else ""


Given = Mapping[str, list[str]]
"""What a form says: every value of every name."""


def fields_of(act: Act, known: Known, given: Given, problems: Mapping[str, tuple[str, str]]) -> list[Field]:
    """In the order of the act's words, those that must be said before those that need not."""
    found = [_field(word, known, given, problems.get(word.dest, ("", ""))) for word in act.words]
    return sorted(found, key=lambda field: not field.word.needed)


def _field(word: Word, known: Known, given: Given, problem: tuple[str, str]) -> Field:
    name = word.dest
    if len(word.members) > 1:
        values = tuple(next(iter(given.get(f"{name}.{part}", [])), "") for part in (0, 1))
        pairs = choices(known, word)
        return Field(word, name, "pair", choices(known, word, "entrant") or (), pairs or (), values, *problem)
    if word.parts:
        values = tuple(
            next(iter(given.get(f"{name}.{row}.{part}", [])), "") for row in range(ROWS) for part in word.parts
        )
        return Field(word, name, "rows", (), (), values, *problem)
    options = choices(known, word)
    if options is not None and len(options) > CHOSEN_AT_MOST:
        options = None
    values = tuple(given.get(name, ()))
    if len(options or ()) == 1 and not values and word.needed and not word.many:
        values = (options[0].value,) if options else ()
    return Field(word, name, _shape(word, options), options or (), (), values, *problem)


def _shape(word: Word, options: Iterable[Option] | None) -> Shape:
    if word.kind == "unless":
        return "check"
    if word.kind == "instant":
        return "instant"
    if options is not None:
        return ("order" if word.member == "order" else "checks") if word.many else "select"
    if word.many:
        return "lines"
    return "area" if word.member in AREAS or word.kind == "document" else "text"
