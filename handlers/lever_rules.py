"""The levers on the rules: documents of a rulebook, changed and checked as a whole afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from events.errors import NotFound, Refused
from events.rulebook import parse_rulebook
from handlers.check import faults
from handlers.levers import Levers
from handlers.nearest import not_found
from handlers.rule_paths import set_at

Document = dict[str, Any]


def changed_rules(levers: Levers, documents: Sequence[Document]) -> list[Document]:
    """The rulebooks of a programme in their order, each with every lever that applies to it: one that names a phase does
    where that phase is. Raises NotFound where a lever applies to none, and Refused where a rulebook has a fault then.
    """
    found = [deepcopy(document) for document in documents]
    for path, value in levers.set.items():
        _in_some(found, partial(set_at, path=path, value=value))
    for gate in levers.without_gate:
        _in_some(found, partial(_without_gate, name=gate))
    for criterion in levers.drop_criterion:
        _in_some(found, partial(_without_criterion, name=criterion))
    if levers.refill:
        _in_some(found, _refill)
    for before, after in zip(documents, found, strict=True):
        if before != after:
            _check(after)
    return found


def _in_some(documents: Sequence[Document], change: Callable[[Document], object]) -> None:
    missed: NotFound | None = None
    changed = 0
    for document in documents:
        try:
            change(document)
            changed += 1
        except NotFound as absent:
            missed = absent
    if not changed and missed is not None:
        raise missed


def _check(document: Document) -> None:
    rows = faults(document)
    if not rows:
        return
    first = rows[0]
    text = f"with these levers the rulebook has {len(rows)} faults, first {first.place}: {first.message}"
    kind = NotFound if first.code == "extra-forbidden" else Refused
    raise kind(text, hint="phasegate check says what a rulebook may be; docs/rulebook.md every member")


def _phases(document: Document, name: str) -> Iterator[tuple[Document, str]]:
    """The phases that `PHASE/NAME` or `NAME` is about, and the name alone."""
    phase_id, slash, own = name.rpartition("/")
    known = [phase["id"] for phase in document["phases"]]
    if slash and phase_id not in known:
        raise not_found("phase", phase_id, known, "the rulebook")
    yield from ((phase, own) for phase in document["phases"] if not slash or phase["id"] == phase_id)


def _without_gate(document: Document, name: str) -> None:
    known, is_there = [], False
    for phase, gate in _phases(document, name):
        gates = phase.get("gates", [])
        known += [row["id"] for row in gates]
        kept = [row for row in gates if row["id"] != gate]
        is_there |= len(kept) < len(gates)
        if kept:
            phase["gates"] = kept
        else:
            phase.pop("gates", None)
    if not is_there:
        raise not_found("gate", name.rpartition("/")[2], known, "the rulebook")


def _refill(document: Document) -> None:
    for phase in document["phases"]:
        if "advance" in phase:
            phase["advance"]["refill_from_ranking"] = "true"


def _without_criterion(document: Document, name: str) -> None:
    known, is_there, panels = list[str](), False, _panels(document)
    for phase, path in _phases(document, name):
        known += _paths(phase["criteria"])
        if path in _paths(phase["criteria"]):
            is_there = True
            phase["criteria"] = _left(phase["criteria"], path)
            _forget_criterion(phase, path)
    if not is_there:
        raise not_found("criterion", name.rpartition("/")[2], known, "the rulebook")
    _forget_panels(document, panels - _panels(document))


def _paths(criteria: list[Document], prefix: str = "") -> list[str]:
    found = []
    for row in criteria:
        found += [prefix + row["id"], *_paths(row.get("parts", []), f"{prefix}{row['id']}.")]
    return found


def _left(criteria: list[Document], path: str) -> list[Document]:
    """What is left of a list of criteria: a branch that loses its last part goes with it."""
    name, _, rest = path.partition(".")
    kept = []
    for row in criteria:
        if row["id"] != name:
            kept.append(row)
        elif rest and (parts := _left(row["parts"], rest)):
            names = {part["id"] for part in parts}
            weights = {part: weight for part, weight in row.get("weights", {}).items() if part in names}
            kept.append(row | {"parts": parts} | ({"weights": weights} if "weights" in row else {}))
    return kept


def _panels(document: Document) -> set[str]:
    return {panel for phase in parse_rulebook(document).phases for panel in phase.panels}


def _forget_panels(document: Document, gone: set[str]) -> None:
    """Panels that mark nothing any more have no desk that speaks for them, and no quorum."""
    document["sources"] = [row for row in document.get("sources", ()) if row.get("panel") not in gone]
    for phase in document["phases"]:
        if "quorum" in phase:
            phase["quorum"] = {panel: need for panel, need in phase["quorum"].items() if panel not in gone}


def _forget_criterion(phase: Document, path: str) -> None:
    """Takes it out of what ranks, breaks ties and sets thresholds, which cannot name it any more."""

    def is_kept(name: str) -> bool:
        return name != path and not name.startswith(f"{path}.")

    if "ties" in phase:
        phase["ties"] = [name for name in phase["ties"] if is_kept(name)]
    if "floors" in phase:
        phase["floors"] = {name: value for name, value in phase["floors"].items() if is_kept(name)}
    if isinstance(rank := phase.get("rank_by"), dict):
        weights = {name: value for name, value in rank["weighted-sum"].items() if is_kept(name)}
        phase["rank_by"] = {"weighted-sum": weights} if weights else "total"
