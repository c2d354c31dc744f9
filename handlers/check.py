"""Checking a rulebook: every fault at once, each with its place in the document as written."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from events.errors import Refused
from events.names import TYPES
from events.note import parse_vkey
from events.rulebook import Rulebook, is_bare, whole
from events.rulebook_fields import repeated
from handlers.check_course import course_faults
from handlers.check_phase import panels_of, phase_faults, recognising
from handlers.fault import Fault, Path
from handlers.written import id_of, instant, listed, mapped, texts

_BARE: Path = ("phases", 0)
_UNION = {"literal_error", "model_type", "model_attributes_type", "dict_type", "value_error", "too_short"}
"""What pydantic says around a fault: of other forms that a member might have, and of lists that it left short."""


def faults(document: Any) -> list[Fault]:
    """Every fault, in the order of their places; empty for a rulebook that can be announced. Never raises."""
    if not isinstance(document, dict):
        return [Fault((), "not-a-mapping", f"a rulebook is a mapping, this is {type(document).__name__}; see docs")]
    programme = whole(document)
    found = [*_shape(programme), *_sources(programme), *_phases(programme, is_bare(document))]
    if is_bare(document):
        found = [Fault(_without_wrapping(fault.path), fault.code, fault.message) for fault in found]
    return sorted(set(found), key=lambda fault: ([_sortable(step) for step in fault.path], fault.code, fault.message))


def _sortable(step: str | int) -> tuple[int, str]:
    return (step, "") if isinstance(step, int) else (-1, step)


def _without_wrapping(path: Path) -> Path:
    return path[2:] if path[:2] == _BARE else path


def _shape(programme: Mapping[str, Any]) -> list[Fault]:
    """What the models say, one fault for each place."""
    try:
        Rulebook.model_validate(programme)
    except ValidationError as error:
        told = [(_place(programme, detail), detail) for detail in error.errors(include_url=False)]
        places = {path for path, _ in told}
        first = dict(reversed(told))
        return [
            Fault(path, detail["type"].replace("_", "-"), _message(detail))
            for path, detail in first.items()
            if not (detail["type"] in _UNION and any(len(o) > len(path) and o[: len(path)] == path for o in places))
        ]
    return []


def _place(programme: Any, detail: ErrorDetails) -> Path:
    """Pydantic's location without the names of the forms it tried, which are not in the document."""
    path: list[str | int] = []
    node = programme
    for step in detail["loc"]:
        if isinstance(node, dict) and step in node:
            path.append(step)
            node = node[step]
        elif isinstance(node, list) and isinstance(step, int):
            path.append(step)
            node = node[step] if step < len(node) else None
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _message(detail: ErrorDetails) -> str:
    name, value = str(detail["loc"][-1]), detail["input"]
    match detail["type"]:
        case "missing":
            return f"{name} is missing; add it"
        case "extra_forbidden":
            near = difflib.get_close_matches(name, [member for member in _known_members() if member != name], 1)
            return f"there is no member {name!r} here; " + (f"did you mean {near[0]!r}?" if near else "remove it")
        case "literal_error":
            return f"{value!r} is not known; write {detail.get('ctx', {}).get('expected', 'another value')}"
        case "value_error":
            return detail["msg"].removeprefix("Value error, ") + "; correct it"
        case _:
            shown = repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"
            return f"{detail['msg']}, this is {shown}; correct it"


def _members(schema: Any) -> Iterator[str]:
    for definition in schema.get("$defs", {}).values():
        yield from definition.get("properties", {})
    yield from schema.get("properties", {})


@cache
def _known_members() -> list[str]:
    """Every member name of the models; made when first asked for, since making it takes longer than a start may."""
    return sorted(set(_members(Rulebook.model_json_schema())))


def _sources(programme: Mapping[str, Any]) -> Iterator[Fault]:
    written = listed(programme.get("sources"))
    phases = listed(programme.get("phases"))
    panels = {panel for phase in phases for panel in panels_of(phase) | recognising(phase)}
    for name in repeated(str(mapped(source).get("source", "")) for source in written):
        yield Fault(("sources",), "duplicate-id", f"the source {name} stands twice; put its types together")
    for number, source in enumerate(mapped(source) for source in written):
        path: Path = ("sources", number)
        panel = source.get("panel")
        if isinstance(panel, str) and panel not in panels:
            choices = ", ".join(sorted(panels)) or "none"
            message = f"no criterion is marked by a panel {panel!r}; the panels are {choices}"
            yield Fault((*path, "panel"), "unknown-panel", message)
        yield from _types(source, (*path, "types"))
        for index, key in enumerate(texts(source.get("keys"))):
            if (problem := _bad_key(key)) is not None:
                yield Fault((*path, "keys", index), "bad-key", f"{problem}; write the verifier key's one line")


def _types(source: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Misspelt names of events: the source could not say what is meant. Others may be of a later version, and stand."""
    known = {row.short for row in TYPES.values()}
    for index, name in enumerate(listed(source.get("types"))):
        if isinstance(name, str) and name not in known | {"*"}:
            for near in difflib.get_close_matches(name, sorted(known), 1, cutoff=0.85):
                yield Fault((*path, index), "unknown-type", f"there is no event {name!r}; did you mean {near}?")


def _bad_key(text: str) -> str | None:
    try:
        parse_vkey(text)
    except (Refused, ValueError) as error:
        return str(error)
    return None


def _phases(programme: Mapping[str, Any], bare: bool) -> Iterator[Fault]:
    written = listed(programme.get("phases"))
    roles = {role for s in listed(programme.get("sources")) if isinstance(role := mapped(s).get("role"), str)}
    profiles = [id_of(profile) for profile in listed(programme.get("profiles"))]
    for name in repeated(id_of(phase) for phase in written):
        yield Fault(("phases",), "duplicate-id", f"there are two phases {name!r}; rename one")
    for name in repeated(profiles):
        yield Fault(("profiles",), "duplicate-id", f"there are two profiles {name!r}; rename one")
    for number, phase in enumerate(mapped(phase) for phase in written):
        path: Path = ("phases", number)
        yield from phase_faults(phase, path)
        if not bare and "advance" not in phase:
            yield Fault((*path, "advance"), "missing", "advance is missing; say how many advance: {places: 4}")
        if profiles and "publish" in phase and phase["publish"] not in profiles:
            message = f"there is no profile {phase['publish']!r}; write one of {', '.join(profiles)}"
            yield Fault((*path, "publish"), "unknown-profile", message)
        yield from _roles(phase, path, roles)
    yield from _sequence(written)
    yield from course_faults(programme)


def _roles(phase: Mapping[str, Any], path: Path, roles: set[str]) -> Iterator[Fault]:
    """Roles that no source has, so that nobody could act. Only where sources are given at all."""
    asked: list[tuple[Path, Any]] = [
        ((*path, "sign_off", number, "role"), mapped(duty).get("role"))
        for number, duty in enumerate(listed(phase.get("sign_off")))
    ]
    for number, gate in enumerate(listed(phase.get("gates"))):
        for member in ("findings_by", "ruling_by"):
            names = listed(mapped(gate).get(member))
            asked += [((*path, "gates", number, member, index), name) for index, name in enumerate(names)]
    for where, role in asked:
        if roles and isinstance(role, str) and role not in roles:
            message = f"no source has the role {role!r}; the roles are {', '.join(sorted(roles))}"
            yield Fault(where, "unknown-role", message)


def _sequence(phases: list[Any]) -> Iterator[Fault]:
    """A phase opens after the last deadline of the one before."""
    ended: tuple[int, str, str] | None = None
    for number, phase in enumerate(mapped(phase) for phase in phases):
        opens = instant(phase.get("opens"))
        if ended is not None and opens is not None and opens < ended[0]:
            message = f"opens at {phase['opens']}, before {ended[1]} ends at {ended[2]}; open it later"
            yield Fault(("phases", number, "opens"), "out-of-order", message)
        ends = [(ms, id_of(phase), str(t)) for t in mapped(phase.get("windows")).values() if (ms := instant(t))]
        ended = max(ends, default=ended)
