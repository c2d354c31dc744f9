"""A letter on paper or in plain text: the two templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import jinja2

from console.telling.letter import Letter

Format = Literal["html", "md"]


@cache
def _environment(form: Format) -> jinja2.Environment:
    """Names are written by strangers: nothing of them may become markup in either form."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    made = jinja2.Environment(
        loader=loader,
        autoescape=jinja2.select_autoescape(["html"]),
        finalize=None if form == "html" else _plain,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["cell"] = _cell
    made.filters["line"] = _line
    return made


def _plain(text: Any) -> Any:
    """What Markdown would hand on as HTML."""
    return text.replace("<", "&lt;") if isinstance(text, str) else text


def _cell(text: str) -> str:
    """Within a table of Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")


def _line(text: str) -> str:
    """At the beginning of a line of Markdown, where a star or a tilde would begin something."""
    return f"\\{text}" if text[:1] in ("*", "~") else text


def printed(letter: Letter, form: Format) -> str:
    """The letter as the text of a file."""
    return _environment(form).get_template(f"letter.{form}").render(letter=letter)
