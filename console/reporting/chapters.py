"""What a report says of each phase: sentences, figures and tables, with the entries that they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from console.figures.figure import Figure
from console.telling.calculations import rows
from console.telling.sentences import Words
from handlers.explanation import Explanation, Noted


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `entries` lead from the text of a row's first cell to an entry of the log."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    entries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, or was left out: its sentence, instant and entries."""

    text: str
    received: str
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class About:
    """One entrant in a phase, in full: why, the arithmetic, the path, what did not count."""

    entrant: str
    name: str
    sentences: tuple[str, ...]
    arithmetic: tuple[Grid, ...]
    course: tuple[Line, ...]
    left_out: tuple[Line, ...]
    proved: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One phase. `decision` is the entry that decided it; everything in the chapter rests on the log up to there."""

    phase: str
    title: str
    status: str
    sentences: tuple[str, ...]
    decision: int | None
    basis: Mapping[str, str]
    figures: tuple[Figure, ...]
    timeline: Figure
    grids: tuple[Grid, ...] = ()
    entrants: tuple[About, ...] = ()


def about(words: Words, told: Explanation) -> About:
    """One entrant's explanation, ready for a page."""
    own = told.standing
    entrant = told.entrant or ""
    return About(
        entrant,
        words.written("entrant", entrant),
        tuple(words.sentence(point) for point in (*(own.points if own else ()), *told.owed, *told.fragility)),
        tuple(_arithmetic(words, told)),
        tuple(_lines(words, told.course)),
        tuple(_lines(words, told.left_out)),
        told.proved,
    )


def _arithmetic(words: Words, told: Explanation) -> Iterator[Grid]:
    for one in told.worked:
        lines = tuple((row.what, row.formula, f"{row.sign} {row.value}") for row in rows(words, one))
        if lines:
            title = f"{words.criterion(one.criterion)} ({one.criterion}): {one.value or '-'}"
            yield Grid(title, ("step", "calculation", "result"), lines)


def _lines(words: Words, noted: Sequence[Noted]) -> Iterator[Line]:
    for row in noted:
        yield Line(words.sentence(row), row.received, row.indexes)
