"""Functions of one weight that are straight between certain points: what rounded and unrounded scores are of it. Exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import ceil, floor

from events.rulebook_fields import Rounding
from handlers.rounding import exact_sum, round_to

Line = tuple[Fraction, Fraction]
"""`(c, d)`: c + d * w."""

ZERO = Fraction(0)
HALF = Fraction(1, 2)


Places = Mapping[tuple[int, int], int]
"""Where points stand among others, by numerator and denominator: quicker to look up than fractions."""


def on(line: Line, at: Fraction) -> Fraction:
    """The value of a line there."""
    return line[0] + line[1] * at if line[1] else line[0]


@dataclass(frozen=True, slots=True)
class Pieces:
    """`at` are the values at the points (ascending, the first and the last are the ends), `lines` those between them."""

    points: tuple[Fraction, ...]
    at: tuple[Fraction, ...]
    lines: tuple[Line, ...]

    def through(self, points: Sequence[Fraction], places: Places) -> Pieces:
        """The same function with more points. They hold every point that it has; `places` says where."""
        own = [places[point.as_integer_ratio()] for point in self.points]
        at: list[Fraction] = []
        lines: list[Line] = []
        for (first, last), line, value in zip(pairwise(own), self.lines, self.at, strict=False):
            at.append(value)
            at += [on(line, points[place]) for place in range(first + 1, last)]
            lines += [line] * (last - first)
        return Pieces(tuple(points), (*at, self.at[-1]), tuple(lines))


def straight(line: Line, end: Fraction) -> Pieces:
    """A line from 0 to `end`."""
    return Pieces((ZERO, end), (on(line, ZERO), on(line, end)), (line,))


def together(parts: Sequence[Pieces], more: Iterable[Fraction] = ()) -> list[Pieces]:
    """The same functions, all with the same points, and with more."""
    found = {point.as_integer_ratio(): point for part in parts for point in part.points}
    found |= {point.as_integer_ratio(): point for point in more}
    points = sorted(found.values(), key=_roughly_first)
    places = {point.as_integer_ratio(): place for place, point in enumerate(points)}
    return [part.through(points, places) for part in parts]


def _roughly_first(point: Fraction) -> tuple[int, Fraction]:
    """Sorts as the point does; the exact comparison, which is slow, is made only where the first 64 bits do not tell."""
    return (point.numerator << 64) // point.denominator, point


def added(parts: Sequence[Pieces]) -> Pieces:
    """The sum."""
    aligned = together(parts)
    at = tuple(exact_sum(row) for row in zip(*(part.at for part in aligned), strict=True))
    lines = tuple(
        (exact_sum(c for c, _ in row), exact_sum(d for _, d in row) if any(d for _, d in row) else ZERO)
        for row in zip(*(part.lines for part in aligned), strict=True)
    )
    return Pieces(aligned[0].points, at, lines)


def times(pieces: Pieces, factor: Fraction) -> Pieces:
    """The function a number of times."""
    if factor == 1:
        return pieces
    lines = tuple((c * factor, d * factor) for c, d in pieces.lines)
    return Pieces(pieces.points, tuple(value * factor for value in pieces.at), lines)


def extreme(parts: Sequence[Pieces], *, is_highest: bool) -> Pieces:
    """The highest or the lowest of several, everywhere."""
    aligned = together(parts)
    aligned = together(aligned, crossings(aligned))
    pick = max if is_highest else min
    points = aligned[0].points
    at = tuple(pick(row) for row in zip(*(part.at for part in aligned), strict=True))
    lines = tuple(
        pick(row, key=partial(_at, (low + high) / 2))
        for (low, high), row in zip(pairwise(points), zip(*(part.lines for part in aligned), strict=True), strict=True)
    )
    return Pieces(points, at, lines)


def _at(where: Fraction, line: Line) -> Fraction:
    return on(line, where)


def crossings(parts: Sequence[Pieces]) -> set[Fraction]:
    """Where two of several functions with the same points cross between these."""
    found: set[Fraction] = set()
    for (low, high), row in zip(pairwise(parts[0].points), zip(*(p.lines for p in parts), strict=True), strict=True):
        if not any(slope for _, slope in row):
            continue
        lines = sorted(set(row))
        for number, (c, d) in enumerate(lines):
            for other_c, other_d in lines[number + 1 :]:
                if d != other_d and low < (where := (other_c - c) / (d - other_d)) < high:
                    found.add(where)
    return found


def rounded_pieces(pieces: Pieces, rounding: Rounding) -> Pieces:
    """The rounded function: constant between all points at which it jumps."""
    points = [pieces.points[0]]
    for (low, high), line in zip(pairwise(pieces.points), pieces.lines, strict=True):
        points += sorted(_jumps(line, low, high, rounding))
        points.append(high)
    (own,) = together([pieces], points)
    at = tuple(round_to(value, rounding) for value in own.at)
    lines = tuple(
        (round_to(on(line, (low + high) / 2 if line[1] else low), rounding), ZERO)
        for (low, high), line in zip(pairwise(points), own.lines, strict=True)
    )
    return Pieces(tuple(points), at, lines)


def _jumps(line: Line, low: Fraction, high: Fraction, rounding: Rounding) -> Iterator[Fraction]:
    """Strictly between two points: where a line meets a value at which the rounding jumps."""
    constant, slope = line
    if slope == 0:
        return
    scale = 10**rounding.places
    offset = HALF if rounding.mode in ("half-up", "half-even") else ZERO
    ends = sorted((on(line, low) * scale - offset, on(line, high) * scale - offset))
    for whole in range(floor(ends[0]) + 1, ceil(ends[1])):
        yield ((whole + offset) / scale - constant) / slope
