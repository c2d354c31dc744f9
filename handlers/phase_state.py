"""What is known of one phase since it was opened: marks, findings, rounds, decisions. See `handlers.state` for the whole."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from events.envelope import Envelope
from events.rulebook import Phase
from handlers.engine import Engine

Slot = tuple[str, str, str, str]
"""Where a mark belongs within a phase: entrant, criterion, item, evaluator."""

PhaseStatus = Literal["planned", "open", "intake-closed", "held", "decided", "final"]
STATUSES: tuple[PhaseStatus, ...] = get_args(PhaseStatus)

WINDOWS = ("submissions", "scores", "audits")
"""The windows that an intake waits for, where a phase has them, in the order in which reports name them."""


@dataclass(slots=True)
class Fact:
    """An event with its place: first index in the log, topic, offset, and receipt time (Unix milliseconds).

    `order_ms` is the receipt time, never running backwards within a partition: what is settled together is settled in
    the order (order_ms, topic, offset), which keeps each partition's own order even where a clock stepped back.
    """

    index: int
    topic: str
    offset: int
    received_ms: int
    order_ms: int
    event: Envelope

    @property
    def data(self) -> dict[str, Any]:
        return self.event.data

    @property
    def order(self) -> tuple[int, str, int]:
        return (self.order_ms, self.topic, self.offset)


@dataclass(slots=True)
class Mark:
    """A mark in force: its value and reference as written, and the ids of the events that made it (first, corrections)."""

    value: str
    reference: str | None
    ids: tuple[str, ...]


@dataclass(slots=True)
class Finding:
    """A finding with what followed from it, in the order of its partition."""

    fact: Fact
    rulings: list[Fact] = field(default_factory=list)
    rebuttal: Fact | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Entrant, gate, count."""
        data = self.fact.data
        return data["entrant"], data["gate"], data["count"]

    @property
    def needs_ruling(self) -> bool:
        return bool(self.fact.data["verdict"] != "met")


@dataclass(slots=True)
class Objection:
    """An objection to a decision, and how it ended: the ruling on it, or that it was taken back."""

    fact: Fact
    ruling: Fact | None = None
    withdrawn: Fact | None = None

    @property
    def outcome(self) -> str | None:
        """`withdrawn`, `inadmissible`, `dismissed` or `upheld`; None while it waits for a ruling."""
        if self.withdrawn is not None:
            return "withdrawn"
        if self.ruling is None:
            return None
        data = self.ruling.data
        return str(data["outcome"]) if data["admissible"] else "inadmissible"


@dataclass(slots=True)
class Decision:
    """A recorded decision of a phase: of its round `number`, with its signatures by role and what came against it.
    `attested` is what each source last said of replaying it.
    """

    fact: Fact
    number: int = 1
    signatures: dict[str, Fact] = field(default_factory=dict)
    returned: Fact | None = None
    objections: dict[str, Objection] = field(default_factory=dict)
    published: dict[str, Fact] = field(default_factory=dict)
    attested: dict[str, Fact] = field(default_factory=dict)
    finalised: Fact | None = None


@dataclass(slots=True)
class Round:
    """A phase is computed once in the round that its opening begins, and anew in each that a reopening begins."""

    number: int
    opened: Fact
    until_ms: int | None = None
    closed: Fact | None = None
    cut: int | None = None
    held: list[Fact] = field(default_factory=list)
    is_holding: bool = False
    decision: Decision | None = None


@dataclass(slots=True)
class PhaseState:
    """A phase since it was opened. `deadlines` are the last milliseconds in time, grace included, by window; `engine` and
    `digest` are those of the rulebook it was opened under. `proposed` are corrections that wait for a second person,
    `replaced` the marks of a slot that were voided before another was given; `marked_by` names the evaluators that each
    source spoke for.
    """

    rules: Phase
    opened: Fact
    entrants: tuple[str, ...]
    opens_ms: int
    deadlines: dict[str, int]
    engine: Engine
    digest: str = ""
    rounds: list[Round] = field(default_factory=list)
    marks: MutableMapping[Slot, Mark] = field(default_factory=dict)
    replaced: dict[Slot, list[Mark]] = field(default_factory=dict)
    slot_of: MutableMapping[str, Slot] = field(default_factory=dict)
    submissions: MutableMapping[str, Fact] = field(default_factory=dict)
    submission_of: MutableMapping[str, str] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    marked_by: dict[str, set[str]] = field(default_factory=dict)
    proposed: dict[str, list[tuple[str, Mark]]] = field(default_factory=dict)
    voided: dict[str, list[Fact]] = field(default_factory=dict)
    annulled: list[Fact] = field(default_factory=list)
    waived: list[Fact] = field(default_factory=list)
    ties: list[Fact] = field(default_factory=list)
    ticks: MutableMapping[tuple[str, str, str, str], Fact] = field(default_factory=dict)
    votes: MutableMapping[tuple[str, str], Fact] = field(default_factory=dict)
    extended: list[Fact] = field(default_factory=list)
    reproduced: list[Fact] = field(default_factory=list)
    held: list[Fact] = field(default_factory=list)
    assessed: MutableMapping[str, Fact] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    awards: dict[str, Fact] = field(default_factory=dict)

    @property
    def round(self) -> Round:
        """The round that runs, or ran last."""
        return self.rounds[-1]

    @property
    def closed(self) -> Fact | None:
        """The closing of the present round's intake."""
        return self.rounds[-1].closed

    @property
    def cut(self) -> int | None:
        """The size of the log since which the present round waits for nothing."""
        return self.rounds[-1].cut

    @property
    def decision(self) -> Decision | None:
        """The decision of the present round; None while a reopened phase has no new one."""
        return self.rounds[-1].decision

    @property
    def in_force(self) -> Decision | None:
        """The latest decision: in force until another supersedes it."""
        return next(reversed(self.decisions.values()), None)

    @property
    def superseded(self) -> Decision | None:
        """The decision that one of the present round supersedes: the latest of the rounds before."""
        return next((row.decision for row in reversed(self.rounds[:-1]) if row.decision is not None), None)

    @property
    def status(self) -> PhaseStatus:
        present = self.rounds[-1]
        if present.closed is None:
            return "open"
        if present.is_holding:
            return "held"
        if present.decision is None:
            return "intake-closed"
        return "final" if present.decision.finalised else "decided"
