"""What a lever names in a record: a mark, a finding, an evaluator, an entry."""

from __future__ import annotations

from collections.abc import Mapping

from events.errors import NotFound
from handlers.nearest import not_found
from handlers.references import event_id
from handlers.state import State
from handlers.told import Told

Entries = Mapping[int, Told]
"""The records of a log by the index of their first entry."""


def mark_named(state: State, entries: Entries, text: str) -> str:
    """The id of the event that gave a mark first, by that id or its beginning, by the number of its entry, or by its slot:
    ENTRANT/CRITERION/ITEM/EVALUATOR, with the phase in front where several have it. Raises NotFound.
    """
    if (told := _entry(entries, text)) is not None and told.event is not None:
        if told.name == "score.recorded" and told.is_accepted:
            return told.event.id
        if told.name == "score.corrected" and told.is_accepted:
            return str(told.event.data["score"])
        raise NotFound(
            f"entry {text} of {state.programme} gave no mark", hint=f"phasegate log {state.programme} {text}"
        )
    return _by_slot(state, text) if text.count("/") >= 3 else event_id(state, "score", text)


def _entry(entries: Entries, text: str) -> Told | None:
    """By its number, written as numbers are: ids may begin with digits too."""
    return entries.get(int(text)) if text.isascii() and text.isdigit() and str(int(text)) == text else None


def _by_slot(state: State, text: str) -> str:
    slots = {
        "/".join((phase_id, *slot)): mark.ids[0]
        for phase_id, phase in state.phases.items()
        for slot, mark in phase.marks.items()
    }
    found = [name for name in slots if text in (name, name.partition("/")[2])]
    if len(found) == 1:
        return slots[found[0]]
    if found:
        raise NotFound(f"{text} is a mark of several phases: {', '.join(found)}", hint="write the phase in front")
    known = slots if text.count("/") > 3 else {name.partition("/")[2] for name in slots}
    raise not_found("mark", text, known, state.programme)


def finding_named(state: State, entries: Entries, text: str) -> str:
    """The id of a finding, by that id or its beginning, by the number of its entry, or by ENTRANT/GATE/COUNT. Raises
    NotFound.
    """
    told = _entry(entries, text)
    if told is not None and told.event is not None and state.find_finding(told.event.id) is not None:
        return told.event.id
    findings = {name: row for phase in state.phases.values() for name, row in phase.findings.items()}
    found = [name for name, row in findings.items() if "/".join(row.key) == text]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(f"there are several findings {text}: {', '.join(found)}", hint="write the id of one")
    if "/" in text:
        raise not_found("finding", text, {"/".join(row.key) for row in findings.values()}, state.programme)
    return event_id(state, "finding", text)


def evaluator_named(state: State, text: str) -> str:
    """Somebody who was appointed. Raises NotFound with the nearest names."""
    known = {name for rows in state.appointed.values() for name in rows}
    if text in known:
        return text
    raise not_found("evaluator", text, known, state.programme)


def entry_named(state: State, entries: Entries, index: int) -> Told:
    """The record of a first entry that people sent. Raises NotFound."""
    told = entries.get(index)
    if told is None:
        raise NotFound(
            f"entry {index} of {state.programme} is no record's first entry",
            hint=f"phasegate log {state.programme} lists the entries",
        )
    if told.said_by_pipeline(state.programme):
        raise NotFound(
            f"entry {index} of {state.programme} is the pipeline's own {told.name}, which is made again",
            hint="leave out what it followed from",
        )
    return told
