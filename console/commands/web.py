"""`console`: the web application, until it is told to stop."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from console.commands.services import log_to_stderr, stopped_by_signals
from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import Unavailable
from infra.settings import Settings, sources

LOOK_S = 0.5
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def console(options: argparse.Namespace, report: Report) -> Result:
    """Answers until SIGINT or SIGTERM. What is under way then is answered; what comes later is not taken."""
    from console.web.application import create_app
    from console.web.counting import Counts
    from console.web.server import WebServer
    from console.web.site import intake_key
    from flows.reading import open_ledger
    from infra.metrics_server import MetricsServer
    from infra.services.notify import ready

    settings = settings_of(options, report)
    require_said(settings, options.listen[0])
    open_ledger(settings).close()  # What is wrong with the ledger is said here, not by every answer.
    if intake_key(settings) is None:
        report.warn(
            f"there is no {settings.intake_key}, so receipts are not signed; phasegate keys new intake makes it"
        )
    log_to_stderr(quiet=report.quiet)
    counts = Counts()
    with ExitStack() as stack:
        stop = stack.enter_context(stopped_by_signals())
        server = stack.enter_context(WebServer(create_app(settings, counts), *options.listen))
        report.say(f"answering at {server.url}")
        if options.metrics is not None:
            told = MetricsServer(counts.registry, options.metrics, lambda: server.is_answering)
            report.say(f"metrics at {stack.enter_context(told).url}/metrics")
        ready()
        while not stop.wait(LOOK_S):
            if not server.is_answering:
                raise Unavailable("the web application has ended by itself", hint="its log says why")
        url = server.url
    return Result({"url": url}, lambda console: console.print(f"{url} answers no more"))


def require_said(settings: Settings, host: str) -> None:
    """Beyond this machine, that everybody may read is said and not left at its default. Raises Usage."""
    if host in LOOPBACK or settings.console_reading != "open" or sources(settings)["console_reading"] != "default":
        return
    raise Usage(
        f"on {host} everybody who reaches this console could read every record",
        hint="set PHASEGATE_CONSOLE_READING=open if that is meant, or =signed-in; or listen on 127.0.0.1",
    )
