"""Facts that are a person's decision on the course of a programme, and those that follow from the rules as it ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from events.decisions import Basis, Count
from events.fields import Code, Criterion, EngineId, EventId, Id, Instant, Number, Payload, Sha256, Text, Vkey, Window


class RulebookAmended(Payload):
    """The rules change from a phase on whose intake is not open yet; what came before stays under the old ones. So it is
    with the `engine`, which stays what it was where it is not said.
    """

    rulebook: dict[str, Any]
    digest: Sha256
    from_phase: Id
    reason: Text
    consents: list[Id] = Field(default_factory=list)
    engine: EngineId | None = None


class WindowExtended(Payload):
    """A deadline moves to a later instant. It must be on record before the old one has passed."""

    phase: Id
    window: Window
    until: Instant
    reason: Text


class MarkWaived(Payload):
    """Marks that are missing are not waited for. What is left out is not narrowed down: a waiver of an evaluator alone
    waives everything that the evaluator owes in the phase.
    """

    phase: Id
    reason: Text
    entrant: Id | None = None
    criterion: Criterion | None = None
    item: Id | None = None
    evaluator: Id | None = None


class TieResolved(Payload):
    """A person's order of entrants who tie, first the one who goes before."""

    phase: Id
    order: Annotated[list[Id], Field(min_length=2)]
    reason: Text


class PhaseReopened(Payload):
    """A phase is computed anew: with what is corrected, annulled, recused, ruled or marked up to and including `until`.
    `causes` are the events that made it necessary. The decision before, if there is one, will be superseded.
    """

    phase: Id
    until: Instant
    reason: Code
    causes: list[EventId] = Field(default_factory=list)
    note: Text | None = None


class DecisionReturned(Payload):
    """A person who was to sign does not: the decision is held until the phase is reopened."""

    decision: EventId
    role: Id
    reason: Text


class FiguresPublished(Payload):
    """What a publication profile of the rulebook shows of a decision; exactly what the decision says."""

    decision: EventId
    profile: Id
    figures: dict[str, Any]


class CallOpened(Payload):
    """An open call for the places that a phase left vacant. `call` is the id of the call's own phase; `eligible` says
    who may apply, as the rulebook does.
    """

    call: Id
    phase: Id
    places: Count
    eligible: dict[Code, bool]
    windows: dict[Window, Instant]


class CallDecided(Payload):
    """How an open call ended: whom it selected (perhaps nobody), the reasons for each applicant, and from which record."""

    call: Id
    selected: list[Id]
    reasons: dict[Id, list[Code]]
    basis: Basis


class Resource(Payload):
    """A quantity of something that is granted: `{"kind": "gpu-b200", "quantity": "768", "unit": "devices"}`."""

    kind: Id
    quantity: Number
    unit: Text


class AwardGranted(Payload):
    """What an entrant that advanced receives."""

    entrant: Id
    phase: Id
    resources: list[Resource]
    title: Text | None = None


class KeyRotated(Payload):
    """From an instant on a source signs with this key alone. The pipeline's source stands for the office's keys."""

    source: Annotated[str, Field(min_length=1, max_length=512)]
    key: Vkey
    from_: Annotated[Instant, Field(alias="from")]
    reason: Text


class KeyRevoked(Payload):
    """From an instant on a key of a source verifies nothing any more, whatever comes after."""

    source: Annotated[str, Field(min_length=1, max_length=512)]
    key: Vkey
    from_: Annotated[Instant, Field(alias="from")]
    reason: Text


class ProgrammeConcluded(Payload):
    """The programme is over: who is left after its last phase."""

    finalists: list[Id]


class RecordPlace(Payload):
    """Where a record stands on the bus."""

    topic: Literal["submissions", "scores", "audits", "decisions"]
    partition: Count
    offset: Count


class RecordErased(Payload):
    """What these records hold is erased, for a reason of the law or of decency. Everybody may read `grounds`, so nothing
    personal belongs there. The commitments stay in the log.
    """

    records: Annotated[list[RecordPlace], Field(min_length=1, max_length=1000)]
    grounds: Text


class RecordRequeued(Payload):
    """A record that was refused is sent again after a fix, as the event with the id `as`: the same one, or a corrected one.
    It is judged as what it is, a record that comes now. The reason stays in the log for ever, so nothing personal belongs
    there.
    """

    record: RecordPlace
    as_: Annotated[EventId, Field(alias="as")]
    reason: Text
