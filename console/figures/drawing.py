"""The few shapes that figures are made of, as SVG text. What comes from outside is escaped; colours are classes of
`style.css`, so that a page, print and the dark each choose theirs. Lengths are user units; y runs downwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files

WIDTH = 720
"""Of every figure; a page scales it to the room there is."""

CHARACTER = 6.6
"""About the width of a character of 12 units, to see whether a text fits."""


def element(name: str, *inside: str, **attributes: str | float) -> str:
    """`<name …>inside</name>`. A trailing underscore of a name is dropped (`class_`), others become hyphens; `inside` is
    SVG already.
    """
    written = "".join(f' {_attribute(key)}="{escape(_value(value))}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def text(said: str, x: float, y: float, class_: str = "", anchor: str = "start") -> str:
    """One line whose middle is at `y`; `anchor` is start, middle or end."""
    place: dict[str, str | float] = {"x": x, "y": y, "dominant_baseline": "central", "text_anchor": anchor}
    return element("text", escape(said), **place, **({"class_": class_} if class_ else {}))


def rect(x: float, y: float, width: float, height: float, class_: str, title: str = "") -> str:
    """A box; `title` is what a pointer over it is told."""
    shape: dict[str, str | float] = {"x": x, "y": y, "width": max(0.0, width), "height": height, "class_": class_}
    return element("rect", *([element("title", escape(title))] if title else []), **shape)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def circle(x: float, y: float, radius: float, class_: str, title: str = "") -> str:
    inside = [element("title", escape(title))] if title else []
    return element("circle", *inside, cx=x, cy=y, r=radius, class_=class_)


def image(id_: str, title: str, description: str, height: float, shapes: Iterable[str]) -> str:
    """A whole figure, with its name and description for whoever does not see it."""
    names = f"{id_}-title {id_}-description"
    return element(
        "svg",
        element("title", escape(title), id=f"{id_}-title"),
        element("desc", escape(description), id=f"{id_}-description"),
        *shapes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {_value(height)}",
        role="img",
        aria_labelledby=names,
        class_="figure",
    )


@cache
def style() -> str:
    """The style sheet of all figures."""
    return files("console.figures").joinpath("style.css").read_text("utf-8")


def standalone(svg: str) -> str:
    """A figure as a file of its own: with its style sheet inside."""
    head, _, rest = svg.partition("</desc>")
    return f"{head}</desc>{element('style', escape(style(), quote=False))}{rest}\n"


def shortened(said: str, width: float) -> str:
    """As much of a text as has room in `width` units."""
    most = max(3, int(width / CHARACTER))
    return said if len(said) <= most else said[: most - 1] + "…"


def fits(said: str, width: float) -> bool:
    """Whether a text has room in `width` units."""
    return len(said) * CHARACTER <= width
