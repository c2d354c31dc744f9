"""The peer: `eventsourcing` with its SQLite recorder, used as its documentation shows.

One application; a score sheet is an aggregate of moderate size, its events carry what `score.recorded` carries. Several
aggregates saved at once are one transaction, as ours are. Snapshots and the cache of aggregates are off, as by default.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.programme import mark
from events.envelope import Envelope
from flows.recorder import BATCH_MAX

SHEET = 500
"""Marks of one aggregate."""


class ScoreSheet(Aggregate):
    """Marks by slot, as our own fold keeps them."""

    @event("Opened")
    def __init__(self, phase: str) -> None:
        self.phase = phase
        self.marks: dict[tuple[str, str, str, str], tuple[str, str]] = {}

    @event("ScoreRecorded")
    def record(
        self,
        *, event_id: str, source: str, time: str, phase: str, entrant: str, criterion: str, item: str,
        evaluator: str, value: str, comment: str,
    ) -> None:  # fmt: skip
        self.marks[entrant, criterion, item, evaluator] = (value, event_id)


class Scores(Application[UUID]):
    """The application with its default mapper and transcoder."""


class Peer:
    """An application over a new database, filled once; `append_seconds` is what filling it took."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}.sqlite"
        self.application = Scores(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})
        self.sheets: list[UUID] = []
        self.append_seconds = 0.0

    def append(self, marks: int) -> int:
        """Records so many marks, in transactions as large as our recorder's. Returns the number of events stored."""
        waiting = iter([mark(number) for number in range(marks)])
        while sheets := list(_sheets(waiting)):
            began = time.perf_counter()
            aggregates = []
            for said in sheets:
                sheet = ScoreSheet(phase="final")
                for one in said:
                    sheet.record(event_id=one.id, source=one.source, time=one.time, **one.data)
                aggregates.append(sheet)
            self.application.save(*aggregates)
            self.append_seconds += time.perf_counter() - began
            self.sheets += [sheet.id for sheet in aggregates]
        return marks + len(self.sheets)

    def replay(self) -> int:
        """Every aggregate from its events. Returns how many events that were."""
        get = self.application.repository.get
        return sum(get(sheet).version for sheet in self.sheets)

    def close(self) -> None:
        self.application.close()


def _sheets(waiting: Iterator[Envelope]) -> Iterator[list[Envelope]]:
    """The marks of one transaction, sheet by sheet."""
    for _ in range(BATCH_MAX // SHEET):
        if sheet := list(islice(waiting, SHEET)):
            yield sheet
