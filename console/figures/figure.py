"""What a figure is: a picture, the table that says the same, and a sketch of it for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape

from console.figures.drawing import standalone

MANY = 24
"""A table of more rows than this is folded on a page."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `rows` under `heads` hold every number of the picture, so that nobody needs to see it; `sketch` is the
    picture in characters, about 80 wide. `entries` lead from the text of a row's first cell to the entry that it rests on.
    """

    id: str
    title: str
    note: str
    svg: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sketch: tuple[str, ...]
    entries: Mapping[str, int] = field(default_factory=dict)

    def file(self) -> str:
        """The picture as a file of its own."""
        return standalone(self.svg)

    def html(self, link: Callable[[int], str] | None = None) -> str:
        """The picture with its table beneath, for a page that has the style sheet; `link` says where an entry is shown."""
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.heads)
        body = "".join(f"<tr>{self._cells(row, link)}</tr>" for row in self.rows)
        caption = f"<caption>{escape(self.title)}</caption>"
        table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        if len(self.rows) > MANY:
            table = f"<details><summary>The same as a table of {len(self.rows)} rows</summary>{table}</details>"
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        said = f"<figcaption><strong>{escape(self.title)}</strong>{note}</figcaption>"
        return f'<figure id="{escape(self.id)}">{said}{self.svg}<div class="beneath">{table}</div></figure>'

    def _cells(self, row: tuple[str, ...], link: Callable[[int], str] | None) -> str:
        first, *others = row
        index = self.entries.get(first)
        name = escape(first)
        if link is not None and index is not None:
            name = f'<a href="{escape(link(index))}">{name}</a>'
        return f'<th scope="row">{name}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in others)


BLOCKS = "█▓▒░▚▞"
"""What the parts of a bar are sketched with, in order."""


def sketched(length: float, whole: float, width: int, block: str = BLOCKS[0]) -> str:
    """A bar of `length` out of `whole` in `width` characters."""
    return block * round(length / whole * width) if whole > 0 else ""
