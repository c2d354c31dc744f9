# ruff: noqa: INP001  # a program of the documents, in no package
"""Makes demo.svg again: what `phasegate demo` prints of one phase and at the end, from a run of its own in a temporary folder.

`.venv/bin/python docs/pictures/make.py`, at the root of the repository.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from console.commands.running import demo
from console.main import parse
from console.output import Report

FOLDER = Path(__file__).resolve().parent
SCENARIO = FOLDER.parents[1] / "examples" / "k-ai-2026"
COLUMNS = 100
FIRST, BEHIND, LAST = "Phase 1 evaluation", "Open call", "* reconstructed"
"""The lines that begin and end what is shown: a whole run has a page for each phase."""

FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Without fonts from elsewhere: the picture loads nothing."""


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)  # so that the picture names .phasegate, as for everybody
        result = demo(parse(["demo", str(SCENARIO)]), Report())
        printed = io.StringIO()
        result.render(Console(width=COLUMNS, file=printed, highlight=False, markup=False, emoji=False))
        os.chdir(FOLDER)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False, markup=False, emoji=False)
    for line in shown(printed.getvalue().splitlines()):
        console.print(line)
    picture = console.export_svg(title="make demo", theme=MONOKAI, code_format=FORMAT, unique_id="demo")
    (FOLDER / "demo.svg").write_text("\n".join(line.rstrip() for line in picture.splitlines()) + "\n", encoding="utf-8")


def shown(lines: list[str]) -> list[str]:
    """The lines of the phase that is shown, and of the end."""
    begins = [next(n for n, line in enumerate(lines) if line.startswith(start)) for start in (FIRST, BEHIND, LAST)]
    return [*lines[begins[0] : begins[1]], "[…]", "", *lines[begins[2] :]]


if __name__ == "__main__":
    main()
