"""Old shapes raised to the present one: pure steps on plain dicts, one version at a time, never rewriting what is stored.

A change of an event's shape adds one row here, one test with a literal old payload, and a new name in `events.names`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from events.envelope import Envelope
from events.names import TYPES

Step = Callable[[dict[str, Any]], dict[str, Any]]

STEPS: Mapping[str, Step] = {}
"""From the stored name of an old version to the step that makes the next version's data. No type has an old version yet."""


def upcast(name: str, data: dict[str, Any], steps: Mapping[str, Step] = STEPS) -> tuple[str, dict[str, Any]]:
    """The present name and data of an event stored under `name`; unchanged where it is present already."""
    while (step := steps.get(name)) is not None:
        name, data = successor(name), step(data)
    return name, data


def present(event: Envelope, steps: Mapping[str, Step] = STEPS) -> Envelope:
    """The event in its present shape; the very same object where it has that already."""
    if event.type not in steps:
        return event
    name, data = upcast(event.type, event.data, steps)
    return replace(event, type=name, data=data)


def successor(name: str) -> str:
    """The stored name of the next version: `….v1` becomes `….v2`."""
    stem, _, version = name.rpartition(".v")
    return f"{stem}.v{int(version) + 1}"


def check_chain(steps: Mapping[str, Step], present: Mapping[str, object]) -> None:
    """Raises ValueError when a step leads to a name that is neither present nor has a step of its own."""
    for name in steps:
        if name in present:
            raise ValueError(f"{name} is in the table of present names and has an upcasting step; remove one of them")
        if (following := successor(name)) not in present and following not in steps:
            raise ValueError(f"{name} is raised to {following}, which no table knows: a version is missing between")


check_chain(STEPS, TYPES)
