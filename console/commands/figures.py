"""`figures`: what a phase looks like, drawn in the terminal, or as SVG files with their tables."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.showing import text_of
from console.options import settings_of
from console.output import Report, Result
from events.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console

    from console.figures.figure import Figure
    from handlers.state import PhaseState, State


def figures(options: argparse.Namespace, report: Report) -> Result:
    """Draws every open phase, or the one named; with `--out` each figure is written as a file of its own."""
    from console.figures.of_phase import figures_of, timeline_of
    from flows.reading import open_reading

    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = reading.state(programme, options.at)
    about = text_of(titles) if state.announced and (titles := state.announced.data.get("title")) else ""
    phases = _phases(state, options.phase)
    drawn = [figure for phase in phases for figure in (*figures_of(phase, about), timeline_of(phase, about))]
    files = [] if options.out is None else _written(options.out, drawn)
    rows = [
        {"id": row.id, "title": row.title, "note": row.note, "heads": list(row.heads), "rows": [*map(list, row.rows)]}
        for row in drawn
    ]
    data = {"programme": programme, "size": state.size, "figures": rows, "files": [str(path) for path in files]}
    return Result(data, partial(_show, drawn, files))


def _phases(state: State, wanted: str | None) -> list[PhaseState]:
    if wanted is None:
        return list(state.phases.values())
    if wanted in state.phases:
        return [state.phases[wanted]]
    known = ", ".join(state.phases) or "none"
    raise NotFound(f"{wanted!r} is not open, so there is nothing to draw; open are: {known}")


def _written(folder: Path, drawn: Sequence[Figure]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for figure in drawn:
        path = folder / f"{figure.id}.svg"
        path.write_text(figure.file(), "utf-8")
        paths.append(path)
    return paths


def _show(drawn: Sequence[Figure], files: Sequence[Path], console: Console) -> None:
    from console.tables import table

    for figure in drawn:
        console.print(f"{figure.title}\n", markup=False, highlight=False)
        for line in figure.sketch:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if figure.note:
            console.print(f"\n{figure.note}", markup=False)
        console.print("")
        console.print(table(figure.heads, figure.rows, is_dense=True))
        console.print("")
    if not drawn:
        console.print("no phase is open yet, so there is nothing to draw")
    for path in files:
        console.print(f"written: {path}", soft_wrap=True)
