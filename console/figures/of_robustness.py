"""Figures of how stable an outcome is: what each weight decides, and what each thing left out would have changed."""

from __future__ import annotations

from collections.abc import Sequence

from console.figures.figure import Figure
from console.figures.rank_map import Ranks, rank_map
from console.figures.weights import Interval, Strip, weights_figure
from handlers.stability.again import Again
from handlers.stability.leave_one_out import LeftOut
from handlers.stability.sweeps import Span, Sweep
from handlers.stability.told import OPEN, about

_NOTE_ON_WEIGHTS = (
    "Each criterion's weight is moved from nothing to everything while the others keep their proportions, under the rules with"
    " their roundings. The line is the weight of the rules; A is the outcome as decided. Ends of intervals are cut to two"
    " places: the exact ones are in the output of phasegate robustness."
)


def weights_of(phase: str, sweeps: Sequence[Sweep]) -> Figure:
    """One strip a criterion; neighbouring weights with the same entrants are one interval."""
    strips = [Strip(row.criterion, about(row.weight, 2), _intervals(row)) for row in sweeps]
    return weights_figure(f"weights-{phase}", f"Who goes on from {phase}, at every weight", _NOTE_ON_WEIGHTS, strips)


def _intervals(row: Sweep) -> tuple[Interval, ...]:
    found: list[tuple[tuple[str, ...], Span, Span]] = []
    for span in row.spans:
        advanced = tuple(sorted(name for name, fate in span.fates.items() if fate == "advanced"))
        if found and found[-1][0] == advanced:
            found[-1] = (advanced, found[-1][1], span)
        else:
            found.append((advanced, span, span))
    return tuple(Interval(about(first.low, 2), about(last.high, 2), who) for who, first, last in found)


def rank_map_of(phase: str, again: Again, rows: Sequence[LeftOut]) -> Figure:
    """Columns by rank; what cannot be left out is not in it."""
    base = again.base
    entrants = sorted(base.fates, key=lambda name: (base.ranks.get(name) is None, base.ranks.get(name), name))
    found = [("", base), *((f"{row.kind} {row.what}", row.found) for row in rows if row.found is not None)]
    ranks = [
        Ranks(
            what,
            tuple(one.ranks.get(name) for name in entrants),
            tuple(one.fates.get(name) or OPEN for name in entrants),
        )
        for what, one in found
    ]
    note = "An arrow marks another outcome: up for who would advance, down for who would not."
    return rank_map(f"ranks-{phase}", f"Ranks in {phase}, without one thing each", note, entrants, ranks, "as decided")
