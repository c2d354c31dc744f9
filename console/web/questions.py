"""Questions that a programme's own rules and decisions raise, offered as examples of a what-if, and what its form offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from console.web.members_supposed import counted, modes_of, weights_of
from events.rulebook import Phase, Rulebook
from events.values import format_number
from handlers.state import State

MOST = 9
PHASES_MOST = 2
"""Phases whose criteria are asked about, the latest decided."""


@dataclass(frozen=True, slots=True)
class Question:
    """`key` names its sentence (a key of sentences/what-if.yaml), `facts` stand in it, by the kinds of `Words.written`."""

    key: str
    facts: Mapping[str, str]
    asked: tuple[tuple[str, str], ...]


def questions(state: State) -> list[Question]:
    """Those that are sensible here: of gates that somebody did not pass, of places that nobody took, of what a criterion of
    the phases that were decided last decides, of how they round.
    """
    rulebook = state.rulebook
    if rulebook is None:
        return []
    found = [*_of_gates(state), *_of_places(state, rulebook)]
    decided = [phase.rules for phase in state.phases.values() if phase.in_force is not None]
    several = [rules for rules in decided if rules.advance is not None and len(counted(rules)) > 1]
    return [*found, *(question for rules in several[-PHASES_MOST:] for question in _of_criteria(rules))][:MOST]


def _of_gates(state: State) -> Iterator[Question]:
    for phase in state.phases.values():
        outcomes = [] if phase.in_force is None else phase.in_force.fact.data["outcomes"]
        reasons = [reason for row in outcomes for reason in row["reasons"] if reason["code"] == "gate-not-met"]
        for gate in dict.fromkeys(reason["gate"] for reason in reasons):
            facts = {"gate": gate, "phase": phase.rules.id}
            yield Question("what-if.q-gate", facts, (("without-gate", f"{phase.rules.id}/{gate}"),))


def _of_places(state: State, rulebook: Rulebook) -> Iterator[Question]:
    decided = [phase for phase in state.phases.values() if phase.in_force is not None]
    vacant = [phase for phase in decided if phase.in_force and phase.in_force.fact.data["vacancies"]]
    if any(phase.rules.advance and not phase.rules.advance.refill_from_ranking for phase in vacant):
        yield Question("what-if.q-refill", {}, (("refill", "true"),))
    known = {rules.id for rules in rulebook.phases}
    for phase in decided[-1:]:
        if phase.rules.advance is not None and phase.rules.advance.places > 1 and phase.rules.id in known:
            fewer = str(phase.rules.advance.places - 1)
            yield Question("what-if.q-places", {"phase": phase.rules.id}, ((f"places.{phase.rules.id}", fewer),))


def _of_criteria(rules: Phase) -> Iterator[Question]:
    """The first and the last criterion stand for all: the form has the others."""
    first, *_, last = counted(rules)
    yield Question(
        "what-if.q-drop", {"criterion": last, "phase": rules.id}, (("drop-criterion", f"{rules.id}/{last}"),)
    )
    twice = format_number(weights_of(rules).get(first, Fraction(1)) * 2)
    asked = ((f"weight.{rules.id}.{first}", twice),)
    yield Question("what-if.q-weight", {"criterion": first, "phase": rules.id}, asked)
    if "half-up" in modes_of(rules):
        yield Question("what-if.q-mode", {"phase": rules.id}, ((f"mode.{rules.id}", "half-even"),))


def offered(rules: Phase) -> dict[str, Any]:
    """What the form offers of a phase, each with its value now."""
    return {
        "phase": rules.id,
        "places": None if rules.advance is None else rules.advance.places,
        "gates": [gate.id for gate in rules.gates],
        "criteria": [path for path in rules.tree if len(rules.tree) > 1],
        "floors": dict.fromkeys(counted(rules), "") | {p: format_number(v) for p, v in rules.floors.items()},
        "weights": {name: format_number(weight) for name, weight in weights_of(rules).items()},
        "modes": modes_of(rules),
    }
