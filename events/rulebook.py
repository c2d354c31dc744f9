"""The rulebook: how a programme says how it decides (RULES). Pure models over the document inside programme.announced.

What one member alone can get wrong is refused here; what only several together can is found by `handlers.check`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import Field, ValidationError

from events.errors import Refused
from events.fields import Criterion, Id
from events.rulebook_course import (
    Approvable,
    AwardRule,
    CallRule,
    Duty,
    Objections,
    ParityRule,
    Profile,
    Vacancies,
)
from events.rulebook_criteria import Branch, CriterionRule, Leaf, Node, flatten
from events.rulebook_fields import Count, Duration, Flag, Instant, Number, Rounding, Rule, Texts

__all__ = [
    "AwardRule", "Branch", "CallRule", "Gate", "Leaf", "Node", "Objections", "Phase", "Profile", "Rounding", "Rulebook",
    "Source", "Vacancies", "digest", "parse_rulebook",
]  # fmt: skip

SCORING_PHASE = "phase-1"
"""The id of the one phase of a bare scoring document, which has `criteria` at the top and no `phases`."""


class RulebookInvalid(Refused):
    """The document is no rulebook. `details["errors"]` are pydantic's, with their places."""


class Source(Rule):
    """Who may say what: a CloudEvents `source`, the short names of the types it may send (`*`: all), and for whom."""

    source: Annotated[str, Field(min_length=1, max_length=256)]
    types: Annotated[tuple[str, ...], Field(min_length=1)]
    role: Id | None = None
    entrant: Id | None = None
    evaluator: Id | None = None
    panel: Id | None = None
    keys: tuple[str, ...] = ()
    signs: Flag = False


class Grace(Rule):
    """Records still count this long after a deadline."""

    grace: Duration


class Windows(Rule):
    """The deadlines of a phase; one that is left out does not exist."""

    submissions: Instant | None = None
    scores: Instant | None = None
    audits: Instant | None = None


class Tick(Rule):
    """Members of a panel tick what they find not met; the count is not met when that many of them did."""

    by: Id
    not_met_when: Literal["any", "majority", "all"] = "majority"


class Gate(Rule):
    """A condition beside the score. Every count must be met."""

    id: Id
    title: Texts | None = None
    counts: Annotated[tuple[Id, ...], Field(min_length=1)]
    findings_by: tuple[Id, ...] = ()
    tick: Tick | None = None
    rebuttal: Duration | None = None
    ruling_by: tuple[Id, ...] = ()
    without_finding: Literal["met", "undetermined"] = "met"
    when: Literal["after-ranking", "before-ranking"] = "after-ranking"


class WeightedSum(Rule):
    """Ranks by weights that count for nothing else."""

    weights: Annotated[dict[Criterion, Number], Field(alias="weighted-sum", min_length=1)]


class Advance(Rule):
    """How many advance. `at_least`: with fewer the phase is held. `withdrawn`: what becomes of the place of an entrant
    that leaves after the intake and before the decision is final.
    """

    places: Count
    refill_from_ranking: Flag = False
    at_least: Count = 0
    withdrawn: Literal["vacancy", "next-in-line"] = "vacancy"


class Phase(Rule):
    """One stage of the programme."""

    id: Id
    title: Texts | None = None
    opens: Instant | None = None
    windows: Windows = Windows()
    late: Literal["refuse"] | Grace = "refuse"
    criteria: Annotated[tuple[CriterionRule, ...], Field(min_length=1)]
    floors: dict[Criterion, Number] = Field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    rank_by: Literal["total"] | WeightedSum = "total"
    ties: tuple[Criterion, ...] = ()
    advance: Advance | None = None
    vacancies: Vacancies | None = None
    sign_off: tuple[Duty, ...] = ()
    objections: Objections | None = None
    publish: Id | None = None
    missing: Literal["hold", "exclude", "zero", "waive"] = "hold"
    quorum: dict[Id, Count] = Field(default_factory=dict)
    means: Rounding | None = None
    call: CallRule | None = None
    parity: ParityRule | None = None
    conflicts: Literal["record", "recuse"] = "record"
    approvals: dict[Approvable, Id] = Field(default_factory=dict)
    awards: AwardRule | None = None

    @cached_property
    def tree(self) -> Mapping[str, Node]:
        """Every node by dotted id, parts before the branch that needs them."""
        return {node.id: node for node in flatten(self.criteria)}

    @cached_property
    def leaves(self) -> Mapping[str, Leaf]:
        """Every leaf by dotted id."""
        return {path: node for path, node in self.tree.items() if isinstance(node, Leaf)}

    @cached_property
    def panels(self) -> tuple[str, ...]:
        """Every panel that marks here, ticks at a gate or votes on applicants, sorted."""
        ticking = {gate.tick.by for gate in self.gates if gate.tick is not None}
        voting = {self.call.recognition.by} if self.call is not None and self.call.recognition is not None else set()
        return tuple(sorted({leaf.panel for leaf in self.leaves.values()} | ticking | voting))

    def gate(self, gate_id: str) -> Gate:
        """Raises KeyError where there is no such gate."""
        return {gate.id: gate for gate in self.gates}[gate_id]


class Rulebook(Rule):
    """A programme's rules. `means` stands for every phase that has none of its own."""

    programme: Id
    version: Annotated[str, Field(min_length=1, max_length=64)] = "1"
    title: Texts | None = None
    means: Rounding | None = None
    sources: tuple[Source, ...] = ()
    profiles: tuple[Profile, ...] = ()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @cached_property
    def panels(self) -> tuple[str, ...]:
        """Every panel of every phase, sorted."""
        return tuple(sorted({panel for phase in self.phases for panel in phase.panels}))

    def find_phase(self, phase_id: str) -> Phase | None:
        for phase in self.phases:  # Asked for every mark; a generator costs as much again.
            if phase.id == phase_id:
                return phase
        return None

    def phase(self, phase_id: str) -> Phase:
        """Raises KeyError where there is no such phase."""
        return {phase.id: phase for phase in self.phases}[phase_id]


def is_bare(document: Mapping[str, Any]) -> bool:
    """The document is a table of criteria for one phase, without a programme around it."""
    return "criteria" in document and "phases" not in document


def whole(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as a programme: a bare scoring document becomes its one phase, other members stay as written."""
    if not is_bare(document):
        return dict(document)
    outer = {key: value for key, value in document.items() if key in ("programme", "version", "title", "sources")}
    inner = {key: value for key, value in document.items() if key not in outer}
    return {"programme": "unnamed", **outer, "phases": [{"id": SCORING_PHASE, **inner}]}


def parse_rulebook(document: Mapping[str, Any]) -> Rulebook:
    """The rules of a document. Raises RulebookInvalid; a bare scoring document is one phase `phase-1`."""
    try:
        rulebook = Rulebook.model_validate(whole(document))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        first = f"{'.'.join(map(str, errors[0]['loc']))}: {errors[0]['msg']}"
        raise RulebookInvalid(
            f"the rulebook has {len(errors)} faults, first {first}",
            hint="phasegate check RULEBOOK lists all of them with their lines",
            errors=errors,
        ) from None
    return _with_means(rulebook)


def _with_means(rulebook: Rulebook) -> Rulebook:
    if rulebook.means is None:
        return rulebook
    phases = tuple(
        phase if phase.means is not None else phase.model_copy(update={"means": rulebook.means})
        for phase in rulebook.phases
    )
    return rulebook.model_copy(update={"phases": phases})


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the RFC 8785 JSON of the document as written, before any default."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()
