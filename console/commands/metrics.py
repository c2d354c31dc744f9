"""`metrics`: what monitors read of a deployment, from a process outside of it."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from console.commands.services import log_to_stderr, stopped_by_signals
from console.options import settings_of
from console.output import Report, Result
from infra.settings import Settings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from flows.metrics.exporter import Exporter

FIRST_LOOK_S = 60.0
"""How long `--once` waits for the first look at each part; a broker that is away says so after ten seconds."""


def metrics(options: argparse.Namespace, report: Report) -> Result:
    """Serves them until SIGINT or SIGTERM; with `--once` prints them. Parts that are away are told as such, and waited for."""
    from flows.metrics.exporter import Exporter
    from flows.reading import open_ledger
    from flows.wiring import open_bus

    settings = settings_of(options, report)
    log_to_stderr(quiet=report.quiet)
    exporter = Exporter(partial(open_ledger, settings), partial(open_bus, settings))
    registry = registry_of(exporter)
    try:
        return _once(exporter, registry) if options.once else _serve(exporter, registry, options, settings, report)
    finally:
        exporter.close()


def registry_of(*collectors: Any) -> CollectorRegistry:
    """These, and memory, processor time and open files of this process."""
    from prometheus_client import CollectorRegistry, ProcessCollector

    registry = CollectorRegistry(auto_describe=False)
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _once(exporter: Exporter, registry: CollectorRegistry) -> Result:
    from prometheus_client import generate_latest

    exporter.start()
    exporter.await_first_look(FIRST_LOOK_S)
    text = generate_latest(registry).decode()
    parts = {part.name: part.is_up for part in exporter.parts}
    return Result({"parts": parts, "text": text}, lambda console: console.out(text, end=""))


def _serve(
    exporter: Exporter, registry: CollectorRegistry, options: argparse.Namespace, settings: Settings, report: Report
) -> Result:
    from infra.metrics_server import MetricsServer
    from infra.services.notify import ready

    address = options.listen or address_of(settings)
    with stopped_by_signals() as stop, MetricsServer(registry, address, lambda: exporter.is_alive) as server:
        exporter.start()
        ready()
        report.say(f"metrics at {server.url}/metrics")
        stop.wait()
        data = {"url": server.url}
    return Result(data, lambda console: console.print(f"{data['url']} answers no more"))


def address_of(settings: Settings) -> tuple[str, int]:
    """Host and port of PHASEGATE_METRICS."""
    host, _, port = settings.metrics.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
