"""Places in a rulebook's document, named by ids as `amend --dry-run` names them: `phases.phase-1.advance.places`.

An element of a list is named by its id (or source, role, kind), by its number, or by a member that it alone has: so the
rounding of a criterion is `criteria.expert.steps.round.mode`. `parts` may be left out, and `*` stands for every element.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from events.errors import NotFound
from handlers.nearest import not_found

_NAMES = ("id", "source", "role", "kind")

Place = tuple[Any, Any]
"""A map and a key of it, which may be new; or a list and the number of an element."""


def set_at(document: dict[str, Any], path: str, value: Any) -> int:
    """Sets every place that the path names, or takes it out where the value is empty; how many there were. Raises NotFound
    with the nearest names where the path leads nowhere.
    """
    places = list(_places(document, path.split("."), ""))
    for holder, key in reversed(places):  # From behind, so that numbers stay right while elements go.
        if value != "":
            holder[key] = deepcopy(value)
        elif isinstance(holder, list) or key in holder:
            del holder[key]
    return len(places)


def _places(node: Any, steps: list[str], where: str) -> Iterator[Place]:
    name, *rest = steps
    if rest and isinstance(node, dict) and ".".join(steps) in node:
        yield node, ".".join(steps)  # A key with dots, such as a criterion's path under `floors`.
        return
    found = list(_members(node, name))
    if not rest and not found and isinstance(node, dict) and name != "*":
        yield node, name
        return
    if not found:
        raise not_found("member", name, _known(node), where or "the rulebook")
    if name != "*" and not rest:
        yield from found
    elif name != "*":
        for holder, key in found:
            yield from _places(holder[key], rest, f"{where}.{name}".lstrip("."))
    else:
        yield from _in_every(found, rest, where)


def _in_every(found: list[Place], rest: list[str], where: str) -> Iterator[Place]:
    """The rest of a path in every element that has it: in one at least."""
    places, missed = list[Place](), None
    for holder, key in found:
        try:
            places += _places(holder[key], rest, f"{where}.{_name_of(holder, key)}") if rest else [(holder, key)]
        except NotFound as absent:
            missed = absent
    if not places and missed is not None:
        raise missed
    yield from places


def _members(node: Any, name: str) -> Iterator[Place]:
    if isinstance(node, dict):
        if name in node:
            yield node, name
        elif isinstance(node.get("parts"), list):
            yield from _members(node["parts"], name)
        elif name == "*":
            yield from ((node, key) for key, part in node.items() if isinstance(part, dict | list))
    elif isinstance(node, list):
        yield from _elements(node, name)


def _elements(rows: list[Any], name: str) -> Iterator[Place]:
    if name == "*":
        yield from ((rows, number) for number in range(len(rows)))
        return
    named = [number for number, row in enumerate(rows) if name in _names(row)]
    if named:
        yield rows, named[0]
    elif name.isascii() and name.isdigit() and int(name) < len(rows):
        yield rows, int(name)
    else:
        having = [row for row in rows if isinstance(row, dict) and name in row and not _names(row)]
        if len(having) == 1:
            yield having[0], name


def _names(row: Any) -> list[str]:
    return [str(row[name]) for name in _NAMES if name in row] if isinstance(row, dict) else []


def _name_of(holder: Any, key: Any) -> str:
    names = _names(holder[key])
    return names[0] if names else str(key)


def _known(node: Any) -> list[str]:
    """What a place may be followed by."""
    if isinstance(node, dict):
        return [*node, *(_known(node["parts"]) if isinstance(node.get("parts"), list) else ())]
    if isinstance(node, list):
        named = [name for row in node for name in _names(row)]
        return named or [str(number) for number in range(len(node))]
    return []
