"""Standings with their components: who got how much for what, who goes on, and where the places end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from console.figures.drawing import WIDTH, fits, image, line, rect, text
from console.figures.figure import BLOCKS, Figure, sketched

_LEFT, _RIGHT, _ROW, _TOP = 170.0, 130.0, 30.0, 46.0
_ROOM = WIDTH - _LEFT - _RIGHT


@dataclass(frozen=True, slots=True)
class Standing:
    """An entrant's place: `parts` are its points by criterion, as published with their places; a missing one is None."""

    entrant: str
    rank: int | None
    total: str | None
    parts: tuple[str | None, ...]
    outcome: str
    mark: str = ""
    """Stands behind figures that are reconstructed or projected."""


SIGNS = {"advanced": "▲", "eliminated": "▽", "withdrawn": "–"}
"""Outcomes, not by colour alone."""


def standings_figure(
    id_: str, title: str, note: str, criteria: Sequence[str], rows: Sequence[Standing], places: int | None
) -> Figure:
    """`criteria` name the parts, in their order; `places` is how many may go on, where that is fixed."""
    whole = max((_number(row.total) for row in rows), default=Fraction(1)) or Fraction(1)
    shapes = [*_legend(criteria)]
    for place, row in enumerate(rows):
        shapes += _bar(row, criteria, _TOP + place * _ROW, float(whole))
    if (cut := _cut(rows, places)) is not None:
        y = _TOP + cut * _ROW - 2
        shapes += [line(8, y, WIDTH - 8, y, "cut"), line(WIDTH - 120, 16, WIDTH - 96, 16, "cut")]
        shapes.append(text(f"end of {places} {'place' if places == 1 else 'places'}", WIDTH - 90, 16, "cut-text"))
    described = "; ".join(f"{row.entrant} {row.total or '-'}, {row.outcome}" for row in rows)
    return Figure(
        id_,
        title,
        note,
        image(id_, title, described, _TOP + len(rows) * _ROW + 8, shapes),
        ("entrant", "rank", *criteria, "total", "outcome"),
        tuple(_cells(row) for row in rows),
        tuple(_sketch(criteria, rows, float(whole))),
    )


def _number(value: str | None) -> Fraction:
    return Fraction(0) if value is None else Fraction(value)


def _cut(rows: Sequence[Standing], places: int | None) -> int | None:
    """Before which row the places end, by rank; None where everybody has one."""
    ranks = [row.rank for row in rows]
    if places is None or any(rank is None for rank in ranks[:places]) or len(rows) <= places:
        return None
    return places


def _legend(criteria: Sequence[str]) -> list[str]:
    shapes, x = [], _LEFT
    for place, name in enumerate(criteria):
        shapes += [rect(x, 10, 12, 12, f"s{place % 6}"), text(name, x + 17, 16, "quiet")]
        x += 34 + 6.2 * len(name)
    return shapes


def _bar(row: Standing, criteria: Sequence[str], y: float, whole: float) -> list[str]:
    middle, x = y + _ROW / 2, _LEFT
    rank = "–" if row.rank is None else f"{row.rank}"
    shapes = [text(rank, 26, middle, "quiet", "end"), text(row.entrant, 34, middle, "strong")]
    for place, value in enumerate(row.parts):
        width = float(_number(value)) / whole * _ROOM
        shapes.append(rect(x, y + 4, width, _ROW - 8, f"s{place % 6}", f"{criteria[place]}: {value or '-'}"))
        if value is not None and fits(value, width - 4):
            shapes.append(text(value, x + width / 2, middle, "inside", "middle"))
        x += width
    shapes.append(text("-" if row.total is None else row.total + row.mark, x + 8, middle, "strong"))
    sign = f"{SIGNS.get(row.outcome, '')} {row.outcome}"
    return [*shapes, text(sign, WIDTH - 8, middle, "", "end")]


def _cells(row: Standing) -> tuple[str, ...]:
    rank = "-" if row.rank is None else str(row.rank)
    values = [*row.parts, row.total]
    return (row.entrant, rank, *("-" if value is None else value + row.mark for value in values), row.outcome)


def _sketch(criteria: Sequence[str], rows: Sequence[Standing], whole: float) -> list[str]:
    lines = ["  ".join(f"{BLOCKS[place % 6]} {name}" for place, name in enumerate(criteria))]
    for row in rows:
        bar = "".join(
            sketched(float(_number(value)), whole, 44, BLOCKS[place % 6]) for place, value in enumerate(row.parts)
        )
        rank = "-" if row.rank is None else str(row.rank)
        total = "-" if row.total is None else row.total + row.mark
        lines.append(f"{rank:>2} {row.entrant:<20.20} {bar:<45} {total:>6} {SIGNS.get(row.outcome, ' ')}")
    return lines
