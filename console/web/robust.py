"""How stable the outcome of a phase is, for a page: what `phasegate robustness` and `figures --stability` compute of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from console.arguments import At
from console.figures.figure import Figure
from console.figures.margins import Distance, margins_figure
from console.figures.of_robustness import rank_map_of, weights_of
from flows.cut import inputs_at_cut
from flows.reading import Reading
from handlers.stability.again import Again
from handlers.stability.leave_one_out import leave_one_out
from handlers.stability.margins import margins
from handlers.stability.sweeps import sweep
from handlers.stability.told import left_out_data, margins_data, standing_data, sweep_data
from handlers.stability.weights import scalings

STEPS = 8
"""About how many parts it is computed in."""

_NOTE = "Of those within the places: the distance to the first below. Of those below: to the last within."


@dataclass(frozen=True, slots=True)
class Robust:
    """`margins`, `weights` and `left_out` as `phasegate robustness --json` has them; of what is left out only what changes
    a rank or an outcome. `tried` counts all.
    """

    status: str
    is_decided: bool
    size: int
    margins: Mapping[str, Any]
    weights: tuple[Mapping[str, Any], ...]
    left_out: tuple[Mapping[str, Any], ...]
    tried: int
    figures: tuple[Figure, ...]


def robust(reading: Reading, programme: str, phase: str, size: int, each: Callable[[], None]) -> Robust:
    """Reads the log for itself, so that nobody's turn is taken meanwhile. `each` is called between the parts. Raises NotFound
    for a phase that is not open, Refused for one of which nobody advances.
    """
    found = inputs_at_cut(replace(reading), programme, phase, At(size=size))
    again = Again(found.inputs)
    each()
    left_out = tuple(leave_one_out(again))
    each()
    swept = []
    for scaling in scalings(found.inputs.rules):
        swept.append(sweep(again, scaling))
        each()
    at_cut = margins_data(margins(again))
    weights = [weights_of(phase, swept)] if swept else []
    figures = (_margins_of(phase, again, at_cut), *weights, rank_map_of(phase, again, left_out))
    rows = tuple(row for row in map(left_out_data, left_out) if row.get("outcomes") or row.get("ranks"))
    told = tuple(map(sweep_data, swept))
    return Robust(found.status, found.is_decided, found.size, at_cut, told, rows, len(left_out), figures)


def _margins_of(phase: str, again: Again, at_cut: Mapping[str, Any]) -> Figure:
    by_entrant = at_cut["by_entrant"]
    rows = [Distance(row["entrant"], by_entrant.get(row["entrant"]), row["outcome"]) for row in standing_data(again)]
    return margins_figure(f"margins-{phase}", f"Margins at the last place of {phase}", _NOTE, rows)
