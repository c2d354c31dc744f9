"""A recorder as a process of its own, to be killed. `python -m tests.support.recording GROUP`

Says `ready` once everything is imported, then waits for a line: tests that kill many of these pay for Python's start
while something else runs; and `recording` at its first record. What it logs is on standard error. Works on the parts that
the environment names until it is killed, or a second line comes, or SIGTERM: then it finishes its transaction, signs, and
leaves its group.
"""

from __future__ import annotations

import signal
import sys
import threading

import flows.recorder
from events.record import Record
from flows.lines import of_a_run
from flows.wiring import open_parts


def say(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def main() -> None:
    """A group of its own for each life: its successor does not wait until Kafka misses it, so only the ledger is asked."""
    of_a_run()
    flows.recorder.GROUP = sys.argv[1]
    parts = open_parts()
    say("ready")
    sys.stdin.readline()
    stop = threading.Event()

    def stop_when_told() -> None:
        sys.stdin.readline()
        stop.set()

    threading.Thread(target=stop_when_told, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    recorder = parts.recorder()

    def say_once(_record: Record, _verdict: str) -> None:
        recorder.observe = lambda _record, _verdict: None
        say("recording")

    recorder.observe = say_once
    recorder.run(stop)
    parts.close()


if __name__ == "__main__":
    main()
