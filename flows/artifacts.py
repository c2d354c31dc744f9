"""What people see in Prefect of a transition: standings and decisions, and of a phase that is held who owes what. Only
pictures of the log: whoever wants to rely on it reads the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.transitions import Progress
from handlers.reasons import Unresolved
from handlers.transition import DecidePhase, FinaliseDecision, HoldPhase, ReopenPhase, Transition
from handlers.views import phase_view


async def show(way: Progress, transition: Transition) -> None:
    """Artifacts of a transition that was performed; of most there is nothing to show."""
    match transition:
        case HoldPhase(phase, missing):
            await _show_owed(way.programme, phase, missing)
        case DecidePhase(phase):
            await _show_decision(await asyncio.to_thread(_view, way, phase), way.programme)
            await _show_nothing_owed(way, phase)
        case ReopenPhase(phase) | FinaliseDecision(phase):
            await _show_nothing_owed(way, phase)
        case _:
            return


async def _show_nothing_owed(way: Progress, phase: str) -> None:
    """Of a phase that was held: else what was owed once would stand there for ever."""
    state = await asyncio.to_thread(lambda: way.state)
    if state.phases[phase].held:
        await _show_owed(way.programme, phase, ())


async def _show_owed(programme: str, phase: str, missing: Sequence[Unresolved]) -> None:
    rows = [{"who": row.who, "owes": row.code, "what": row.what} for row in missing]
    about = f"What {programme} / {phase} is held for" if rows else f"{programme} / {phase}: nothing is owed"
    await acreate_table_artifact(rows, key=f"held-{programme}-{phase}", description=about)


def _view(way: Progress, phase_id: str) -> dict[str, Any]:
    state = way.state
    return phase_view(state, state.phases[phase_id].rules)


async def _show_decision(view: Mapping[str, Any], programme: str) -> None:
    phase_id = view["phase"]
    key = f"{programme}-{phase_id}"
    rows = [
        {"rank": row["rank"], "entrant": row["entrant"], "total": row["total"], **row["scores"]}
        for row in view["standings"]
    ]
    await acreate_table_artifact(rows, key=f"standings-{key}", description=f"Standings of {phase_id} as computed")
    lines = [
        f"- **{row['entrant']}** {row['outcome']}: {', '.join(reason['code'] for reason in row['reasons'])}"
        for row in view["outcomes"]
    ]
    basis = view["basis"]
    text = (
        f"# {programme} / {phase_id}\n\n"
        + "\n".join(lines)
        + f"\n\n{view['vacancies']} vacant. Decided from `{basis['log']}` at size {basis['size']}, root `{basis['root']}`.\n"
    )
    await acreate_markdown_artifact(text, key=f"decision-{key}", description=f"Decision of {phase_id}")
