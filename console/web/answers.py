"""What the intake answers, as its OpenAPI document describes it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Topic = Literal["submissions", "scores", "audits", "decisions"]
Verdict = Literal["accepted", "refused", "duplicate", "pending"]


class Answer(BaseModel):
    """Answers are closed and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReceiptGiven(Answer):
    """The broker has the event."""

    id: str = Field(description="The event's id, as it was sent.")
    source: str = Field(description="The event's source, as it was sent.")
    topic: Topic
    partition: int
    offset: int
    received: str = Field(description="The broker's stamp: the time that counts.")
    sha256: str = Field(description="SHA-256 of the record's value, in hexadecimal.")
    log: str = Field(description="The log in which the record will stand.")
    recorded_by: str = Field(description="When it will stand there at the latest.")
    url: str = Field(description="Where to ask what became of it, with the key that sent it.")
    token: str = Field(
        description="Asks in place of the key: `?token=` behind the url. Whoever has it may read the record."
    )
    note: str | None = Field(
        description="All of it but url and token as a note signed by the intake's key, if it has one."
    )


class ReceiptsGiven(Answer):
    """A receipt for each event, in the order of the request."""

    receipts: list[ReceiptGiven]


class EntryTold(Answer):
    """An entry of the log, as its bytes, and the proof that it stands there."""

    index: int
    verdict: Verdict
    reason: str | None = Field(description="The code of a refusal.")
    detail: str | None = Field(description="What a refusal says of the field, the value and the rule.")
    entry: str = Field(description="The entry's bytes: what the proof is of.")
    proof: str | None = Field(description="A proof file, C2SP tlog-proof@v1, with the signed checkpoint in it.")
    unproven: str | None = Field(description="Why there is no proof yet.")


class ReceiptTold(Answer):
    """What became of a record."""

    topic: Topic
    partition: int
    offset: int
    received: str
    sha256: str
    state: Literal["pending", "recorded"] = Field(description="`pending`: no entry says anything of it yet.")
    programme: str | None = None
    log: str | None = None
    vkey: str | None = Field(None, description="The key under which the proofs' checkpoint is signed. Compare it.")
    verdict: Verdict | None = Field(None, description="The verdict that counts now.")
    reason: str | None = None
    first: EntryTold | None = None
    opening: str | None = Field(
        None, description="What the first entry's commitment opens to: a line of a bundle's openings.ndjson."
    )
    settlement: EntryTold | None = Field(None, description="The entry that settled a pending one.")


class ProblemTold(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    reason: str | None = Field(None, description="The reason code under which a record would be refused.")


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"]


class Ready(Answer):
    """Whether events can be taken in now, and what each part says."""

    status: Literal["ready", "not-ready"]
    parts: dict[str, str]
