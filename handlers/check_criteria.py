"""Faults of the criteria tree: ids, branches, and what leaves take off each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from events.rulebook_fields import repeated
from events.rulebook_steps import Subtract
from events.values import format_number
from handlers.check_leaf import LeafDraft, leaf_draft, leaf_faults
from handlers.fault import Fault, Path
from handlers.ranking import PANEL
from handlers.scoring import TOTAL
from handlers.written import count, counts, id_of, listed, mapped, number


@dataclass(frozen=True, slots=True)
class Draft:
    """A criterion as written, under its dotted id; `leaf` is None for a branch."""

    path: Path
    dotted: str
    written: Mapping[str, Any]
    leaf: LeafDraft | None


def drafts(written: Any, path: Path, prefix: str = "") -> Iterator[Draft]:
    """Every criterion of a list and below, parents first."""
    for index, criterion in enumerate(listed(written)):
        if not isinstance(criterion, dict):
            continue
        dotted, where = prefix + id_of(criterion), (*path, index)
        yield Draft(where, dotted, criterion, None if "parts" in criterion else leaf_draft(criterion))
        yield from drafts(criterion.get("parts"), (*where, "parts"), dotted + ".")


def criteria_faults(phase: Mapping[str, Any], path: Path, found: list[Draft]) -> Iterator[Fault]:
    quorum = {panel: need for panel, wrote in mapped(phase.get("quorum")).items() if (need := count(wrote)) is not None}
    leaves = {draft.dotted: draft.leaf for draft in found if draft.leaf is not None}
    for dotted in repeated(draft.dotted for draft in found):
        where = [draft.path for draft in found if draft.dotted == dotted][1]
        yield Fault((*where, "id"), "duplicate-id", f"there are two criteria {dotted!r}; rename one")
    for draft in found:
        if draft.dotted in (TOTAL, PANEL):
            yield Fault(
                (*draft.path, "id"), "reserved-id", f"{draft.dotted!r} has a meaning of its own; use another id"
            )
        if draft.leaf is None:
            yield from _branch(draft)
        else:
            yield from leaf_faults(draft.path, draft.leaf, quorum)
            yield from _subtractions(draft, draft.leaf, leaves)
    if found and not any(counts(criterion) for criterion in listed(phase.get("criteria"))):
        yield Fault((*path, "criteria"), "nothing-counts", "no criterion counts, so there is no total; let one count")


def points_of(criterion: Any) -> Fraction | None:
    """The points that a criterion says it has, or those of its parts together; None where that cannot be told."""
    own = mapped(criterion)
    if "points" in own or "parts" not in own:
        return number(own.get("points"))
    of_parts = [points_of(part) for part in listed(own["parts"]) if counts(part)]
    known = [points for points in of_parts if points is not None]
    return sum(known, Fraction(0)) if own.get("by", "sum") == "sum" and len(known) == len(of_parts) else None


def _branch(draft: Draft) -> Iterator[Fault]:
    written, by = draft.written, draft.written.get("by", "sum")
    parts = {id_of(part): part for part in listed(written.get("parts")) if counts(part)}
    weights = mapped(written.get("weights"))
    if not parts and listed(written.get("parts")):
        yield Fault((*draft.path, "parts"), "nothing-counts", f"no part of {draft.dotted} counts; let one count")
    if by == "weighted-sum" and "weights" not in written:
        yield Fault(draft.path, "weights-missing", "by is weighted-sum; add weights")
    elif by in ("sum", "min", "max") and "weights" in written:
        yield Fault((*draft.path, "weights"), "not-used", f"by is {by}; remove the weights, or say by: weighted-sum")
    for part in weights:
        if part not in parts:
            message = f"{draft.dotted} has no part {part!r} that counts; they are {', '.join(parts)}"
            yield Fault((*draft.path, "weights", part), "unknown-criterion", message)
    absent = [part for part in parts if weights and part not in weights]
    if absent:
        yield Fault((*draft.path, "weights"), "weight-missing", f"there is no weight for {', '.join(absent)}; add it")
    own, together = number(written.get("points")), points_of({"parts": written.get("parts")})
    if by == "sum" and own is not None and together is not None and own != together:
        both = f"{format_number(own)} points, its parts together {format_number(together)}"
        yield Fault((*draft.path, "points"), "points-differ", f"{draft.dotted} has {both}; correct one of them")


def _subtractions(draft: Draft, leaf: LeafDraft, leaves: Mapping[str, LeafDraft]) -> Iterator[Fault]:
    for index, step in leaf.steps:
        if not isinstance(step, Subtract):
            continue
        where, other = (*draft.path, "steps", index, "subtract"), leaves.get(step.subtract)
        if other is None:
            message = f"{step.subtract!r} is no leaf here; leaves are {', '.join(sorted(leaves))}"
            yield Fault(where, "unknown-criterion", message)
        elif _reaches(step.subtract, draft.dotted, leaves):
            message = f"{step.subtract} depends on {draft.dotted} itself; take one of the two deductions out"
            yield Fault(where, "circular", message)
        elif other.counts:
            message = f"{step.subtract} counts by itself too; mark it counts: false"
            yield Fault(where, "counts-twice", message)


def _reaches(start: str, goal: str, leaves: Mapping[str, LeafDraft]) -> bool:
    """Following deductions from `start` leads to `goal`."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        dotted = ahead.pop()
        if dotted == goal:
            return True
        if dotted not in seen and dotted in leaves:
            seen.add(dotted)
            ahead += [step.subtract for _, step in leaves[dotted].steps if isinstance(step, Subtract)]
    return False
