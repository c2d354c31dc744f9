"""How a run that went wrong is told: a line for whoever reads logs. Prefect keeps the state, and tells people where an
address for alerts is set (flows/automations.py). The programme's log has nothing of it: that a process failed is no fact about
the programme (docs/decisions/0035-a-failed-run-is-no-event.md).
"""

from __future__ import annotations

import sys
from typing import Any

import structlog
from prefect import Flow
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.objects import State as RunState


def tell_of_end(flow: Flow[..., Any], flow_run: FlowRun, state: RunState[Any]) -> None:
    """Called by Prefect with these names: in the process of the run where it failed, in that of `serve` where it died."""
    log_lines_for_machines()
    log = structlog.get_logger("phasegate.runs")
    log.error(
        "run-ended-badly",
        flow=flow.name,
        run=flow_run.name,
        run_id=str(flow_run.id),
        state=state.name,
        message=state.message,
        programme=(flow_run.parameters or {}).get("programme"),
        hint="what was due is still due: the next run goes on from the ledger",
    )


def log_lines_for_machines() -> None:
    """A run in a process of its own has nobody who set up its log: JSON lines on standard error then."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
