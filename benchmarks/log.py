"""The log that is read: made once per run, judged by the real rules and written by the ledger's own append."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.programme import DEPLOYMENT, ORIGIN, PROGRAMME, records
from events.record import Record
from flows.appending import new_entry, opening_of
from handlers.recording import record_one
from handlers.state import State
from handlers.verdicts import ACCEPTED
from infra.ledger import Batch, Ledger, LogAppend, NewEntry
from infra.ledger.database import upgrade

TRANSACTION = 20_000
"""Records per transaction: nothing waits for this log, so the transactions may be large."""


def open_ledger(folder: Path, name: str) -> Ledger:
    """A new SQLite ledger."""
    url = f"sqlite:///{folder}/{name}.sqlite"
    upgrade(url)
    return Ledger.open(url)


def make_log(folder: Path, marks: int, name: str = "log") -> Ledger:
    """A ledger with one log: the programme up to its open phase, then so many accepted marks."""
    ledger = open_ledger(folder, name)
    state = State(PROGRAMME)
    waiting = iter(records(marks))
    done: dict[tuple[str, int], int] = {}
    while chunk := list(islice(waiting, TRANSACTION)):
        size = state.size
        entries = [entry for record in chunk for entry in _entries(state, record)]
        after = done | {(record.topic, record.partition): record.offset + 1 for record in chunk}
        moved = {at: (done.get(at, 0), to) for at, to in after.items() if done.get(at) != to}
        append = LogAppend(PROGRAMME, f"{ORIGIN}/{PROGRAMME}", size, entries)
        ledger.append(Batch([append], moved))
        done = after
    return ledger


def _entries(state: State, record: Record) -> Iterator[NewEntry]:
    for draft in record_one(state, record, DEPLOYMENT):
        if draft.verdict != ACCEPTED:
            raise RuntimeError(f"the measured programme is at fault: {str(draft.verdict)[:500]}")
        yield new_entry(draft, opening_of(record), None)
