"""`console`: the web application, until it is told to stop."""

from __future__ import annotations

import argparse

from console.commands.services import log_to_stderr, stopped_by_signals
from console.options import settings_of
from console.output import Report, Result
from events.errors import Unavailable

LOOK_S = 0.5


def console(options: argparse.Namespace, report: Report) -> Result:
    """Answers until SIGINT or SIGTERM. What is under way then is answered; what comes later is not taken."""
    from console.web.application import create_app
    from console.web.server import WebServer
    from console.web.site import intake_key
    from flows.reading import open_ledger

    settings = settings_of(options, report)
    open_ledger(settings).close()  # What is wrong with the ledger is said here, not by every answer.
    if intake_key(settings) is None:
        report.warn(
            f"there is no {settings.intake_key}, so receipts are not signed; phasegate keys new intake makes it"
        )
    log_to_stderr(quiet=report.quiet)
    host, port = options.listen
    with stopped_by_signals() as stop, WebServer(create_app(settings), host, port) as server:
        report.say(f"answering at {server.url}")
        while not stop.wait(LOOK_S):
            if not server.is_answering:
                raise Unavailable("the web application has ended by itself", hint="its log says why")
        url = server.url
    return Result({"url": url}, lambda console: console.print(f"{url} answers no more"))
