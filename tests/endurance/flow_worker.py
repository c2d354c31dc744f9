"""Flows as a process of their own, to be killed: `python -m tests.endurance.flow_worker`

Each line that comes in is a programme and an instant; the `progress` flow runs once for it, over the parts that the
environment names, and a line says how it ended.
"""

from __future__ import annotations

import asyncio
import sys

from events.errors import PhasegateError
from flows.progress import progress


def main() -> None:
    for line in sys.stdin:
        programme, now = line.split()
        try:
            asyncio.run(progress(programme, now))
        except Exception as error:  # noqa: BLE001 - whatever it was is told to whoever asked, who tries again
            said = error.message if isinstance(error, PhasegateError) else str(error)
            answer = f"{type(error).__name__}: {' '.join(said.split())}"
        else:
            answer = "done"
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
