"""How the ledgers here were made: each by the code of its own time, run once, from a checkout of the commit that is named.

    PYTHONPATH=CHECKOUT python -P make.py REVISION FILE

0001    ba31664    the small programme up to a ruling that is owed, a checkpoint, what pends
0002    0be7cad    the same with enough repeats for a tile
0003    6ed0df8    the whole programme and a record that was erased
"""

from __future__ import annotations

import gzip
import sqlite3
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import small, stage

REPEATS = 260


def play(revision: str, on: stage.Stage) -> None:
    """With what every one of these commits had."""
    on.tell(small.announced(), *small.beginnings())
    on.progress(small.OPENS + 1)
    on.tell(*small.submissions())
    on.progress(small.DEADLINES["submissions"] + 1)
    on.tell(*small.scores(), small.finding(), small.rebuttal())
    on.progress(small.DEADLINES["scores"] + 1)
    if revision == "0001":
        return
    on.tell(*[small.scores()[0]] * REPEATS)
    on.progress(small.DEADLINES["audits"] + 1)
    if revision == "0002":
        return
    from handlers.decide import decision_id
    from tests.support.erasing import erasure, first_entry, place_of

    on.tell(small.ruling())
    on.progress(small.OPENS + 22 * small.DAY)
    on.tell(small.signature(decision_id(small.PROGRAMME, "heat")))
    on.progress(small.OPENS + 33 * small.DAY + 1)
    on.tell(erasure(place_of(first_entry(on.parts.ledger, small.scores()[0].id))))


def main(revision: str, file: str) -> None:
    with TemporaryDirectory() as folder:
        on = stage.memory_stage(Path(folder))
        play(revision, on)
        on.recorder.settle_up()
        on.parts.close()
        with sqlite3.connect(Path(folder) / "ledger.sqlite") as database:
            Path(file).write_bytes(gzip.compress("\n".join(database.iterdump()).encode(), mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
