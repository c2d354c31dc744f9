"""`topics apply`: the topics of a deployment as they must be, made or changed, or only shown."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from console.options import settings_of
from console.output import Report, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from infra.kafka.topic_plan import Change


def run(options: argparse.Namespace, report: Report) -> Result:
    """Plans for all topics before anything is done to one."""
    from flows.wiring import cluster_of
    from infra.kafka.topic_plan import Wanted, carry_out, plan

    settings = settings_of(options, report)
    wanted = Wanted(
        settings.prefix,
        settings.partitions,
        settings.replication if options.replication is None else options.replication,
        settings.min_insync if options.min_insync is None else options.min_insync,
    )
    with cluster_of(settings).administering() as admin:
        steps = plan(admin, wanted)
        if steps and not options.dry_run:
            report.say(f"making {len(steps)} changes to the topics {settings.prefix}.*")
            carry_out(admin, wanted, steps)
    rows = [
        {"topic": step.topic, "setting": step.setting, "found": step.found, "wanted": step.wanted} for step in steps
    ]
    data = {"prefix": settings.prefix, "partitions": wanted.partitions, "applied": not options.dry_run, "changes": rows}
    return Result(data, partial(_show, steps, wanted.names, is_done=not options.dry_run))


def _show(steps: Sequence[Change], names: Sequence[str], console: Console, *, is_done: bool) -> None:
    from console.tables import table

    if not steps:
        console.print(f"nothing to do: {len(names)} topics are as they must be")
        return
    rows = [(step.topic, step.setting, step.found or "is not there", step.wanted) for step in steps]
    console.print(table(("topic", "setting", "was" if is_done else "is", "is now" if is_done else "would be"), rows))
    console.print(f"{len(steps)} changes made" if is_done else f"{len(steps)} changes, none made (--dry-run)")
