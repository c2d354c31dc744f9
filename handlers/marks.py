"""Marks: who gave what to whom, what is missing, and what counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from events.rulebook import Leaf, Phase

Slot = tuple[str, str, str, str]
"""Entrant, criterion (dotted), item, evaluator."""

Seats = Mapping[str, Sequence[str]]
"""The evaluators who are to mark each leaf, by the leaf's dotted id."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value, the reference it is measured against where the leaf takes one, and the events that gave them."""

    value: Fraction
    reference: Fraction | None = None
    ids: tuple[str, ...] = ()


Marks = Mapping[Slot, Mark]


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What does not count and is not waited for: `pairs` of (evaluator, entrant), and `waived` slots."""

    pairs: Collection[tuple[str, str]] = field(default=frozenset())
    waived: Collection[Slot] = field(default=frozenset())


NOTHING_EXCLUDED = Exclusions()


def seats_of(phase: Phase, panels: Mapping[str, Iterable[str]]) -> Seats:
    """The evaluators of each leaf, from the members of each panel; a panel that is not named has none."""
    return {leaf.id: tuple(sorted(set(panels.get(leaf.panel, ())))) for leaf in phase.leaves.values()}


def seats_in(phase: Phase, marks: Marks) -> Seats:
    """The evaluators found in a table of marks, by leaf: who marked anybody was to mark everybody."""
    found: dict[str, set[str]] = {path: set() for path in phase.leaves}
    for _, criterion, _, evaluator in marks:
        if criterion in found:
            found[criterion].add(evaluator)
    return {path: tuple(sorted(evaluators)) for path, evaluators in found.items()}


def missing_marks(
    phase: Phase, entrants: Iterable[str], marks: Marks, seats: Seats, excluded: Exclusions = NOTHING_EXCLUDED
) -> list[Slot]:
    """Every slot that should be filled and is not, sorted: neither excluded nor waived."""
    return sorted(
        slot
        for entrant in entrants
        for leaf in phase.leaves.values()
        for slot in expected(leaf, entrant, seats, excluded)
        if not is_given(leaf, marks.get(slot)) and slot not in excluded.waived
    )


def expected(leaf: Leaf, entrant: str, seats: Seats, excluded: Exclusions) -> list[Slot]:
    """The slots of one leaf and entrant, without those of excluded evaluators; waived ones are among them."""
    present = [evaluator for evaluator in seats.get(leaf.id, ()) if (evaluator, entrant) not in excluded.pairs]
    return [(entrant, leaf.id, item, evaluator) for item in leaf.items for evaluator in present]


def is_given(leaf: Leaf, mark: Mark | None) -> bool:
    """There is a mark, with the positive reference that a ratio needs."""
    return mark is not None and (not leaf.takes_reference or (mark.reference is not None and mark.reference > 0))


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A panel with fewer members than its quorum who gave an entrant all their marks."""

    entrant: str
    panel: str
    have: int
    need: int


def quorum_shortfalls(
    phase: Phase, entrants: Iterable[str], marks: Marks, seats: Seats, excluded: Exclusions = NOTHING_EXCLUDED
) -> list[Shortfall]:
    """Where a quorum is not met, sorted by entrant and panel. A waived mark is as good as given."""
    gaps = []
    for entrant in sorted(entrants):
        for panel, need in sorted(phase.quorum.items()):
            leaves = [leaf for leaf in phase.leaves.values() if leaf.panel == panel]
            slots = [(leaf, slot) for leaf in leaves for slot in expected(leaf, entrant, seats, excluded)]
            given = [(slot[3], is_given(leaf, marks.get(slot)) or slot in excluded.waived) for leaf, slot in slots]
            have = len({who for who, _ in given} - {who for who, is_there in given if not is_there})
            if have < need:
                gaps.append(Shortfall(entrant, panel, have, need))
    return gaps
