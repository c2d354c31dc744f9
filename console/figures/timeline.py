"""The life of a phase on a line of time: its windows as bars, and what happened as marks on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.figures.drawing import WIDTH, circle, image, line, rect, shortened, text
from console.figures.figure import Figure
from events.values import format_instant

_LEFT, _RIGHT, _ROW, _TOP = 200.0, 40.0, 26.0, 14.0
_ROOM = WIDTH - _LEFT - _RIGHT
_DAY_MS = 86_400_000
_STEPS_MS = tuple(_DAY_MS * days for days in (1, 2, 7, 14, 28, 91, 182, 364))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time during which something was possible; instants in Unix milliseconds. `extended_ms`: the first deadline, where
    it was moved.
    """

    name: str
    begins_ms: int
    ends_ms: int
    extended_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened at an instant, with the index of its entry."""

    name: str
    at_ms: int
    index: int


def timeline_figure(id_: str, title: str, note: str, stretches: Sequence[Stretch], moments: Sequence[Moment]) -> Figure:
    """Stretches from above to below in the order given, then a row for each moment, in order of time."""
    moments = sorted(moments, key=lambda moment: (moment.at_ms, moment.index))
    instants = [at for row in stretches for at in (row.begins_ms, row.ends_ms)] + [row.at_ms for row in moments]
    begin, end = min(instants, default=0), max(instants, default=1)
    scale = _ROOM / max(1, end - begin)
    bottom = _TOP + (len(stretches) + len(moments)) * _ROW
    shapes = _axis(begin, end, scale, bottom)
    for place, row in enumerate(stretches):
        shapes += _bar(row, _TOP + place * _ROW, begin, scale)
    for place, moment in enumerate(moments, len(stretches)):
        shapes += _mark(moment, _TOP + place * _ROW, begin, scale)
    described = "; ".join([f"{row.name} until {format_instant(row.ends_ms)}" for row in stretches])
    return Figure(
        id_,
        title,
        note,
        image(id_, title, described, bottom + 30, shapes),
        ("what, and its entry", "from", "until"),
        (*(_stretch_cells(row) for row in stretches), *(_moment_cells(row) for row in moments)),
        tuple(_sketch(stretches, moments, begin, end)),
    )


def _stretch_cells(row: Stretch) -> tuple[str, ...]:
    until = format_instant(row.ends_ms)
    if row.extended_ms is not None:
        until += f" (first {format_instant(row.extended_ms)})"
    return (row.name, format_instant(row.begins_ms), until)


def _moment_cells(row: Moment) -> tuple[str, ...]:
    return (f"{row.name} {row.index}", format_instant(row.at_ms), "")


def _axis(begin: int, end: int, scale: float, bottom: float) -> list[str]:
    step = next((step for step in _STEPS_MS if (end - begin) / step <= 8), _STEPS_MS[-1])
    shapes = [line(_LEFT, bottom, WIDTH - _RIGHT, bottom, "axis")]
    at = begin + (-begin) % _DAY_MS
    while at <= end:
        x = _LEFT + (at - begin) * scale
        shapes += [line(x, _TOP, x, bottom, "grid"), text(format_instant(at)[:10], x, bottom + 14, "quiet", "middle")]
        at += step
    return shapes


def _bar(row: Stretch, y: float, begin: int, scale: float) -> list[str]:
    x, until = _LEFT + (row.begins_ms - begin) * scale, _LEFT + (row.ends_ms - begin) * scale
    said = f"{row.name}: {format_instant(row.begins_ms)} to {format_instant(row.ends_ms)}"
    shapes = [
        text(shortened(row.name, _LEFT - 16), 8, y + _ROW / 2),
        rect(x, y + 6, max(2.0, until - x), _ROW - 12, "window", said),
    ]
    shapes.append(line(until, y + 3, until, y + _ROW - 3, "now"))
    if row.extended_ms is not None:
        first = _LEFT + (row.extended_ms - begin) * scale
        shapes.append(line(first, y + 3, first, y + _ROW - 3, "cut"))
    return shapes


def _mark(moment: Moment, y: float, begin: int, scale: float) -> list[str]:
    x, middle = _LEFT + (moment.at_ms - begin) * scale, y + _ROW / 2
    is_right = x > WIDTH - 220
    said = f"entry {moment.index}"
    return [
        text(moment.name, 8, middle),
        circle(x, middle, 4.5, "in", f"{moment.name}: {format_instant(moment.at_ms)}, {said}"),
        text(said, x - 10 if is_right else x + 10, middle, "quiet", "end" if is_right else "start"),
    ]


def _sketch(stretches: Sequence[Stretch], moments: Sequence[Moment], begin: int, end: int) -> list[str]:
    width, span = 50, max(1, end - begin)
    lines = []
    for row in stretches:
        first, last = ((at - begin) * width // span for at in (row.begins_ms, row.ends_ms))
        lines.append(f"{row.name:<24.24} {' ' * first}{'━' * max(1, last - first)}┫")
    lines += [f"{row.name:<24.24} {' ' * ((row.at_ms - begin) * width // span)}●" for row in moments]
    return [*lines, f"{'':<24} {format_instant(begin)[:10]}{format_instant(end)[:10]:>{width - 9}}"]
