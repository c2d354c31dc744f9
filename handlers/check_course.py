"""Faults in how phases follow each other: calls and what they fill, parity, approvals, and the panels that vote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handlers.fault import Fault, Path
from handlers.written import id_of, instant, listed, mapped


def course_faults(programme: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that does not hold together between phases."""
    phases = [mapped(phase) for phase in listed(programme.get("phases"))]
    roles = {role for s in listed(programme.get("sources")) if isinstance(role := mapped(s).get("role"), str)}
    for number, phase in enumerate(phases):
        path: Path = ("phases", number)
        if "call" in phase:
            yield from _call(phases, number, path)
        yield from _vacancies(phases, phase, path)
        yield from _parity(phase, path)
        yield from _approvals(phase, path, roles)
    if phases and all("call" in phase for phase in phases):
        yield Fault(("phases",), "no-phase", "every phase is an open call; add the phase whose places they fill")


def _call(phases: list[Mapping[str, Any]], number: int, path: Path) -> Iterator[Fault]:
    phase, call = phases[number], mapped(phases[number].get("call"))
    earlier = {id_of(other): other for other in phases[:number] if "call" not in other}
    filled = call.get("fills")
    if isinstance(filled, str) and filled not in earlier:
        choices = ", ".join(earlier) or "none"
        message = f"no phase {filled!r} comes before that is no call itself; those are {choices}"
        yield Fault((*path, "call", "fills"), "unknown-phase", message)
    elif isinstance(filled, str) and mapped(earlier[filled].get("vacancies")).get("open_call") != id_of(phase):
        message = f"{filled} does not say vacancies: {{open_call: {id_of(phase)}}}; say it there"
        yield Fault((*path, "call", "fills"), "not-used", message)
    if "opens" not in phase:
        yield Fault((*path, "opens"), "missing", "a call takes applications until `opens`; say when that is")
    begins, ends = instant(call.get("opens")), instant(phase.get("opens"))
    if begins is not None and ends is not None and begins >= ends:
        message = f"the call opens at {call['opens']} and takes applications until {phase['opens']}; open it earlier"
        yield Fault((*path, "call", "opens"), "out-of-order", message)


def _vacancies(phases: list[Mapping[str, Any]], phase: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """A call may come by an amendment; a phase of that name that is there must be one."""
    name = mapped(phase.get("vacancies")).get("open_call")
    named = next((other for other in phases if id_of(other) == name), None)
    if named is not None and mapped(named.get("call")).get("fills") != id_of(phase):
        message = f"the phase {name!r} is no call that fills {id_of(phase)}; give it call: {{fills: {id_of(phase)}}}"
        yield Fault((*path, "vacancies", "open_call"), "unknown-phase", message)


def _parity(phase: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    if "parity" in phase and "submissions" not in mapped(phase.get("windows")):
        message = (
            "parity gives newcomers another deadline for submissions, and windows has none; add it, or remove parity"
        )
        yield Fault((*path, "parity"), "not-used", message)


def _approvals(phase: Mapping[str, Any], path: Path, roles: set[str]) -> Iterator[Fault]:
    for act, role in mapped(phase.get("approvals")).items():
        if roles and isinstance(role, str) and role not in roles:
            message = f"no source has the role {role!r}; the roles are {', '.join(sorted(roles))}"
            yield Fault((*path, "approvals", act), "unknown-role", message)
