"""What people write for the id of an event: the id itself, or any beginning of it that no other such event shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from events.errors import NotFound
from handlers.state import State

Kind = Literal["decision", "finding", "score", "objection", "submission", "act", "reopening"]

NAMED_AT_MOST = 8
"""How many ids a message names."""

_WHAT = {"score": "mark", "act": "act that may be approved"}


def event_id(state: State, kind: Kind, text: str) -> str:
    """The id of the one event of that kind that is meant. Raises NotFound where there is none, or are several. A mark may
    be named by its slot too, ENTRANT/CRITERION/ITEM/EVALUATOR: then the mark that stands there now is meant.
    """
    ids = list(_ids(state, kind))
    if text in ids:
        return text
    found = [one for one in ids if text and one.startswith(text)]
    if not found and kind == "score":
        slot = tuple(text.split("/"))
        found = [mark.ids[0] for phase in state.phases.values() for at, mark in phase.marks.items() if at == slot]
    if len(found) == 1:
        return found[0]
    what = _WHAT.get(kind, kind)
    if found:
        raise NotFound(f"several begin with {text!r}: {_some(found)}", hint="write more of it")
    raise NotFound(f"{state.programme} has no {what} {text!r}; it has: {_some(ids)}", hint="an id, or its beginning")


def _some(ids: list[str]) -> str:
    rest = len(ids) - NAMED_AT_MOST
    return (", ".join(ids[:NAMED_AT_MOST]) or "none") + (f" and {rest} more" if rest > 0 else "")


def _ids(state: State, kind: Kind) -> Iterable[str]:
    phases = state.phases.values()
    match kind:
        case "decision":
            return (one for phase in phases for one in phase.decisions)
        case "finding":
            return (one for phase in phases for one in phase.findings)
        case "score":
            return (one for phase in phases for one in phase.slot_of)
        case "objection":
            return (one for phase in phases for decision in phase.decisions.values() for one in decision.objections)
        case "submission":
            return (one for phase in phases for one in phase.submission_of)
        case "act":
            return state.acts
        case "reopening":
            return (row.opened.event.id for phase in phases for row in phase.rounds[1:])
