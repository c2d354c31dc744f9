"""What `doctor` finds out about one thing, and how a check that itself goes wrong is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from events.errors import PhasegateError

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`todo` is the next step, empty when nothing has to be done."""

    name: str
    state: State
    found: str
    todo: str = ""


def examine(name: str, check: Callable[[], Finding]) -> Finding:
    """The finding of a check. One that breaks is a failed finding: the others must still be heard."""
    try:
        return check()
    except PhasegateError as error:
        return Finding(name, "failed", error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - reported as a finding, by name
        return Finding(name, "failed", f"the check broke: {type(error).__name__}: {error}", "report this")
