"""Facts from the programme office and from the pipeline itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from events.fields import Code, Criterion, EngineId, EventId, Exact, Id, Instant, Payload, Sha256, Text, Texts, Window

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class ProgrammeAnnounced(Payload):
    """The programme begins: its rules enter the log whole. `digest` is the SHA-256 of the rulebook's RFC 8785 JSON;
    `engine` the version of the deciding code that it keeps, "1" where it is not said.
    """

    rulebook: dict[str, Any]
    digest: Sha256
    clock: Literal["broker", "scenario"]
    title: Texts | None = None
    engine: EngineId | None = None


class EvaluatorAppointed(Payload):
    """A person (by pseudonym) or a benchmark runner may mark for a panel."""

    evaluator: Id
    panel: Id


class PhaseOpened(Payload):
    """A phase takes its entrants in. `opens` and `windows` are instants; a window ends at its instant, inclusive."""

    phase: Id
    entrants: list[Id]
    opens: Instant
    windows: dict[Window, Instant]


class IntakeMarked(Payload):
    """A mark behind a deadline, one in each topic: what stands before it and is stamped in time, came in time."""

    phase: Id
    window: Window
    deadline: Instant
    attempt: Annotated[int, Field(ge=1, le=1000)]


class IntakeClosed(Payload):
    """Every window of the phase is complete. `size` and `root` are of the smallest log that holds all its markers;
    `attribution` is the digest of whose the offsets between are (docs/formats.md).
    """

    phase: Id
    windows: dict[Window, Instant]
    markers: dict[str, Count]
    size: Count
    root: Sha256
    attribution: Sha256


class Missing(Payload):
    """One thing that a phase waits for: a code, who owes it, and what."""

    code: Code
    who: str
    what: str


class PhaseHeld(Payload):
    """The intake is closed, and something that the rules ask for is missing."""

    phase: Id
    missing: list[Missing]


class Basis(Payload):
    """What a decision was computed from: the log up to `size`, the rulebook, and the version of the deciding code."""

    log: str
    size: Count
    root: Sha256
    rulebook: Sha256
    engine: str


class Reason(Payload):
    """Why, as a code with the numbers behind it; `cites` are event ids, sorted. Prose is made from it, never stored."""

    code: Code
    criterion: Criterion | None = None
    gate: Id | None = None
    observed: str | None = None
    required: str | None = None
    margin: Exact | None = None
    cites: list[EventId] | None = None


class GateAssessed(Payload):
    """How an entrant stands at a gate, by count."""

    gate: Id
    met: bool
    counts: dict[Id, Literal["met", "not-met", "undetermined"]]
    cites: list[EventId]


class EntrantAssessed(Payload):
    """Everything computed for one entrant: `scores` maps every criterion to its value, as written and exact, with the
    steps that led to it. Private by default; the public part of a decision has no numbers.
    """

    phase: Id
    entrant: Id
    scores: dict[str, Any]
    rank: Annotated[int, Field(ge=1)] | None
    gates: list[GateAssessed]
    reasons: list[Reason]
    margin: Exact | None
    basis: Basis


class OutcomeReason(Payload):
    """A reason without numbers."""

    code: Code
    criterion: Criterion | None = None
    gate: Id | None = None


class Outcome(Payload):
    """What became of one entrant."""

    entrant: Id
    outcome: Literal["advanced", "eliminated", "withdrawn"]
    reasons: list[OutcomeReason]


class PhaseDecided(Payload):
    """The decision of a phase, provisional until it is signed and unopposed. Only the assessments it lists count."""

    phase: Id
    outcomes: list[Outcome]
    vacancies: Count
    assessments: list[EventId]
    basis: Basis
    supersedes: EventId | None = None


class DecisionSigned(Payload):
    """A person takes responsibility for a decision, in a role, with a stated meaning."""

    decision: EventId
    role: Id
    meaning: Text


class ObjectionOutcome(Payload):
    """How an objection ended."""

    objection: EventId
    outcome: Code


class DecisionFinalised(Payload):
    """The decision stands: signed, and the time for objections has run out."""

    decision: EventId
    objections: list[ObjectionOutcome]
