"""Facts from auditors, panels, and the pipeline's own screens."""

from __future__ import annotations

from typing import Literal

from events.fields import EventId, Id, Payload, Sha256, Text

GateVerdict = Literal["met", "not-met", "undetermined"]


class Evidence(Payload):
    """What a finding rests on: where it is, what it was when it was seen, and what it shows."""

    uri: Text
    sha256: Sha256
    note: Text


class FindingRecorded(Payload):
    """Somebody entitled to look found that a count of a gate is met, not met, or cannot be told."""

    phase: Id
    entrant: Id
    gate: Id
    count: Id
    verdict: GateVerdict
    evidence: list[Evidence]
    component: Text | None = None


class RulingIssued(Payload):
    """Whoever the gate names decides on a finding, after the entrant had its time to answer."""

    finding: EventId
    verdict: GateVerdict
    reasons: Text
