"""The robustness of a phase's outcome, all of it, and as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.stability.again import Again
from handlers.stability.agreement import Agreement, agreement
from handlers.stability.bootstrap import Bootstrap, bootstrap
from handlers.stability.leave_one_out import LeftOut, leave_one_out
from handlers.stability.margins import Margins, margins
from handlers.stability.roundings import Variant, reduction_variants, rounding_variants
from handlers.stability.smallest import Flip, smallest_flips
from handlers.stability.sweeps import Sweep, sweeps
from handlers.stability.told import (
    agreement_data,
    bootstrap_data,
    flip_data,
    left_out_data,
    margins_data,
    standing_data,
    sweep_data,
    variant_data,
)


@dataclass(frozen=True, slots=True)
class Robustness:
    """`sweeps` are of the rules with their roundings, `scaled` of the scores as they are. Both are empty where the rules
    do not say what every criterion weighs.
    """

    margins: Margins
    left_out: tuple[LeftOut, ...]
    roundings: tuple[Variant, ...]
    reductions: tuple[Variant, ...]
    sweeps: tuple[Sweep, ...]
    scaled: tuple[Sweep, ...]
    flips: Mapping[str, Flip]
    bootstrap: Bootstrap
    agreement: tuple[Agreement, ...]

    @property
    def smallest(self) -> Flip | None:
        """The smallest of all flips."""
        return min(self.flips.values(), key=lambda flip: flip.order, default=None)


def robustness(again: Again, seed: int, resamples: int, say: Callable[[str], None] = lambda _: None) -> Robustness:
    """Everything. `say` is told what is being done."""
    say("leaving out each evaluator, item and criterion")
    left_out = leave_one_out(again)
    say("other roundings and means")
    roundings, reductions = tuple(rounding_variants(again)), tuple(reduction_variants(again))
    say("every weight of each criterion")
    under_rules, scaled = tuple(sweeps(again)), tuple(sweeps(again, "scores"))
    say("every value of each mark")
    flips = smallest_flips(again)
    say(f"{resamples} panels drawn anew")
    drawn = bootstrap(again, seed, resamples)
    return Robustness(
        margins(again), left_out, roundings, reductions, under_rules, scaled, flips, drawn, tuple(agreement(again))
    )


def robustness_data(again: Again, found: Robustness) -> dict[str, Any]:
    """As JSON. Numbers are texts: as exact as computed, `p/q` where decimals do not end."""
    return {
        "standings": standing_data(again),
        "margins": margins_data(found.margins),
        "leave_one_out": [left_out_data(row) for row in found.left_out],
        "roundings": [variant_data(row) for row in found.roundings],
        "reductions": [variant_data(row) for row in found.reductions],
        "weights": [sweep_data(row) for row in (*found.sweeps, *found.scaled)],
        "smallest": None if found.smallest is None else flip_data(found.smallest),
        "smallest_by_entrant": {name: flip_data(flip) for name, flip in found.flips.items()},
        "bootstrap": bootstrap_data(found.bootstrap),
        "agreement": [agreement_data(row) for row in found.agreement],
    }
