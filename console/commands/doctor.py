"""`doctor`: is everything here that a deployment needs, and what to do about what is not."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from console import health_access, health_clocks, health_database, health_logs, health_machine, health_parts
from console.health import Finding, State, examine
from console.options import settings_of
from console.output import Report, Result
from infra.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

UNAVAILABLE = 7
MARKS: Mapping[State, str] = {"ok": "ok", "warning": "warning", "failed": "FAILED"}
COLOURS: Mapping[State, str] = {"ok": "green", "warning": "yellow", "failed": "bold red"}
CHECKS: Mapping[str, Callable[[Settings], Finding]] = {
    "python": health_machine.python,
    "packages": health_machine.packages,
    "java": health_machine.java,
    "broker jars": health_machine.jars,
    "broker": health_parts.broker,
    "topics": health_parts.topics,
    "access": health_access.access,
    "clocks": health_parts.clocks,
    "cluster clock": health_clocks.cluster_clock,
    "database": health_parts.database,
    "db clock": health_clocks.database_clock,
    "checkpoints": health_logs.checkpoints,
    "roles": health_database.roles,
    "durability": health_database.durability,
    "copy": health_database.copy,
    "office key": health_machine.office_key,
    "log key": health_machine.log_key,
    "disk": health_machine.disk,
}


def run(options: argparse.Namespace, report: Report) -> Result:
    """All checks, in order; exit code 7 when one failed."""
    settings = settings_of(options, report)
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")  # libpq waits for ever where packets are dropped
    found = []
    for name, check in CHECKS.items():
        report.detail(f"checking {name}")
        found.append(examine(name, partial(check, settings)))
    failed = [finding.name for finding in found if finding.state == "failed"]
    return Result(
        {"checks": [asdict(finding) for finding in found]},
        partial(_render, found),
        UNAVAILABLE if failed else 0,
        f"failed: {', '.join(failed)}" if failed else "",
        "follow the arrows above" if failed and not options.json else "",
    )


def _render(found: Sequence[Finding], console: Console) -> None:
    from rich.text import Text

    for finding in found:
        line = Text(f"{MARKS[finding.state]:<8}", style=COLOURS[finding.state])
        line.append(f"{finding.name:<14}", style="bold").append(finding.found, style="default")
        console.print(line, soft_wrap=True)
        if finding.todo:
            console.print(Text(f"{'':<22}-> {finding.todo}"), soft_wrap=True)
