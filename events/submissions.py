"""Facts from teams and the intake desk."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from events.fields import Code, EventId, Id, Payload, Sha256, Text


class EntrantRegistered(Payload):
    """A team (or a consortium) takes part."""

    entrant: Id
    name: Text
    members: list[Text] = Field(default_factory=list)


class Artefact(Payload):
    """A file that was handed in, by its digest; `bytes` is its size."""

    name: Text
    sha256: Sha256
    bytes: Annotated[int, Field(ge=0, le=2**53 - 1)]


class SubmissionReceived(Payload):
    """An entrant hands in its work for a phase. `manifest` is a CycloneDX 1.6 JSON document or the SHA-256 of one;
    `supersedes` names the entrant's earlier submission that this one replaces.
    """

    phase: Id
    entrant: Id
    title: Text
    artefacts: list[Artefact]
    manifest: dict[str, Any] | Sha256 | None = None
    supersedes: EventId | None = None


class EntrantWithdrawn(Payload):
    """An entrant leaves the programme."""

    entrant: Id
    reason: Text


class InvitationDeclined(Payload):
    """An organisation says that it will not take part (again); it need never have been an entrant."""

    organisation: Text
    reason: Text
    call: Code | None = None
    phase: Id | None = None


class RebuttalFiled(Payload):
    """An entrant's answer to a finding, within the gate's rebuttal time."""

    finding: EventId
    entrant: Id
    text: Text


class SubmissionWithdrawn(Payload):
    """An entrant takes its submission back, while submissions can still come in; it may hand in another."""

    submission: EventId
    reason: Text


class ApplicationReceived(Payload):
    """An entrant applies for a place that an open call fills. `call` is the id of the call's phase."""

    call: Id
    entrant: Id
    statement: Text


class ObjectionFiled(Payload):
    """An entrant objects to a decision, within the time for objections. `grounds` is one of the rulebook's."""

    decision: EventId
    entrant: Id
    grounds: Id
    text: Text


class ObjectionWithdrawn(Payload):
    """An entrant takes its objection back, within the time for objections."""

    objection: EventId
    reason: Text
