"""How a run that went wrong is told: a line for whoever reads logs. Prefect keeps the state, and tells people where an
address for alerts is set (flows/automations.py). The programme's log has nothing of it: that a process failed is no fact about
the programme (docs/decisions/0035-a-failed-run-is-no-event.md).
"""

from __future__ import annotations

from typing import Any

import structlog
from prefect import Flow
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.objects import State as RunState

from flows.lines import of_a_run


def tell_of_end(flow: Flow[..., Any], flow_run: FlowRun, state: RunState[Any]) -> None:
    """Called by Prefect with these names: in the process of the run where it failed, in that of `serve` where it died."""
    of_a_run()
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
