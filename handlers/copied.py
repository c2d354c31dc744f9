"""A state of its own with the same in it: what is supposed there does not happen in the original."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from handlers.state import Call, Decision, Finding, Objection, PhaseState, Round, State
from handlers.table import Table

_CHANGING = (State, PhaseState, Round, Decision, Finding, Objection, Call)
"""What `evolve` changes in place. Facts, marks and rules never change, so they are shared."""


def copied(state: State) -> State:
    """In time linear in what is known. Two references to one decision become two references to one copy."""
    copy = _copy(state, {})
    assert isinstance(copy, State)
    return copy


def _copy(value: Any, known: dict[int, Any]) -> Any:
    if isinstance(value, (dict, Table)):
        return {key: _copy(part, known) for key, part in value.items()}
    if isinstance(value, list):
        return [_copy(part, known) for part in value]
    if isinstance(value, set):
        return set(value)
    if not isinstance(value, _CHANGING) or not is_dataclass(value):
        return value
    if id(value) not in known:
        parts = {field.name: _copy(getattr(value, field.name), known) for field in fields(value)}
        known[id(value)] = replace(value, **parts)
    return known[id(value)]
