"""Who would have had which rank, had one thing been left out: a row for each, the decision's own first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.figures.drawing import WIDTH, image, rect, shortened, text
from console.figures.figure import Figure

_LEFT, _ROW, _TOP = 210.0, 22.0, 34.0


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks and outcomes by entrant, in the order of the columns, without what `left_out` names (`""`: the decision)."""

    left_out: str
    ranks: tuple[int | None, ...]
    outcomes: tuple[str, ...]


def rank_map(id_: str, title: str, note: str, entrants: Sequence[str], rows: Sequence[Ranks], as_is: str) -> Figure:
    """`rows[0]` is the decision, shown as `as_is`. A cell that differs from it is framed; one whose outcome differs has
    an arrow as well. Rows in which nothing differs are told in the table alone when there are many.
    """
    decided = rows[0]
    shown = [row for row in rows if len(rows) <= 20 or row is decided or _differs(row, decided)]
    column = (WIDTH - _LEFT - 8) / max(1, len(entrants))
    shapes = [text(shortened(name, column), _LEFT + (place + 0.5) * column, 18, "strong", "middle")
              for place, name in enumerate(entrants)]  # fmt: skip
    for place, row in enumerate(shown):
        shapes += _row(row, decided, _TOP + place * _ROW, column, as_is)
    changed = sum(row.outcomes != decided.outcomes for row in rows)
    described = f"{len(rows) - 1} things left out in turn; {changed} of them change an outcome"
    return Figure(
        id_,
        title,
        note,
        image(id_, title, described, _TOP + len(shown) * _ROW + 8, shapes),
        ("left out", *entrants),
        tuple((row.left_out or as_is, *_cells(row, decided)) for row in rows),
        tuple(_sketch(entrants, shown, decided, as_is)),
    )


def _differs(row: Ranks, decided: Ranks) -> bool:
    return row.ranks != decided.ranks or row.outcomes != decided.outcomes


def _cells(row: Ranks, decided: Ranks) -> list[str]:
    """Each rank, with an arrow where the outcome is another."""
    return [
        f"{'-' if rank is None else rank}{_arrow(outcome, before)}"
        for rank, outcome, before in zip(row.ranks, row.outcomes, decided.outcomes, strict=True)
    ]


def _arrow(outcome: str, before: str) -> str:
    if outcome == before:
        return ""
    return " ▲" if outcome == "advanced" else " ▽"


def _row(row: Ranks, decided: Ranks, y: float, column: float, as_is: str) -> list[str]:
    shapes = [text(shortened(row.left_out or as_is, _LEFT - 12), 8, y + _ROW / 2, "" if row.left_out else "strong")]
    for place, said in enumerate(_cells(row, decided)):
        is_same = row.ranks[place] == decided.ranks[place] and row.outcomes[place] == decided.outcomes[place]
        x = _LEFT + place * column
        shapes.append(rect(x + 2, y + 2, column - 4, _ROW - 4, "same" if is_same else "changed"))
        shapes.append(text(said, x + column / 2, y + _ROW / 2, "" if is_same else "strong", "middle"))
    return shapes


def _sketch(entrants: Sequence[str], rows: Sequence[Ranks], decided: Ranks, as_is: str) -> list[str]:
    width = max(6, min(14, 56 // max(1, len(entrants))))
    lines = [f"{'':<22} " + "".join(f"{shortened(name, width * 6.8 - 7):<{width}}" for name in entrants)]
    said = [(row.left_out or as_is, _cells(row, decided)) for row in rows]
    return lines + [f"{name:<22.22} " + "".join(f"{cell:<{width}}" for cell in cells) for name, cells in said]
