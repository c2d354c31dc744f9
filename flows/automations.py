"""What the Prefect server does by itself about runs of ours, also when every `serve` is gone: rounds that were missed are let
go, runs that do not end are given up so that nothing waits behind them, and somebody is told. Written anew at each start.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from infra.settings import Settings

MISSED, STUCK, ALERT = "phasegate: missed rounds are let go", "phasegate: stuck runs are given up", "phasegate: alert"
BLOCK = "phasegate-alert"
OURS = ("progress", "rounds", "attest", "attest-all", "publish")
SHORT = ("progress", "rounds", "publish")
"""Flows whose runs take seconds. A nightly replay may take hours."""

_RUNS: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.flow-run.*"}
_ENDS = ("Completed", "Failed", "Crashed", "Cancelled", "TimedOut", "Cancelling")
_BODY = (
    "{{ flow.name }} run {{ flow_run.name }} is {{ flow_run.state.name }}: {{ flow_run.state.message }}. "
    "What was due is still due; the next run goes on from the ledger. docs/flows.md says what to look at."
)


def _events(*names: str) -> set[str]:
    return {f"prefect.flow-run.{name}" for name in names}


def _of(flows: tuple[str, ...]) -> dict[str, Any]:
    return {"prefect.resource.role": "flow", "prefect.resource.name": list(flows)}


def automations(settings: Settings) -> Iterator[AutomationCore]:
    """Those that need no block."""
    late = EventTrigger(
        expect=_events("Late"), match=_RUNS, match_related=_of(("rounds",)), for_each={"prefect.resource.id"}
    )
    missed = ChangeFlowRunState(state=StateType.CANCELLED, message="missed: the next round looks at everything anew")
    yield AutomationCore(name=MISSED, description="Of rounds, only the latest matters.", trigger=late, actions=[missed])
    unended = EventTrigger(
        posture=Posture.Proactive,
        after=_events("Running"),
        expect=_events(*_ENDS),
        match=_RUNS,
        match_related=_of(SHORT),
        for_each={"prefect.resource.id"},
        within=timedelta(seconds=settings.stuck_seconds),
    )
    stuck = ChangeFlowRunState(
        state=StateType.CRASHED, message=f"stuck: it had not ended after {settings.stuck_seconds} s"
    )
    yield AutomationCore(name=STUCK, description="So that nothing waits for them.", trigger=unended, actions=[stuck])


async def apply_automations(client: PrefectClient, settings: Settings) -> None:
    """Makes the server's automations of these names what the settings say; without an address for alerts there is none."""
    wanted = list(automations(settings))
    if settings.alert_url:
        wanted.append(await _alert(settings.alert_url))
    for one in wanted:
        await _apply(client, one)
    if not settings.alert_url:
        for found in await client.read_automations_by_name(ALERT):
            await client.delete_automation(found.id)


async def _apply(client: PrefectClient, wanted: AutomationCore) -> None:
    """Two that start at once may both make one: what is beyond the first is removed at the next start."""
    found = await client.read_automations_by_name(wanted.name)
    if not found:
        await client.create_automation(wanted)
        return
    # An update sends what was set, and not defaults: set all, but for what the server takes at creation alone.
    whole = AutomationCore.model_validate(wanted.model_dump(exclude={"owner_resource"}))
    await client.update_automation(found[0].id, whole)
    for other in found[1:]:
        await client.delete_automation(other.id)


async def _alert(url: str) -> AutomationCore:
    block = CustomWebhookNotificationBlock(
        name=BLOCK, url=url, method="POST", json_data={"subject": "{{subject}}", "text": "{{body}}"}
    )
    saved = await block.save(BLOCK, overwrite=True)
    bad = EventTrigger(
        expect=_events("Failed", "Crashed", "TimedOut", "Late"),
        match=_RUNS,
        match_related=_of(OURS),
        for_each={"prefect.resource.id"},
    )
    tell = SendNotification(block_document_id=saved, subject="phasegate: a run needs a look", body=_BODY)
    return AutomationCore(name=ALERT, description="Tells whom PHASEGATE_ALERT_URL names.", trigger=bad, actions=[tell])
