"""A letter on paper or in plain text: the two templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import jinja2

from console.telling.letter import Letter

Format = Literal["html", "md"]


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    made = jinja2.Environment(
        loader=loader,
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["cell"] = _cell
    made.filters["line"] = _line
    return made


def _cell(text: str) -> str:
    """Within a table of Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")


def _line(text: str) -> str:
    """At the beginning of a line of Markdown, where a star or a tilde would begin something."""
    return f"\\{text}" if text[:1] in ("*", "~") else text


def printed(letter: Letter, form: Format) -> str:
    """The letter as the text of a file."""
    return _environment().get_template(f"letter.{form}").render(letter=letter)
