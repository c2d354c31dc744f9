"""`figures`: what a phase looks like, drawn in the terminal, or as SVG files with their tables."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
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
    from flows.reading import Reading
    from handlers.state import PhaseState, State


def figures(options: argparse.Namespace, report: Report) -> Result:
    """Draws every open phase, or the one named, with `--stability` also what would change its outcome; with `--out` each
    figure is written as a file of its own.
    """
    from flows.reading import open_reading

    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = reading.state(programme, options.at)
        drawn = [
            figure
            for phase in _phases(state, options.phase)
            for figure in _drawn(reading, state, phase, options, report)
        ]
    files = [] if options.out is None else _written(options.out, drawn)
    rows = [
        {"id": row.id, "title": row.title, "note": row.note, "heads": list(row.heads), "rows": [*map(list, row.rows)]}
        for row in drawn
    ]
    data = {"programme": programme, "size": state.size, "figures": rows, "files": [str(path) for path in files]}
    return Result(data, partial(_show, drawn, files))


def _drawn(
    reading: Reading, state: State, phase: PhaseState, options: argparse.Namespace, report: Report
) -> Iterator[Figure]:
    from console.figures.of_phase import figures_of, timeline_of

    about = text_of(titles) if state.announced and (titles := state.announced.data.get("title")) else ""
    yield from figures_of(phase, about)
    if options.stability and phase.in_force is not None:
        report.say(f"{phase.rules.id}: deciding again")
        yield from _stability(reading, state.programme, phase.rules.id, options)
    yield timeline_of(phase, about)


def _stability(reading: Reading, programme: str, phase_id: str, options: argparse.Namespace) -> Iterator[Figure]:
    """Every weight, where the rules say what the criteria weigh, and the ranks without one thing each."""
    from console.figures.of_robustness import rank_map_of, weights_of
    from flows.cut import inputs_at_cut
    from handlers.stability.again import Again
    from handlers.stability.leave_one_out import leave_one_out
    from handlers.stability.sweeps import sweeps

    again = Again(inputs_at_cut(reading, programme, phase_id, options.at).inputs)
    if found := list(sweeps(again)):
        yield weights_of(phase_id, found)
    yield rank_map_of(phase_id, again, leave_one_out(again))


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
