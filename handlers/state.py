"""What is known of a programme after some prefix of its log. Folded by `handlers.evolve`, read by everything else.

A State belongs to whoever folds it: `evolve` changes it in place, since a programme may hold a million marks. Judging
and deciding never change it (`tests/spec.py` checks that each time).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from events.envelope import Envelope
from events.record import Record
from events.rulebook import Phase, Rulebook, Source

Slot = tuple[str, str, str, str]
"""Where a mark belongs within a phase: entrant, criterion, item, evaluator."""

Key = tuple[str, ...]
"""What a pending record waits for: `("phase", id)`, `("evaluator", id)`, `("window", phase, window)`, `("event", id)`, …"""

PhaseStatus = Literal["planned", "open", "intake-closed", "held", "decided", "final"]

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
class Decision:
    """A recorded decision of a phase, with its signatures by role."""

    fact: Fact
    signatures: dict[str, Fact] = field(default_factory=dict)
    finalised: Fact | None = None


@dataclass(slots=True)
class PhaseState:
    """A phase since it was opened. `deadlines` are the last milliseconds in time, grace included, by window."""

    rules: Phase
    opened: Fact
    entrants: tuple[str, ...]
    opens_ms: int
    deadlines: dict[str, int]
    marks: dict[Slot, Mark] = field(default_factory=dict)
    slot_of: dict[str, Slot] = field(default_factory=dict)
    submissions: dict[str, Fact] = field(default_factory=dict)
    submission_of: dict[str, str] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    closed: Fact | None = None
    cut: int | None = None
    held: list[Fact] = field(default_factory=list)
    assessed: dict[str, Fact] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)

    @property
    def decision(self) -> Decision | None:
        """The decision in force: the latest."""
        return next(reversed(self.decisions.values()), None)

    @property
    def status(self) -> PhaseStatus:
        decision = self.decision
        if decision is not None:
            return "final" if decision.finalised else "decided"
        if self.closed is None:
            return "open"
        return "held" if self.held and self.cut is None else "intake-closed"


@dataclass(slots=True)
class Waiting:
    """A pending record as it came, and the keys that, once provided, make it worth judging again."""

    fact: Fact
    record: Record
    keys: tuple[Key, ...]


@dataclass(slots=True)
class State:
    """A programme after `size` entries of its log."""

    programme: str
    size: int = 0
    rulebook: Rulebook | None = None
    announced: Fact | None = None
    digest: str = ""
    clock: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)
    entrants: dict[str, Fact] = field(default_factory=dict)
    withdrawn: dict[str, Fact] = field(default_factory=dict)
    declined: list[Fact] = field(default_factory=list)
    appointed: dict[str, dict[str, Fact]] = field(default_factory=dict)
    phases: dict[str, PhaseState] = field(default_factory=dict)
    markers: dict[tuple[str, str], dict[str, Fact]] = field(default_factory=dict)
    attempts: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    seen: dict[str, dict[tuple[str, str], tuple[bytes, int]]] = field(default_factory=dict)
    order_ms: dict[str, int] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    waits: dict[Key, set[int]] = field(default_factory=dict)
    claims: dict[Key, list[int]] = field(default_factory=dict)
    """What pending records would take hold of (`waiting.claims_of`), each with their indexes, ascending."""

    def planned(self) -> Iterator[Phase]:
        """The phases of the rulebook that have not been opened, in its order."""
        for phase in self.rulebook.phases if self.rulebook else ():
            if phase.id not in self.phases:
                yield phase

    def status(self, phase: str) -> PhaseStatus:
        return self.phases[phase].status if phase in self.phases else "planned"

    def find_finding(self, event_id: str) -> tuple[PhaseState, Finding] | None:
        """The finding of that id, with its phase."""
        for phase in self.phases.values():
            if (finding := phase.findings.get(event_id)) is not None:
                return phase, finding
        return None

    def find_decision(self, event_id: str) -> tuple[PhaseState, Decision] | None:
        """The decision of that id, with its phase."""
        for phase in self.phases.values():
            if (decision := phase.decisions.get(event_id)) is not None:
                return phase, decision
        return None
