"""How the outcome hangs on the weight of each criterion: a strip a criterion, cut where somebody else would go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from console.figures.drawing import WIDTH, fits, image, line, rect, text
from console.figures.figure import Figure

_LEFT, _RIGHT, _ROW, _TOP = 170.0, 24.0, 44.0, 20.0
_ROOM = WIDTH - _LEFT - _RIGHT


@dataclass(frozen=True, slots=True)
class Interval:
    """Between two weights, in points, the same entrants go on."""

    begins: str
    ends: str
    advanced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """A criterion's weight from nothing to everything. `weight` is the rulebook's; intervals lie side by side."""

    criterion: str
    weight: str
    intervals: tuple[Interval, ...]


def weights_figure(id_: str, title: str, note: str, strips: Sequence[Strip]) -> Figure:
    """Each set of entrants that goes on has a colour and a letter; A is the one of the decision."""
    letters = _letters(strips)
    whole = max((Fraction(strip.intervals[-1].ends) for strip in strips if strip.intervals), default=Fraction(1))
    bottom = _TOP + len(strips) * _ROW
    shapes = []
    for place, strip in enumerate(strips):
        shapes += _strip(strip, _TOP + place * _ROW, float(whole), letters)
    for place, (advanced, letter) in enumerate(letters.items()):
        y = bottom + 14 + place * 20
        shapes += [rect(8, y - 7, 14, 14, f"s{place % 6}"), text(letter, 15, y, "inside", "middle")]
        shapes.append(text(", ".join(advanced) or "nobody", 30, y, "quiet"))
    described = "; ".join(f"{strip.criterion}: {len(strip.intervals)} intervals" for strip in strips)
    return Figure(
        id_,
        title,
        note,
        image(id_, title, described, bottom + 14 + len(letters) * 20, shapes),
        ("criterion", "weight", "from", "to", "goes on"),
        tuple(_cells(strip, row) for strip in strips for row in strip.intervals),
        tuple(_sketch(strips, float(whole), letters)),
    )


def _letters(strips: Sequence[Strip]) -> dict[tuple[str, ...], str]:
    """Sets of entrants in the order in which they first appear, those at the present weights first."""
    present = [row.advanced for strip in strips for row in strip.intervals if _holds(row, strip.weight)]
    every = dict.fromkeys([*present, *(row.advanced for strip in strips for row in strip.intervals)])
    return {advanced: chr(ord("A") + place) if place < 26 else "…" for place, advanced in enumerate(every)}


def _holds(row: Interval, weight: str) -> bool:
    return Fraction(row.begins) <= Fraction(weight) <= Fraction(row.ends)


def _cells(strip: Strip, row: Interval) -> tuple[str, ...]:
    return (strip.criterion, strip.weight, row.begins, row.ends, ", ".join(row.advanced) or "nobody")


def _strip(strip: Strip, y: float, whole: float, letters: dict[tuple[str, ...], str]) -> list[str]:
    shapes = [text(strip.criterion, 8, y + 15, "strong")]
    places = {advanced: place for place, advanced in enumerate(letters)}
    for row in strip.intervals:
        begin, end = (float(Fraction(at)) / whole * _ROOM for at in (row.begins, row.ends))
        said = f"{row.begins} to {row.ends}: {', '.join(row.advanced) or 'nobody'}"
        shapes.append(rect(_LEFT + begin, y + 6, end - begin, 18, f"s{places[row.advanced] % 6}", said))
        if fits(letters[row.advanced], end - begin - 2):
            shapes.append(text(letters[row.advanced], _LEFT + (begin + end) / 2, y + 15, "inside", "middle"))
    x = _LEFT + float(Fraction(strip.weight)) / whole * _ROOM
    return [*shapes, line(x, y + 2, x, y + 28, "now"), text(strip.weight, x, y + 36, "quiet", "middle")]


def _sketch(strips: Sequence[Strip], whole: float, letters: dict[tuple[str, ...], str]) -> list[str]:
    width, lines = 50, []
    for strip in strips:
        cells = []
        for place in range(width):
            at = Fraction(2 * place + 1, 2 * width) * Fraction(whole)
            row = next((row for row in strip.intervals if at <= Fraction(row.ends)), None)
            cells.append(" " if row is None else letters[row.advanced])
        now = min(width - 1, int(float(Fraction(strip.weight)) / whole * width))
        lines += [f"{strip.criterion:<24.24} {''.join(cells)}", f"{'':<24} {' ' * now}▲ {strip.weight}"]
    return [*lines, *(f"{letter}: {', '.join(advanced) or 'nobody'}" for advanced, letter in letters.items())]
