"""Where a programme stands, as plain data: phases and windows, what is due, who owes what, how far the evidence reaches."""

from __future__ import annotations

from typing import Any

from events.rulebook import Phase
from events.values import format_instant, parse_instant
from flows.attention import problems_of
from flows.columns import Columns
from flows.reader import Moment
from flows.reading import Reading
from handlers.due import due, next_instant
from handlers.readiness import owed_now
from handlers.state import Finding, PhaseState, State
from handlers.transition import MarkWindow, Transition, describe
from handlers.views import course_view
from handlers.windows import (
    CALL,
    REBUTTAL,
    REGISTRATION,
    deadline,
    intake_windows,
    is_complete,
    markers,
    objections_window,
    rebuttal_deadline,
    round_windows,
)
from infra.ledger import Head

LATELY_MS = 86_400_000
"""Refusals are told for a day: long enough to be seen, and then they are history."""


def standing(reading: Reading, head: Head, at: Moment | None, wall_ms: int) -> dict[str, Any]:
    """Everything about one programme. `wall_ms`: the clock (Unix milliseconds) by which one that runs in the broker's
    time is late; one in its own time is as late as its last receipt, and an earlier moment is looked at as of then.
    """
    size = reading.reader.size_at(head.programme, at)
    state = reading.glance.state(head.programme) if at is None else reading.state(head.programme, at)
    columns = reading.reader.columns.of(head.programme, size)
    return standing_of(
        state,
        columns,
        size,
        reading.ledger.overview().signed(head.programme, size),
        now_of(state, columns, size, at, wall_ms),
    )


def now_of(state: State, columns: Columns, size: int, at: Moment | None, wall_ms: int) -> int:
    """As of when a programme is looked at (Unix milliseconds)."""
    if at is not None and at.time_ms is not None:
        return at.time_ms
    return wall_ms if at is None and state.clock == "broker" else columns.last_ms(size)


def standing_of(state: State, columns: Columns, size: int, signed: int, now_ms: int) -> dict[str, Any]:
    """The same from what is known already: the first `size` entries, of which checkpoints cover `signed`. Reads nothing."""
    last_ms = columns.last_ms(size)
    told = {
        "programme": state.programme,
        "size": size,
        "clock": state.clock or None,
        "now": format_instant(now_ms),
        "last_received": format_instant(last_ms),
        "entrants": len(state.entrants),
        "erased": len(state.erased),
        "verdicts": columns.verdicts(size),
        "refused_lately": columns.refused_after(size, now_ms - LATELY_MS),
        "finalists": None if state.concluded is None else state.concluded.data["finalists"],
        "phases": [_phase(state, rules) for rules in (state.rulebook.phases if state.rulebook else ())],
        "checkpoint": _checkpoint(columns, size, signed, now_ms),
        "unsigned_seconds": _unsigned(state, columns, size, signed, now_ms),
        **_due(state, last_ms, now_ms),
    }
    return told | {"attention": [said.text for said in problems_of(told)]}


def _due(state: State, last_ms: int, now_ms: int) -> dict[str, Any]:
    """What a flow would do now, since when it could have, and when time alone makes something due next."""
    transition, following = due(state, now_ms), next_instant(state, now_ms)
    since_ms = None if transition is None else due_since(transition, last_ms)
    return {
        "due": None if transition is None else describe(transition),
        "due_since": None if since_ms is None else format_instant(since_ms),
        "overdue_seconds": 0 if since_ms is None else max(0, now_ms - since_ms) // 1000,
        "due_next": None if following is None else format_instant(following),
    }


def due_since(transition: Transition, last_ms: int) -> int:
    """Since when it is due (Unix milliseconds): by time, or by what was last received in the log."""
    return transition.deadline_ms + 1 if isinstance(transition, MarkWindow) else last_ms


def _phase(state: State, rules: Phase) -> dict[str, Any]:
    phase = state.phases.get(rules.id)
    row: dict[str, Any] = {
        "phase": rules.id,
        "status": state.status(rules.id),
        "windows": [],
        "owed": [],
        "unsigned": [],
    }
    names = [REGISTRATION] if phase is None else _windows(phase)
    names = [CALL, *names] if phase is None and rules.call is not None else names
    row["windows"] = [_window(state, rules, name) for name in names if deadline(state, rules.id, name) is not None]
    if phase is None:
        planned = rules.windows.model_dump(exclude_none=True)
        row["windows"] += [_row(name, parse_instant(until), ()) for name, until in planned.items()]
        return row | course_view(state, rules)
    row["owed"] = [missing.data() for missing in owed_now(state, phase)]
    if phase.in_force is not None:
        row["decision"] = phase.in_force.fact.event.id
    if phase.decision is not None:
        signed = phase.decision.signatures
        row["unsigned"] = [duty.role for duty in rules.sign_off if duty.role not in signed]
    return row | course_view(state, rules)


def _windows(phase: PhaseState) -> list[str]:
    awaited = [REBUTTAL + name for name, finding in phase.findings.items() if _awaits_answer(phase, finding)]
    decision = phase.decision
    reopened = round_windows(phase) if phase.round.until_ms is not None else []
    return [*intake_windows(phase), *reopened, *awaited, *([objections_window(decision)] if decision else [])]


def _awaits_answer(phase: PhaseState, finding: Finding) -> bool:
    settled = finding.rebuttal is not None or finding.rulings
    return finding.needs_ruling and not settled and rebuttal_deadline(phase, finding) is not None


def _window(state: State, rules: Phase, name: str) -> dict[str, Any]:
    last_ms = deadline(state, rules.id, name)
    assert last_ms is not None  # The caller looked.
    row = _row(name, last_ms, sorted(markers(state, rules.id, name)))
    return row | {"complete": is_complete(state, rules.id, name)}


def _row(name: str, last_ms: int, marked: Any) -> dict[str, Any]:
    return {"window": name, "deadline": format_instant(last_ms), "complete": False, "marked": list(marked)}


def _unsigned(state: State, columns: Columns, size: int, signed: int, now_ms: int) -> int:
    """For how many seconds something has been in the log that no checkpoint covers; 0 in scenario time."""
    since_ms = columns.first_received(signed, size) if state.clock == "broker" else None
    return 0 if since_ms is None else max(0, now_ms - since_ms) // 1000


def _checkpoint(columns: Columns, size: int, signed: int, now_ms: int) -> dict[str, Any] | None:
    """The last checkpoint; `age_seconds` since the receipt of its last entry, `behind` entries that it does not cover."""
    if not signed:
        return None
    received_ms = columns.received_ms(signed - 1)
    return {
        "size": signed,
        "behind": size - signed,
        "received": format_instant(received_ms),
        "age_seconds": max(0, now_ms - received_ms) // 1000,
    }
