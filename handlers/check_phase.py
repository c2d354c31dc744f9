"""Faults that several members of a phase make together.

Everything is read from the document as written, piece by piece, so that a fault in one piece hides none in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from events.rulebook import Windows
from events.rulebook_fields import repeated
from events.values import format_number
from handlers.check_criteria import criteria_faults, drafts, points_of
from handlers.fault import Fault, Path
from handlers.ranking import PANEL
from handlers.scoring import TOTAL
from handlers.written import count, id_of, instant, listed, mapped, number, texts


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
    yield from criteria_faults(phase, path, found)
    yield from _references(phase, path, {draft.dotted for draft in found}, panels)
    yield from _ties(phase, path)
    yield from _floors(phase, path, {draft.dotted: points_of(draft.written) for draft in found})
    yield from _gates(phase, path, panels)
    yield from _windows(phase, path)
    yield from _advance(phase, path)


def _references(phase: Mapping[str, Any], path: Path, known: set[str], panels: set[str]) -> Iterator[Fault]:
    """Names of criteria and panels that stand for nothing."""
    ties = listed(phase.get("ties"))
    places: list[tuple[Path, Any, set[str]]] = [
        *(((*path, "floors", name), name, {TOTAL}) for name in mapped(phase.get("floors"))),
        *(((*path, "ties", index), name, {TOTAL, PANEL}) for index, name in enumerate(ties)),
    ]
    weights = mapped(mapped(phase.get("rank_by")).get("weighted-sum"))
    places += [((*path, "rank_by", "weighted-sum", name), name, {TOTAL}) for name in weights]
    for where, name, special in places:
        if isinstance(name, str) and name not in known | special:
            choices = ", ".join(sorted(known | special))
            yield Fault(where, "unknown-criterion", f"there is no criterion {name!r}; write one of {choices}")
    for panel in mapped(phase.get("quorum")):
        if panel not in panels:
            yield _unknown_panel((*path, "quorum", panel), panel, panels)


def _ties(phase: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Tie-breaks that never come to decide."""
    ties = texts(phase.get("ties"))
    for name in repeated(ties):
        yield Fault((*path, "ties"), "duplicate-id", f"{name} stands twice among the ties; the second never decides")
    if PANEL in ties[:-1]:
        message = f"a person decides every tie that reaches `panel`, so {ties[-1]} never does; put panel last"
        yield Fault((*path, "ties", ties.index(PANEL)), "panel-not-last", message)
    if TOTAL in ties and phase.get("rank_by", TOTAL) == TOTAL:
        message = "who ties has the same total, which ranks; take total out of the ties"
        yield Fault((*path, "ties", ties.index(TOTAL)), "never-decides", message)


def _floors(phase: Mapping[str, Any], path: Path, points: Mapping[str, Fraction | None]) -> Iterator[Fault]:
    """Thresholds that nobody can reach, as far as points are given."""
    whole = points_of({"parts": phase.get("criteria")})
    for name, written in mapped(phase.get("floors")).items():
        floor, most = number(written), whole if name == TOTAL else points.get(name)
        if floor is not None and most is not None and floor > most:
            message = f"{name} has {format_number(most)} points, nobody reaches {format_number(floor)}; lower the floor"
            yield Fault((*path, "floors", name), "floor-unreachable", message)


def _unknown_panel(where: Path, panel: str, panels: set[str]) -> Fault:
    choices = ", ".join(sorted(panels)) or "none"
    return Fault(where, "unknown-panel", f"no criterion is marked by a panel {panel!r}; the panels are {choices}")


def _gates(phase: Mapping[str, Any], path: Path, panels: set[str]) -> Iterator[Fault]:
    written = listed(phase.get("gates"))
    for name in repeated(id_of(gate) for gate in written):
        yield Fault((*path, "gates"), "duplicate-id", f"there are two gates {name!r}; rename one")
    for index, gate in enumerate(mapped(gate) for gate in written):
        where: Path = (*path, "gates", index)
        for name in repeated(texts(gate.get("counts"))):
            yield Fault((*where, "counts"), "duplicate-id", f"the count {name!r} stands twice; remove one")
        ticking = mapped(gate.get("tick")).get("by")
        if isinstance(ticking, str) and ticking not in panels:
            yield _unknown_panel((*where, "tick", "by"), ticking, panels)
        if "rebuttal" in gate and not gate.get("ruling_by"):
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


def _advance(phase: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    advance = mapped(phase.get("advance"))
    places, at_least = count(advance.get("places")), count(advance.get("at_least"))
    if places is not None and at_least is not None and at_least > places:
        message = f"at least {at_least} must advance, but there are {places} places; lower it"
        yield Fault((*path, "advance", "at_least"), "too-few-places", message)
    if "vacancies" in phase and "advance" not in phase:
        yield Fault((*path, "vacancies"), "not-used", "without advance: there are no places to fill; add it")
