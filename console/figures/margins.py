"""How far everybody was from the cut: to the right of it those above, to the left those below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from console.figures.drawing import WIDTH, circle, image, line, text
from console.figures.figure import Figure

_LEFT, _RIGHT, _ROW, _TOP = 170.0, 70.0, 26.0, 34.0
_ROOM = WIDTH - _LEFT - _RIGHT


@dataclass(frozen=True, slots=True)
class Distance:
    """An entrant's distance to the cut in points, as text; positive above it. None: it has no score."""

    entrant: str
    margin: str | None
    outcome: str


def margins_figure(id_: str, title: str, note: str, rows: Sequence[Distance]) -> Figure:
    """Rows in the order given, which is that of the ranks."""
    found = [Fraction(row.margin) for row in rows if row.margin is not None]
    low, high = min([*found, Fraction(0)]), max([*found, Fraction(0)])
    span = float(high - low) or 1.0
    zero = _LEFT + float(-low) / span * _ROOM
    bottom = _TOP + len(rows) * _ROW
    shapes = [line(zero, _TOP - 8, zero, bottom, "cut"), text("the cut", zero, _TOP - 16, "cut-text", "middle")]
    for place, row in enumerate(rows):
        shapes += _stem(row, _TOP + place * _ROW + _ROW / 2, zero, _ROOM / span)
    described = "; ".join(f"{row.entrant} {_signed(row.margin)}" for row in rows)
    return Figure(
        id_,
        title,
        note,
        image(id_, title, described, bottom + 8, shapes),
        ("entrant", "margin", "outcome"),
        tuple((row.entrant, _signed(row.margin), row.outcome) for row in rows),
        tuple(_sketch(rows, float(low), span)),
    )


def _signed(margin: str | None) -> str:
    if margin is None:
        return "-"
    return margin if margin.startswith("-") or not Fraction(margin) else f"+{margin}"


def _stem(row: Distance, y: float, zero: float, scale: float) -> list[str]:
    shapes = [text(row.entrant, 8, y, "strong")]
    if row.margin is None:
        return [*shapes, text("no score", zero + 8, y, "quiet")]
    x = zero + float(Fraction(row.margin)) * scale
    class_ = "in" if row.outcome == "advanced" else "out"
    shapes += [line(zero, y, x, y, "axis"), circle(x, y, 5, class_, f"{row.entrant}: {_signed(row.margin)}")]
    is_left = x < zero
    near = x - 10 if is_left else x + 10
    return [*shapes, text(_signed(row.margin), near, y, "", "end" if is_left else "start")]


def _sketch(rows: Sequence[Distance], low: float, span: float) -> list[str]:
    width = 48
    zero = round(-low / span * width)
    lines = []
    for row in rows:
        cells = [" "] * (width + 1)
        cells[zero] = "│"
        if row.margin is not None:
            at = round((float(Fraction(row.margin)) - low) / span * width)
            for step in range(min(at, zero) + 1, max(at, zero)):
                cells[step] = "─"
            cells[at] = "●"
        lines.append(f"{row.entrant:<20.20} {''.join(cells)} {_signed(row.margin):>7}")
    return lines
