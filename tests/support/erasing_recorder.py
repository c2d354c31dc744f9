"""A recorder that kills itself with -9 at an erasure. `python -m tests.support.erasing_recorder POINT GROUP`

POINT: `before` anything is deleted, `after` it was and before the commit, or `committed`, before the file is swept. Else it
records everything that is there and stops.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from sqlalchemy import Connection, Engine

import flows.recorder
import infra.ledger.ledger
import infra.ledger.writer
from flows.lag import behind
from flows.wiring import open_parts
from infra.ledger import Erasing
from infra.ledger.database import sweep
from infra.ledger.erasing import erase

POINTS = ("before", "after", "committed")


def main() -> None:
    point, flows.recorder.GROUP = sys.argv[1:]

    def die(at: str) -> None:
        if point == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def erase_or_die(connection: Connection, log_id: int, erasing: Sequence[Erasing]) -> None:
        if erasing:
            die("before")
        erase(connection, log_id, erasing)
        if erasing:
            die("after")

    def sweep_or_die(engine: Engine) -> None:
        die("committed")
        sweep(engine)

    vars(infra.ledger.writer)["erase"] = erase_or_die
    vars(infra.ledger.ledger)["sweep"] = sweep_or_die
    parts = open_parts()
    recorder = parts.recorder()
    while behind(parts.bus, parts.ledger):
        recorder.step()
    recorder.settle_up()
    recorder.close()
    parts.close()


if __name__ == "__main__":
    main()
