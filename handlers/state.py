"""What is known of a programme after some prefix of its log. Folded by `handlers.evolve`, read by everything else.

A State belongs to whoever folds it: `evolve` changes it in place, since a programme may hold a million marks. Judging
and deciding never change it (`tests/spec.py` checks that each time).

What is a MutableMapping grows with the records of a log. It is a dictionary, or a `handlers.table.Table`, which reads its rows
when they are asked for: to go over one that need not be gone over makes a recorder's start as long as its log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from events.record import Record
from events.rulebook import Phase, Rulebook, Source
from handlers.engine import Engine
from handlers.phase_state import (
    WINDOWS,
    Decision,
    Fact,
    Finding,
    Mark,
    Objection,
    PhaseState,
    PhaseStatus,
    Round,
    Slot,
)
from handlers.places import Places

__all__ = [
    "WINDOWS", "Call", "Decision", "Fact", "Finding", "Key", "Mark", "Objection", "PhaseState", "PhaseStatus",
    "Requeue", "Round", "Slot", "State", "Waiting",
]  # fmt: skip

Key = tuple[str, ...]
"""What a pending record waits for: `("phase", id)`, `("evaluator", id)`, `("window", phase, window)`, `("event", id)`, …"""


@dataclass(slots=True)
class Call:
    """An open call since it was opened: who applied, and how it ended."""

    opened: Fact
    applications: dict[str, Fact] = field(default_factory=dict)
    decided: Fact | None = None


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key that was put in force, or revoked, for what stands behind `offset` in its topic and was received from
    `from_ms` (Unix milliseconds) on.
    """

    offset: int
    from_ms: int
    kid: str
    public: bytes
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class Requeue:
    """That a refused record is sent again: the entry that says so, and the id of the event that it is sent as."""

    index: int
    as_id: str


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
    engines: Mapping[str, Engine] | None = None
    """Those that a programme may name; None for those of this build."""
    engine: Engine | None = None
    """Of the latest rules; a phase keeps the one that it was opened under."""
    rulebook: Rulebook | None = None
    announced: Fact | None = None
    digest: str = ""
    clock: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)
    entrants: dict[str, Fact] = field(default_factory=dict)
    withdrawn: dict[str, Fact] = field(default_factory=dict)
    declined: list[Fact] = field(default_factory=list)
    appointed: dict[str, dict[str, Fact]] = field(default_factory=dict)
    recused: list[Fact] = field(default_factory=list)
    conflicts: list[Fact] = field(default_factory=list)
    acts: MutableMapping[str, tuple[str, Fact]] = field(default_factory=dict)
    """Acts that may need a second person, by event id: the phase they belong to, and the act."""
    approved: dict[str, list[Fact]] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    amended: list[Fact] = field(default_factory=list)
    concluded: Fact | None = None
    key_changes: dict[tuple[str, str], list[KeyChange]] = field(default_factory=dict)
    """By topic, and whose keys they are (`signers.chain_of`)."""
    phases: dict[str, PhaseState] = field(default_factory=dict)
    markers: dict[tuple[str, str], dict[str, Fact]] = field(default_factory=dict)
    attempts: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    seen: dict[str, MutableMapping[tuple[str, str], tuple[bytes, int]]] = field(default_factory=dict)
    order_ms: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[str, int], Places] = field(default_factory=dict)
    """By topic and partition; kept by those who judge."""
    erased: MutableMapping[tuple[str, int, int], int] = field(default_factory=dict)
    """The records that were erased, by topic, partition and offset, with the entry that says so."""
    requeued: dict[tuple[str, int, int], Requeue] = field(default_factory=dict)
    """The refused records that are sent again, by topic, partition and offset."""
    holes: dict[str, Counter[str]] = field(default_factory=dict)
    """The records whose content is not there, counted by short name and scope (`handlers.holes`)."""
    forgotten: dict[str, MutableMapping[bytes, int]] = field(default_factory=dict)
    """Of records that were erased: their identities as digests, by topic, with their entries."""
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

    def find_objection(self, event_id: str) -> tuple[PhaseState, Decision, Objection] | None:
        """The objection of that id, with the decision it is against and its phase."""
        for phase in self.phases.values():
            for decision in phase.decisions.values():
                if (objection := decision.objections.get(event_id)) is not None:
                    return phase, decision, objection
        return None

    def find_decision(self, event_id: str) -> tuple[PhaseState, Decision] | None:
        """The decision of that id, with its phase."""
        for phase in self.phases.values():
            if (decision := phase.decisions.get(event_id)) is not None:
                return phase, decision
        return None
