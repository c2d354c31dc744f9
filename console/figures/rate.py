"""How many records came in over time, as bars: a picture that needs no script."""

from __future__ import annotations

from collections.abc import Sequence

from console.figures.drawing import WIDTH, image, line, rect, text

_LEFT, _RIGHT, _TOP, _HEIGHT = 52.0, 8.0, 10.0, 150.0


def rate_drawn(title: str, description: str, records: Sequence[int], ends: tuple[str, str]) -> str:
    """SVG of one bar for each stretch of time, in order; `ends` say when the first begins and the last."""
    most = max(records, default=0)
    bottom, room = _TOP + _HEIGHT, WIDTH - _LEFT - _RIGHT
    step = room / max(1, len(records))
    shapes = []
    for share in (0, 1, 2):
        y = bottom - _HEIGHT * share / 2
        shapes.append(line(_LEFT, y, WIDTH - _RIGHT, y, "grid" if share else "axis"))
        shapes.append(text(f"{most * share / 2:g}", _LEFT - 8, y, "quiet", "end"))
    for place, count in enumerate(records):
        if count:
            height = _HEIGHT * count / most
            shapes.append(rect(_LEFT + place * step, bottom - height, max(1.0, step - 1), height, "in", str(count)))
    shapes.append(text(ends[0], _LEFT, bottom + 14, "quiet"))
    shapes.append(text(ends[1], WIDTH - _RIGHT, bottom + 14, "quiet", "end"))
    return image("rate", title, description, bottom + 26, shapes)
