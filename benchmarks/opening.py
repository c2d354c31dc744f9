"""Opening a log: folded from its first entry, by a snapshot of all of it, and from a recorder's start to its first verdict."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.log import make_log
from benchmarks.measure import Row, Timed, against, flat, in_turns, timed
from benchmarks.programme import DEPLOYMENT, ORIGIN, PROGRAMME, mark_record
from flows.open_logs import OpenLogs
from flows.snapshots import Snapshots
from handlers.folded import Encoded, Folded, encode, pack
from handlers.recording import record_one
from handlers.verdicts import ACCEPTED
from infra.ledger import Ledger

AT_LEAST = 3.0
"""By a snapshot a log opens so many times as fast as by folding it."""

FLAT_AIM = 1.5
ROUNDS = 3

GROWN = 1000
"""Entries after which another snapshot is measured."""


def by_size(folder: Path, sizes: list[int]) -> Iterator[Row]:
    """All ways in turns, at each size. Of a first verdict also what it costs against that in the smallest log: it should not
    grow. Every mark of these logs is in force. The logs have `GROWN` marks less than a size says.
    """
    first: Row | None = None
    for size in sizes:
        ledger = make_log(folder, size - GROWN, f"log-{size}")
        whole = encode(_known(ledger))
        Snapshots(ledger).write(PROGRAMME, ledger.heads()[0].size, whole)
        candidates = {
            "opened by folding": timed(partial(_folded, ledger)),
            "opened by snapshot, all of it": timed(partial(_opened, ledger)),
            "start to first verdict": timed(partial(_first_verdict, ledger, size - GROWN)),
            "snapshot made of all": timed(partial(_made, ledger, _known(ledger))),
            f"snapshot made after {GROWN} more": _grown(ledger, size - GROWN),
        }
        rows = in_turns(candidates, ROUNDS)
        ledger.close()
        folded, opened, verdict, *made = rows.values()
        yield folded
        yield against(opened, folded, AT_LEAST)
        yield verdict if first is None else flat(verdict, first, FLAT_AIM)
        yield from made
        first = first or verdict


def _known(ledger: Ledger) -> Folded:
    opened = OpenLogs(ledger, DEPLOYMENT, ORIGIN).get(PROGRAMME)
    return Folded(opened.state, dict(opened.hiding))


def _folded(ledger: Ledger) -> int:
    return _known(ledger).state.size


def _opened(ledger: Ledger) -> int:
    found = Snapshots(ledger).restore(PROGRAMME, judging=True)
    assert found is not None
    return found.state.size


def _first_verdict(ledger: Ledger, marks: int) -> int:
    state = OpenLogs(ledger, DEPLOYMENT, ORIGIN, Snapshots(ledger)).get(PROGRAMME).state
    (draft,) = record_one(state, mark_record(marks), DEPLOYMENT)
    if draft.verdict != ACCEPTED:
        raise RuntimeError(f"the measured mark is at fault: {draft.verdict}")
    return 1


def _made(ledger: Ledger, known: Folded) -> int:
    return _written(ledger, encode(known), known.state.size)


def _written(ledger: Ledger, encoded: Encoded, size: int) -> int:
    Snapshots(ledger).write(PROGRAMME, size, encoded)
    return size


def _grown(ledger: Ledger, marks: int) -> Timed:
    """Of a log that was opened by a snapshot: what has come since, and what that touches. Nothing of it is kept."""

    def run() -> tuple[int, float]:
        opened = OpenLogs(ledger, DEPLOYMENT, ORIGIN, Snapshots(ledger)).get(PROGRAMME)
        for number in range(marks, marks + GROWN):
            for _ in record_one(opened.state, mark_record(number), DEPLOYMENT):
                pass
        return timed(partial(_pack, Folded(opened.state, dict(opened.hiding))))()

    return run


def _pack(known: Folded) -> int:
    encoded = encode(known)
    pack(encoded.head)
    return known.state.size
