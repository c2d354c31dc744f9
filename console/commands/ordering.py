"""`order`: the order drawn for each evaluator of a phase, with what it takes to draw it again elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result

if TYPE_CHECKING:
    from rich.console import Console


def order(options: argparse.Namespace, report: Report) -> Result:
    """Drawn again from the log at each call; nothing of it is stored."""
    from flows.marking_orders import Seeds, orders
    from flows.reading import open_reading

    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = reading.state(programme, options.at)
        data = orders(Seeds(reading), state, options.phase, options.evaluator)
    return Result(data, partial(_show, data))


def _show(data: Mapping[str, Any], console: Console) -> None:
    from console.tables import table

    console.print(f"{data['programme']} {data['phase']}: drawn from the first {data['size']} entries of the log")
    console.print(f"  root      {data['root']}", soft_wrap=True)
    console.print(f"  rulebook  {data['rulebook']}\n", soft_wrap=True)
    for one in data["orders"]:
        rows = [
            [
                str(place),
                row["entrant"],
                f"{row['lot'][:16]}…",
                _done(row),
                "" if row["turn"] is None else str(row["turn"]),
            ]
            for place, row in enumerate(one["entrants"], 1)
        ]
        console.print(one["evaluator"])
        console.print(table(["place", "entrant", "lot", "marks", "marked as"], rows, is_dense=True))
    console.print("A lot is the SHA-256 of six lines; the lowest is marked first. To check one:")
    console.print(
        f"  printf '%s\\n' '{data['domain']}' ROOT RULEBOOK {data['phase']} EVALUATOR ENTRANT | sha256sum",
        soft_wrap=True,
        markup=False,
    )


def _done(row: Mapping[str, Any]) -> str:
    return f"not theirs: {row['out']}" if row["out"] else f"{row['given']} of {row['items']}"
