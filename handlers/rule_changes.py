"""How two rulebooks differ, as documents: by the path of what was added, taken out or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NAMES = ("id", "source", "role", "kind")
"""What elements of a list are told apart by, where each has one of its own; else it is their number."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """`path` is dotted, with the ids of phases, criteria and so on: `phases.phase-1.advance.places`. None: not there."""

    path: str
    before: Any
    after: Any

    def data(self) -> dict[str, Any]:
        return {"path": self.path, "before": self.before, "after": self.after}


def rule_changes(before: Any, after: Any, path: str = "") -> Iterator[RuleChange]:
    """In the order of the old document, what is new at the end of each part."""
    old, new = _members(before, after)
    if old is None or new is None:
        if before != after:
            yield RuleChange(path, before, after)
        return
    for name in (*old, *(name for name in new if name not in old)):
        yield from rule_changes(old.get(name), new.get(name), f"{path}.{name}".lstrip("."))


def _members(before: Any, after: Any) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Both as maps from a name to a part, when both are maps or lists."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before, after
    if not isinstance(before, list) or not isinstance(after, list):
        return None, None
    if not all(isinstance(row, Mapping) for row in (*before, *after)):  # A list of words is read as a whole.
        return None, None
    name = next((name for name in _NAMES if _names_all(name, before) and _names_all(name, after)), None)
    if name is None:
        return dict(_numbered(before)), dict(_numbered(after))
    return {part[name]: part for part in before}, {part[name]: part for part in after}


def _numbered(rows: list[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(number), row) for number, row in enumerate(rows))


def _names_all(name: str, rows: list[Any]) -> bool:
    names = [row.get(name) for row in rows if isinstance(row, Mapping)]
    return len(names) == len(rows) and None not in names and len(set(map(str, names))) == len(names)
