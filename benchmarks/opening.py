"""Opening a log: folded from its first entry, and by a snapshot of all of it, as a recorder opens it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.log import make_log
from benchmarks.measure import Row, against, flat, in_turns, timed
from benchmarks.programme import DEPLOYMENT, ORIGIN, PROGRAMME
from flows.open_logs import OpenLog, OpenLogs
from flows.snapshots import Snapshots
from handlers.folded import Folded, encode
from infra.ledger import Ledger

AT_LEAST = 3.0
"""By a snapshot a log opens so many times as fast as by folding it."""

FLAT_AIM = 1.3
ROUNDS = 3


def by_size(folder: Path, sizes: list[int]) -> Iterator[Row]:
    """Both ways in turns, at each size, and making a snapshot; of opening by one also what an entry costs against that of the
    smallest log: the state has grown with the log, since every mark is in force.
    """
    first: Row | None = None
    for size in sizes:
        ledger = make_log(folder, size, f"log-{size}")
        known = OpenLogs(ledger, DEPLOYMENT, ORIGIN).get(PROGRAMME)
        _keep(ledger, known)
        candidates = {
            "opened by folding": timed(partial(_open, ledger, None)),
            "opened by snapshot": timed(partial(_open, ledger, Snapshots(ledger))),
            "snapshot made": timed(partial(_keep, ledger, known)),
        }
        rows = in_turns(candidates, ROUNDS)
        ledger.close()
        folded, opened = rows["opened by folding"], rows["opened by snapshot"]
        yield folded
        yield against(opened, folded, AT_LEAST)
        if first is not None:
            yield flat(opened, first, FLAT_AIM)
        yield rows["snapshot made"]
        first = first or opened


def _open(ledger: Ledger, snapshots: Snapshots | None) -> int:
    return OpenLogs(ledger, DEPLOYMENT, ORIGIN, snapshots).get(PROGRAMME).state.size


def _keep(ledger: Ledger, known: OpenLog) -> int:
    size = known.state.size
    Snapshots(ledger).write(PROGRAMME, size, encode(Folded(known.state, dict(known.hiding))))
    return size
