"""`python -m benchmarks`: measures, prints a line as soon as it is known, and a table at the end."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import bundles, counterfactual, latency, opening, recording, replays, year
from benchmarks.measure import Row
from flows.reading import collect_seldom

EVENTS = 100_000
QUICK = 10_000

Benchmark = Callable[[Path, int], Iterator[Row]]

BENCHMARKS: dict[str, Benchmark] = {
    "record": recording.side_by_side,
    "read": replays.side_by_side,
    "year": lambda folder, _events: year.play(folder),
    "counterfactual": lambda _folder, _events: counterfactual.side_by_side(),
    "bundle": lambda folder, events: bundles.by_size(folder, [events // 10, events, events * 10]),
    "latency": lambda folder, events: latency.from_deadline(folder, 20 if events > QUICK else 5),
    "open": lambda folder, events: opening.by_size(folder, [events // 10, events, events * 10]),
    "flat": lambda folder, events: replays.by_size(folder, [events // 10, events, events * 10]),
}


def main() -> int:
    arguments = _arguments()
    events = arguments.events or (QUICK if arguments.quick else EVENTS)
    screen = Console(stderr=arguments.json)
    collect_seldom()  # As every process that opens a ledger does; it serves the peer as well.
    rows: list[Row] = []
    for name in [arguments.only] if arguments.only else list(BENCHMARKS):
        screen.print(f"[bold]{name}[/bold] with {events:,} events")
        with tempfile.TemporaryDirectory(prefix="phasegate-bench-") as folder:
            for row in BENCHMARKS[name](Path(folder), events):
                rows.append(row)
                screen.print("  " + _line(row), highlight=False)
    if arguments.json:
        print(json.dumps({"machine": _machine(), "rows": [row.data() for row in rows]}, indent=2))
    else:
        Console(width=max(screen.width, 130)).print(_table(rows))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, metavar="N", help=f"main size; {EVENTS:,} without it")
    parser.add_argument("--quick", action="store_true", help=f"main size {QUICK:,}: shorter, and noisy")
    parser.add_argument("--only", choices=BENCHMARKS, help="one benchmark instead of all")
    parser.add_argument("--json", action="store_true", help="the rows as JSON on standard output")
    return parser.parse_args()


def _line(row: Row) -> str:
    ratio = "" if row.ratio is None else f"; {row.ratio:.2f} x {row.peer}"
    return f"{row.name}: {row.events:,} events in {row.seconds:.2f} s, {row.per_second:,.0f}/s{ratio}"


def _table(rows: list[Row]) -> Table:
    table = Table(title=_machine())
    for name in ("what", "events", "seconds", "per second", "µs each", "ratio", "to", "aim"):
        table.add_column(name, justify="left" if name in ("what", "to", "aim") else "right")
    for row in rows:
        aim = "" if row.aim is None else f"{row.aim}: {'met' if row.met else 'missed'}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        figures = (f"{row.events:,}", f"{row.seconds:.2f}", f"{row.per_second:,.0f}", f"{row.microseconds:.1f}")
        table.add_row(row.name, *figures, ratio, row.peer or "", aim)
    return table


def _machine() -> str:
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
