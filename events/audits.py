"""Facts from auditors, panels, and the pipeline's own screens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from events.fields import Criterion, EventId, Id, Number, Payload, Sha256, Text

Index = Annotated[int, Field(ge=0, le=2**53 - 1)]

Said = Annotated[str, StringConstraints(max_length=1000)]
"""A value of a log as text, cut where it is longer; may be empty."""

GateVerdict = Literal["met", "not-met", "undetermined"]


class Evidence(Payload):
    """What a finding rests on: where it is, what it was when it was seen, and what it shows."""

    uri: Text
    sha256: Sha256
    note: Text


class FindingRecorded(Payload):
    """Somebody entitled to look found that a count of a gate is met, not met, or cannot be told. `reopening` names the
    phase.reopened in whose time it was found, when the intake is over.
    """

    phase: Id
    entrant: Id
    gate: Id
    count: Id
    verdict: GateVerdict
    evidence: list[Evidence]
    component: Text | None = None
    reopening: EventId | None = None


class RulingIssued(Payload):
    """Whoever the gate names decides on a finding, after the entrant had its time to answer."""

    finding: EventId
    verdict: GateVerdict
    reasons: Text


class ConflictDeclared(Payload):
    """An evaluator's interest in entrants, as declared. It excludes nothing unless the phase's rules say so."""

    evaluator: Id
    entrants: Annotated[list[Id], Field(min_length=1)]
    nature: Text


class EvaluatorRecused(Payload):
    """An evaluator is out of the count for these entrants."""

    evaluator: Id
    entrants: Annotated[list[Id], Field(min_length=1)]
    reason: Text


class CountTicked(Payload):
    """A panel member's tick at a gate: `not_met` true means that the count is not met; the last one counts."""

    phase: Id
    entrant: Id
    gate: Id
    count: Id
    evaluator: Id
    not_met: bool


class RecognitionVoted(Payload):
    """An evaluator says whether an applicant of an open call can compete; the last vote counts."""

    call: Id
    entrant: Id
    evaluator: Id
    vote: Literal["yes", "no"]


class ObjectionRuled(Payload):
    """A panel that did not score decides on an objection. `remedy` says in words what has to be done again."""

    objection: EventId
    admissible: bool
    outcome: Literal["upheld", "dismissed"]
    reasons: Text
    remedy: Text | None = None


class ReproductionReported(Payload):
    """A random re-run of a result that an entrant reported itself. On record beside the mark; it changes none."""

    phase: Id
    entrant: Id
    criterion: Criterion
    item: Id
    value: Number


class ActApproved(Payload):
    """The second person: an act that the rulebook wants approved counts from here on. `act` is its event's id."""

    act: EventId
    role: Id
    meaning: Text


class ReplayDifference(Payload):
    """The first thing that came out differently: at which entry, of what, which member, and both values as text."""

    index: Index
    what: Said
    member: Said
    recorded: Said
    replayed: Said


class ReplayAttested(Payload):
    """Somebody replayed the log up to `size`, which has this Merkle root there, and says how a decision came out: identical
    when everything up to the decision did, byte for byte; else `difference` is the first.
    """

    decision: EventId
    size: Annotated[int, Field(ge=1, le=2**53 - 1)]
    root: Sha256
    result: Literal["identical", "different"]
    difference: ReplayDifference | None = None
