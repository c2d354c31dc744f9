"""`robustness`: how stable the outcome of a phase is."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from console.commands.stability_shown import show
from console.options import settings_of
from console.output import Report, Result, Usage


def robustness(options: argparse.Namespace, report: Report) -> Result:
    """Decides the phase again, very often, from what its decision was computed from. Reads the ledger and writes nothing."""
    from flows.cut import inputs_at_cut
    from flows.reading import open_reading
    from handlers.stability.again import Again
    from handlers.stability.report import robustness as computed
    from handlers.stability.report import robustness_data

    if options.resamples == 0:
        raise Usage("--resamples 0 draws nothing", hint="give a number such as 1000")
    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        found = inputs_at_cut(reading, programme, options.phase, options.at)
    again = Again(found.inputs)
    about: dict[str, Any] = {
        "programme": programme,
        "phase": options.phase,
        "status": found.status,
        "size": found.size,
        "missing": list(found.owed),
    }
    if not found.is_decided:
        report.warn(f"{options.phase} is {found.status}: this is what the marks so far would give, not a decision")
    told = computed(again, options.seed, options.resamples, report.say)
    data = about | robustness_data(again, told)
    return Result(data, partial(show, data))
