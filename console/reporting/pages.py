"""The pages of a report as files: one with the phases, and as many as the log needs for its entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from console.figures.drawing import style as style_of_figures
from console.reporting.chapters import Chapter

PAGE = 1000
"""Entries on a page."""

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Pages:
    """A report. `kind` says for whom it is; `facts` are the lines of its head; `ending` says how it is checked."""

    kind: str
    title: str
    facts: tuple[tuple[str, str], ...]
    chapters: tuple[Chapter, ...]
    ending: tuple[str, ...]


def link(index: int) -> str:
    """Where an entry of the log is shown."""
    return f"entries-{index // PAGE:04d}.html#e{index}"


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["link"] = link
    made.globals["style"] = (_TEMPLATES / "report.css").read_text("utf-8") + style_of_figures()
    return made


def write_index(folder: Path, report: Pages) -> Path:
    """The page that a reader opens."""
    path = folder / "index.html"
    path.write_text(_environment().get_template("index.html").render(report=report), "utf-8")
    return path


def write_entries(folder: Path, report: Pages, rows: Iterator[Mapping[str, Any]], size: int, *, is_full: bool) -> int:
    """The log, a page for each thousand entries; returns how many pages."""
    pages = range(max(1, -(-size // PAGE)))
    template = _environment().get_template("entries.html")
    for here in pages:
        kept: Sequence[Mapping[str, Any]] = [row for row, _ in zip(rows, range(PAGE), strict=False)]
        text = template.render(title=report.title, rows=kept, pages=pages, here=here, is_full=is_full)
        (folder / f"entries-{here:04d}.html").write_text(text, "utf-8")
    return len(pages)
