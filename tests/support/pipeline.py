"""What the pipeline itself said in a ledger, for comparing one run with another."""

from __future__ import annotations

import json
from typing import Any

from events.derived import pipeline_source
from events.entry import decode_entry
from events.envelope import decode
from infra.ledger import Ledger

MARKED = "phasegate.intake.marked.v1"
CLOSED = "phasegate.intake.closed.v1"
OF_THE_LOG = {"basis"}
OF_THE_OFFSETS = {"markers", "size", "root", "attribution"}
"""What two runs of one programme may differ in: how much else the log held, and where the markers came to lie."""


def own_events(ledger: Ledger, programme: str) -> dict[str, bytes]:
    """The accepted events of the pipeline, markers excepted, by id, to the byte. An id accepted twice is an error."""
    found: dict[str, bytes] = {}
    for stored in ledger.read(programme):
        entry = decode_entry(stored.entry)
        if entry.verdict != "accepted" or stored.opening is None or stored.opening.value is None:
            continue
        event = decode(stored.opening.value)
        if event.source == pipeline_source(programme) and event.type != MARKED:
            assert event.id not in found, f"{event.type} {event.id} is accepted twice"
            found[event.id] = stored.opening.value
    return found


def without_basis(value: bytes) -> bytes:
    """The event's bytes without what says how it lay in its log."""
    event: dict[str, Any] = json.loads(value)
    left_out = OF_THE_LOG | (OF_THE_OFFSETS if event["type"] == CLOSED else set())
    event["data"] = {name: part for name, part in event["data"].items() if name not in left_out}
    return json.dumps(event, ensure_ascii=False, sort_keys=True).encode()
