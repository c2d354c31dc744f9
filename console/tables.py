"""Tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers_from: int | None = None,
    title: str = "",
    *,
    is_dense: bool = False,
) -> Table:
    """A plain table; columns from `numbers_from` on are set to the right. Nothing is cut off or read as markup. A dense
    one has less room between its columns.
    """
    made = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        show_edge=False,
        pad_edge=False,
        collapse_padding=is_dense,
    )
    for place, head in enumerate(heads):
        right = numbers_from is not None and place >= numbers_from
        made.add_column(Text(head), justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made
