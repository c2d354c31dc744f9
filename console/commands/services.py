"""What runs beside the people: `record`, the ledger's only writer, and `progress`, which performs what is due."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from events.record import Record
    from flows.wiring import Parts


def record(options: argparse.Namespace, report: Report) -> Result:
    """Records until SIGINT or SIGTERM, or with `--once` what is there. Makes the topics that are missing."""
    from flows.service import Service
    from flows.wiring import open_parts

    settings = settings_of(options, report)
    log_to_stderr(quiet=report.quiet)
    began = time.monotonic()
    with stopped_by_signals() as stop, counting(options.metrics, report) as count:
        opened = partial(open_parts, settings, make_topics=True, asks_witnesses=True)
        service = Service(opened, stop, count, bool(report.verbose))
        service.once() if options.once else service.run()
    data = {"records": service.records, "seconds": round(time.monotonic() - began, 2)}
    return Result(data, lambda console: console.print(f"{data['records']} records in {data['seconds']} s"))


@contextmanager
def counting(address: tuple[str, int] | None, report: Report) -> Iterator[Callable[[Sequence[Record]], None]]:
    """Gives what is told of committed records; where an address is given, serves how long they took."""
    if address is None:
        yield lambda _records: None
        return
    from console.commands.metrics import registry_of
    from flows.metrics.record_times import RecordTimes
    from infra.clock import now_ms
    from infra.metrics_server import MetricsServer

    times = RecordTimes()
    with MetricsServer(registry_of(times), address, lambda: True) as server:
        report.say(f"metrics at {server.url}/metrics")
        yield lambda records: times.add(records, now_ms())


def log_to_stderr(*, quiet: bool) -> None:
    """Structured logs as lines on standard error: for people where they watch, else JSON."""
    import logging

    from flows.lines import to_stderr

    to_stderr(logging.WARNING if quiet else logging.INFO, for_people=sys.stderr.isatty())


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; what they did before is put back at the end."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda _number, _frame: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def progress(options: argparse.Namespace, report: Report) -> Result:
    """Performs everything that is due, as a run of the Prefect flow; a recorder must be running."""
    from events.values import format_instant
    from flows.lines import tell_performed
    from flows.prefect_server import PrefectServer
    from flows.reading import open_reading
    from flows.transitions import Progress
    from flows.wiring import open_parts
    from handlers.due import next_instant
    from infra.clock import now_ms

    settings = settings_of(options, report)
    log_to_stderr(quiet=not report.verbose)
    with open_reading(settings) as reading:
        programme = reading.head(options.programme).programme
    with closing(open_parts(settings)) as parts:
        at_ms = _moment(parts, programme, options.now)
        with PrefectServer(settings.cache, report.say) as server:
            server.ready()
            report.say(f"performing what is due in {programme}, flows at {server.api_url}")
            from flows.progress import run_progress

            way = Progress(parts, programme, partial(tell_performed, programme))
            done = run_progress(way, None if at_ms is None else format_instant(at_ms), "progress", is_shared=True)
        following = next_instant(parts.reader().state(programme), now_ms() if at_ms is None else at_ms)
    data = {
        "programme": programme,
        "done": done,
        "due_next": None if following is None else format_instant(following),
    }
    return Result(data, partial(_show_progress, data))


def _moment(parts: Parts, programme: str, now: str | None) -> int | None:
    """The time that was given, where the programme runs in its own time; None where the clock says it."""
    from events.values import parse_instant

    if now is None and parts.bus.clock == "scenario":
        raise Usage(f"{programme} runs in its own time", hint="say what time it is there: --now 2026-01-15T06:00:00Z")
    if now is not None and parts.bus.clock == "broker":
        raise Usage(f"{programme} runs in the broker's time, which nobody can set", hint="leave --now out")
    try:
        return None if now is None else parse_instant(now)
    except ValueError as error:
        raise Usage(f"--now: {error}") from None


def _show_progress(data: Mapping[str, Any], console: Console) -> None:
    for what in data["done"]:
        console.print(f"done: {what}")
    if not data["done"]:
        console.print(f"nothing was due in {data['programme']}")
    console.print(f"next: {data['due_next'] or 'nothing by time alone'}")
