"""`serve`: the flows as a service, beside the recorder: rounds of `progress` and the nightly attestation."""

from __future__ import annotations

import argparse
import os

from console.commands.services import log_to_stderr, stopped_by_signals
from console.options import settings_of
from console.output import Report, Result
from infra.settings import Settings, variable


def serve(options: argparse.Namespace, report: Report) -> Result:
    """Until SIGINT or SIGTERM: lets what runs finish, and leaves nothing behind. What fails at the start is told at once."""
    from flows.prefect_server import PrefectServer
    from flows.wiring import open_parts

    settings = settings_of(options, report)
    log_to_stderr(quiet=report.quiet)
    open_parts(settings, asks_witnesses=True).close()
    hand_down(settings)
    with stopped_by_signals() as stop, PrefectServer(settings.cache, report.say) as server:
        server.ready()
        report.say(f"serving flows at {server.api_url}")
        from flows.serving import serve as serve_flows

        serve_flows(settings, stop)
    return Result({}, lambda console: console.print("stopped"))


def hand_down(settings: Settings) -> None:
    """Flows run in processes of their own, which know settings from the environment alone."""
    os.environ[variable("home")] = str(settings.home.absolute())
    os.environ[variable("database")] = settings.database
