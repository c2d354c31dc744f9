"""The `publish` flow: of each final decision whose figures are published, the public bundle goes into a folder, for whoever
puts that on a web site. It shows what the profile of the rules shows and no more, and is checked before it is there.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from events.errors import Refused, Unavailable
from events.note import VerifierKey, format_vkey
from flows.audit_report import Trust
from flows.auditing import Audit
from flows.exporting import Exported, Exporter, View, latest_checkpoint, opened_checkpoint
from flows.progress import RETRY_AFTER_S, STUCK_AFTER_S, may_pass
from flows.reading import Reading, open_reading
from flows.run_ends import tell_of_end
from flows.witnessed import witnessed
from handlers.disclosure import to_everybody
from handlers.state import State
from infra.bundle.reading import open_bundle
from infra.bundle.writing import ZipWriter
from infra.durable import move, sync_directory
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Publication:
    """A final decision, and the profile whose figures of it are published; `index` is the entry that says the last of both."""

    programme: str
    phase: str
    decision: str
    profile: str
    index: int

    def place(self, folder: Path) -> Path:
        """Where its bundle goes. A decision has its own name, so nothing is written over."""
        return folder / self.programme / f"{self.phase}-{self.profile}-{self.decision[:8]}.zip"


def publications(state: State) -> Iterator[Publication]:
    """Everything of a programme that is to be published, in the order of its phases."""
    for phase_id, phase in state.phases.items():
        for decision_id, decision in phase.decisions.items():
            if decision.finalised is None:
                continue
            for profile, fact in sorted(decision.published.items()):
                index = max(fact.index, decision.finalised.index)
                yield Publication(state.programme, phase_id, decision_id, profile, index)


def unpublished(state: State, folder: Path) -> list[Publication]:
    """What is not in the folder yet."""
    return [one for one in publications(state) if not one.place(folder).exists()]


@task(
    task_run_name="{programme} / publish",
    retries=len(RETRY_AFTER_S),
    retry_delay_seconds=RETRY_AFTER_S,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def put(programme: str) -> list[dict[str, Any]]:
    """Each bundle that was missing; in place and checked when this returns."""
    return await asyncio.to_thread(_put, programme)


@flow(
    name="publish",
    flow_run_name="{programme} / publish",
    timeout_seconds=STUCK_AFTER_S,
    on_failure=[tell_of_end],
    on_crashed=[tell_of_end],
)
async def publish(programme: str) -> list[str]:
    """Puts what is not published yet into `PHASEGATE_PUBLISH_DIR`, and returns where. Again it finds nothing to do."""
    rows = await put(programme)
    for row in rows:
        text = "\n".join(f"- {name}: `{value}`" for name, value in row.items())
        key = f"published-{programme}-{row['phase']}"
        await acreate_markdown_artifact(text, key=key, description=f"Published of {programme} / {row['phase']}")
    return [row["path"] for row in rows]


def _put(programme: str) -> list[dict[str, Any]]:
    settings = Settings.load()
    if settings.publish_dir is None:
        raise Refused("there is no folder to publish in", hint="set PHASEGATE_PUBLISH_DIR")
    with open_reading(settings) as reading:
        missing = unpublished(reading.state(programme), settings.publish_dir)
        return [_published(reading, one, settings, settings.publish_dir) for one in missing]


def _published(reading: Reading, one: Publication, settings: Settings, folder: Path) -> dict[str, Any]:
    place = one.place(folder)
    _require_covered(reading, one)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=place.parent) as scratch:
            draft = Path(scratch) / place.name
            done = _exported(reading, one, settings, draft)
            with open_bundle(draft) as files:
                Audit(files, Trust(done.vkey)).run()
            digest = file_digest(draft.open("rb"), "sha256").hexdigest()
            move(draft, place)
        sync_directory(place.parent)
    except OSError as error:
        raise Unavailable(f"{place} could not be written: {error.strerror or error}") from error
    return {
        "phase": one.phase, "profile": one.profile, "decision": one.decision, "path": str(place), "sha256": digest,
        "size": done.checkpoint.size, "root": done.checkpoint.root.hex(), "vkey": format_vkey(done.vkey),
    }  # fmt: skip


def _require_covered(reading: Reading, one: Publication) -> None:
    """Raises Unavailable until a checkpoint covers what is published: the recorder signs it at its next pause."""
    head = reading.head(one.programme)
    signed = opened_checkpoint(head, latest_checkpoint(reading.ledger, head), reading.log_keys)[1].size
    if signed <= one.index:
        raise Unavailable(
            f"entry {one.index} of {one.programme} is not signed yet; the latest checkpoint covers {signed}",
            hint="the recorder signs at its next pause; phasegate status shows whether it runs",
        )


def _exported(reading: Reading, one: Publication, settings: Settings, draft: Path) -> Exported:
    def cosigned(programme: str, note: bytes, key: VerifierKey) -> bytes:
        return witnessed(reading.ledger, programme, note, key, settings).note

    office = reading.deployment().office_keys
    exporter = Exporter(reading.ledger, reading.partitions, office, reading.log_keys, cosigned)
    view = View(f"what is public, with the figures of profile {one.profile}", to_everybody(one.profile))
    return exporter.export(reading.head(one.programme), ZipWriter(draft), view)
