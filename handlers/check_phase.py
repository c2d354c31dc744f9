"""Faults that several members of a phase make together.

Everything is read from the document as written, piece by piece, so that a fault in one piece hides none in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from events.rulebook import Advance, Gate, Windows
from events.rulebook_criteria import BranchRule, LeafRule
from events.rulebook_fields import Count, Instant, Rule, repeated
from events.rulebook_steps import Subtract
from events.values import format_number, parse_instant
from handlers.check_leaf import leaf_faults
from handlers.fault import Fault, Path
from handlers.ranking import PANEL
from handlers.scoring import TOTAL

_R = TypeVar("_R", bound=Rule)
_COUNT: TypeAdapter[int] = TypeAdapter(Count)
_INSTANT: TypeAdapter[str] = TypeAdapter(Instant)


@dataclass(frozen=True, slots=True)
class Draft:
    """A criterion as written, under its dotted id; `rule` is None where it does not fit its model."""

    path: Path
    dotted: str
    written: Mapping[str, Any]
    rule: LeafRule | BranchRule | None


def read(model: type[_R], written: Any) -> _R | None:
    """The piece, or None where pydantic has something to say about it (which is told elsewhere)."""
    try:
        return model.model_validate(written)
    except ValidationError:
        return None


def listed(written: Any) -> list[Any]:
    return written if isinstance(written, list) else []


def mapped(written: Any) -> Mapping[str, Any]:
    return written if isinstance(written, dict) else {}


def id_of(written: Any) -> str:
    found = mapped(written).get("id")
    return found if isinstance(found, str) else ""


def drafts(written: Any, path: Path, prefix: str = "") -> Iterator[Draft]:
    """Every criterion of a list and below, parents first."""
    for number, criterion in enumerate(listed(written)):
        if not isinstance(criterion, dict):
            continue
        dotted, where = prefix + id_of(criterion), (*path, number)
        rule = read(BranchRule, criterion) if "parts" in criterion else read(LeafRule, criterion)
        yield Draft(where, dotted, criterion, rule)
        yield from drafts(criterion.get("parts"), (*where, "parts"), dotted + ".")


def panels_of(phase: Any) -> set[str]:
    """The panels that mark in a phase, as written."""
    found = [draft.written.get("panel") for draft in drafts(mapped(phase).get("criteria"), ())]
    return {panel for panel in found if isinstance(panel, str)}


def recognising(phase: Any) -> set[str]:
    """The panel that votes on the applicants of a call, as written."""
    panel = mapped(mapped(mapped(phase).get("call")).get("recognition")).get("by")
    return {panel} if isinstance(panel, str) else set()


def phase_faults(phase: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Everything that does not hold together in one phase."""
    found = list(drafts(phase.get("criteria"), (*path, "criteria")))
    panels = panels_of(phase)
    yield from _criteria(phase, path, found)
    yield from _references(phase, path, {draft.dotted for draft in found}, panels)
    yield from _gates(phase, path, panels)
    yield from _windows(phase, path)
    yield from _advance(phase, path)


def _criteria(phase: Mapping[str, Any], path: Path, found: list[Draft]) -> Iterator[Fault]:
    quorum = {panel: _count(need) for panel, need in mapped(phase.get("quorum")).items()}
    leaves = {draft.dotted: draft for draft in found if "parts" not in draft.written}
    for dotted in repeated(draft.dotted for draft in found):
        where = [draft.path for draft in found if draft.dotted == dotted][1]
        yield Fault((*where, "id"), "duplicate-id", f"there are two criteria {dotted!r}; rename one")
    for draft in found:
        if draft.dotted in (TOTAL, PANEL):
            yield Fault(
                (*draft.path, "id"), "reserved-id", f"{draft.dotted!r} has a meaning of its own; use another id"
            )
        if isinstance(draft.rule, LeafRule):
            yield from leaf_faults(draft.path, draft.rule, quorum)
            yield from _subtractions(draft, draft.rule, leaves)
        elif isinstance(draft.rule, BranchRule):
            yield from _branch(draft, draft.rule)
    if found and not any(mapped(c).get("counts", True) in (True, "true") for c in listed(phase.get("criteria"))):
        yield Fault((*path, "criteria"), "nothing-counts", "no criterion counts, so there is no total; let one count")


def _count(written: Any) -> int:
    try:
        return _COUNT.validate_python(written)
    except ValidationError:
        return 1_000_000


def _branch(draft: Draft, rule: BranchRule) -> Iterator[Fault]:
    parts = {part.id: part for part in rule.parts if part.counts}
    if not parts:
        yield Fault((*draft.path, "parts"), "nothing-counts", f"no part of {draft.dotted} counts; let one count")
    if (rule.by == "weighted-sum") != (rule.weights is not None):
        todo = "add weights" if rule.weights is None else "remove them, or say by: weighted-sum"
        yield Fault(draft.path, "weights-missing" if rule.weights is None else "not-used", f"by is {rule.by}; {todo}")
    for part in rule.weights or {}:
        if part not in parts:
            message = f"{draft.dotted} has no part {part!r} that counts; they are {', '.join(parts)}"
            yield Fault((*draft.path, "weights", part), "unknown-criterion", message)
    absent = [part for part in parts if rule.weights is not None and part not in rule.weights]
    if absent:
        yield Fault((*draft.path, "weights"), "weight-missing", f"there is no weight for {', '.join(absent)}; add it")
    points = [part.points for part in parts.values() if part.points is not None]
    if rule.by == "sum" and rule.points is not None and len(points) == len(parts) and sum(points) != rule.points:
        both = f"{format_number(rule.points)} points, its parts together {format_number(sum(points, rule.points * 0))}"
        yield Fault((*draft.path, "points"), "points-differ", f"{draft.dotted} has {both}; correct one of them")


def _subtractions(draft: Draft, rule: LeafRule, leaves: Mapping[str, Draft]) -> Iterator[Fault]:
    for number, step in enumerate(rule.steps):
        if not isinstance(step, Subtract):
            continue
        where, other = (*draft.path, "steps", number, "subtract"), leaves.get(step.subtract)
        if other is None:
            message = f"{step.subtract!r} is no leaf here; leaves are {', '.join(sorted(leaves))}"
            yield Fault(where, "unknown-criterion", message)
        elif _reaches(step.subtract, draft.dotted, leaves):
            message = f"{step.subtract} depends on {draft.dotted} itself; take one of the two deductions out"
            yield Fault(where, "circular", message)
        elif isinstance(other.rule, LeafRule) and other.rule.counts:
            message = f"{step.subtract} counts by itself too; mark it counts: false"
            yield Fault(where, "counts-twice", message)


def _reaches(start: str, goal: str, leaves: Mapping[str, Draft]) -> bool:
    """Following deductions from `start` leads to `goal`."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        dotted = ahead.pop()
        rule = leaves[dotted].rule if dotted in leaves else None
        if dotted == goal:
            return True
        if dotted not in seen and isinstance(rule, LeafRule):
            seen.add(dotted)
            ahead += [step.subtract for step in rule.steps if isinstance(step, Subtract)]
    return False


def _references(phase: Mapping[str, Any], path: Path, known: set[str], panels: set[str]) -> Iterator[Fault]:
    """Names of criteria and panels that stand for nothing."""
    ties = listed(phase.get("ties"))
    places: list[tuple[Path, Any, set[str]]] = [
        *(((*path, "floors", name), name, {TOTAL}) for name in mapped(phase.get("floors"))),
        *(((*path, "ties", number), name, {TOTAL, PANEL}) for number, name in enumerate(ties)),
    ]
    weights = mapped(mapped(phase.get("rank_by")).get("weighted-sum"))
    places += [((*path, "rank_by", "weighted-sum", name), name, {TOTAL}) for name in weights]
    for where, name, special in places:
        if isinstance(name, str) and name not in known | special:
            choices = ", ".join(sorted(known | special))
            yield Fault(where, "unknown-criterion", f"there is no criterion {name!r}; write one of {choices}")
    for name in repeated(str(name) for name in ties):
        yield Fault((*path, "ties"), "duplicate-id", f"{name} stands twice among the ties; the second never decides")
    for panel in mapped(phase.get("quorum")):
        if panel not in panels:
            yield _unknown_panel((*path, "quorum", panel), panel, panels)


def _unknown_panel(where: Path, panel: str, panels: set[str]) -> Fault:
    choices = ", ".join(sorted(panels)) or "none"
    return Fault(where, "unknown-panel", f"no criterion is marked by a panel {panel!r}; the panels are {choices}")


def _gates(phase: Mapping[str, Any], path: Path, panels: set[str]) -> Iterator[Fault]:
    written = listed(phase.get("gates"))
    for name in repeated(id_of(gate) for gate in written):
        yield Fault((*path, "gates"), "duplicate-id", f"there are two gates {name!r}; rename one")
    for number, gate in enumerate(written):
        where, rule = (*path, "gates", number), read(Gate, gate)
        if rule is None:
            continue
        for count in repeated(rule.counts):
            yield Fault((*where, "counts"), "duplicate-id", f"the count {count!r} stands twice; remove one")
        if rule.tick is not None and rule.tick.by not in panels:
            yield _unknown_panel((*where, "tick", "by"), rule.tick.by, panels)
        if rule.rebuttal is not None and not rule.ruling_by:
            message = "an answer is asked for, but nobody rules on it; name a role in ruling_by"
            yield Fault((*where, "rebuttal"), "nobody-rules", message)


def _windows(phase: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Opens < submissions <= scores <= audits, as far as they are given."""
    windows = mapped(phase.get("windows"))
    given: list[tuple[str, Path, Any]] = [("opens", (*path, "opens"), phase.get("opens"))]
    given += [(name, (*path, "windows", name), windows.get(name)) for name in Windows.model_fields]
    before: tuple[str, str] | None = None
    for name, where, text in given:
        if (moment := instant(text)) is None:
            continue
        if before is not None and (instant(before[1]) or 0) > moment:
            message = f"{name} ends at {text}, before {before[0]} at {before[1]}; put them in order"
            yield Fault(where, "out-of-order", message)
        before = (name, text)


def instant(written: Any) -> int | None:
    """Unix milliseconds, or None where it is no instant (which is told elsewhere)."""
    try:
        return parse_instant(_INSTANT.validate_python(written))
    except ValidationError:
        return None


def _advance(phase: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    advance = read(Advance, phase.get("advance"))
    if advance is not None and advance.at_least > advance.places:
        message = f"at least {advance.at_least} must advance, but there are {advance.places} places; lower it"
        yield Fault((*path, "advance", "at_least"), "too-few-places", message)
    if "vacancies" in phase and "advance" not in phase:
        yield Fault((*path, "vacancies"), "not-used", "without advance: there are no places to fill; add it")
