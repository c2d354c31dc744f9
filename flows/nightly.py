"""The `attest` flow: replays a programme's log and publishes what its attestor has to say of the decisions; and all of them,
as every night. A log that differs from its replay ends as an event and as a failed run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from contextvars import ContextVar
from typing import Any

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from events.errors import Unavailable
from flows.attesting import Attested, announced, publish, replayed
from flows.newest_copy import require_newest
from flows.progress import RETRY_AFTER_S, may_pass
from flows.reading import open_reading
from flows.run_ends import tell_of_end
from flows.wiring import open_parts
from infra.settings import Settings

_SETTINGS: ContextVar[Settings | None] = ContextVar("phasegate_settings", default=None)
"""Those of a command; a flow that Prefect starts reads its own."""


class SomeFailed(Unavailable):
    """Some of the programmes of a run could not be done; each has a failed run of its own, and the next run tries again."""


@task(
    task_run_name="{programme} / replay and attest",
    retries=len(RETRY_AFTER_S),
    retry_delay_seconds=RETRY_AFTER_S,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def replay_and_attest(programme: str, *, again: bool) -> Attested:
    """What the replay found; published and recorded when this returns."""
    return await asyncio.to_thread(_replay_and_attest, programme, again=again)


def _replay_and_attest(programme: str, *, again: bool) -> Attested:
    settings = _SETTINGS.get() or Settings.load()
    with open_reading(settings) as reading:
        require_newest(reading.ledger, settings)
        found = replayed(reading, programme, again=again)
    if found.new:
        with closing(open_parts(settings)) as parts:
            publish(parts, found)
    return found


@flow(name="attest", flow_run_name="{programme} / attest", on_failure=[tell_of_end], on_crashed=[tell_of_end])
async def attest(programme: str, again: bool = False) -> dict[str, Any]:
    """Replays a programme and attests what is not attested yet; `again`: every decision anew, at the present size. Raises
    ReplayDiffers after it has published what differs.
    """
    found = await replay_and_attest(programme, again=again)
    data = found.data()
    key = f"attestation-{data['programme']}"
    await acreate_markdown_artifact(_text(data), key=key, description=f"Replay of {data['programme']}")
    found.check()
    return data


def _text(data: Mapping[str, Any]) -> str:
    rows = [f"| {row['phase']} | `{row['decision']}` | {row['result']} |" for row in data["decisions"]]
    table = "\n".join(["| phase | decision | replayed |", "| --- | --- | --- |", *rows])
    text = f"# {data['programme']}\n\nReplayed to size {data['size']}, root `{data['root']}`."
    text += f" {data['published']} attested now.\n\n"
    first = data["first_difference"]
    told = "" if first is None else f"\n\nFirst difference at entry {first['index']}: {first['what']}."
    return text + table + told + "\n"


@flow(name="attest-all", flow_run_name="attest all", on_failure=[tell_of_end], on_crashed=[tell_of_end])
async def attest_all(again: bool = False) -> list[str]:
    """`attest` of every programme that was announced, one after the other; the names of them. Raises SomeFailed at the end."""
    programmes = await asyncio.to_thread(_announced)
    states = [await attest(programme, again, return_state=True) for programme in programmes]
    failed = [name for name, state in zip(programmes, states, strict=True) if not state.is_completed()]
    if failed:
        raise SomeFailed(f"{len(failed)} of {len(programmes)} programmes failed: {', '.join(failed)}")
    return programmes


def _announced() -> list[str]:
    with open_reading(Settings.load()) as reading:
        return [state.programme for state in announced(reading)]


def run_attest(settings: Settings, programme: str, *, again: bool) -> dict[str, Any]:
    """Runs the flow once in this process, with these settings."""
    token = _SETTINGS.set(settings)
    try:
        result: dict[str, Any] = asyncio.run(attest(programme, again))
    finally:
        _SETTINGS.reset(token)
    return result
