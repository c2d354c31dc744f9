"""Where a programme stands, as plain data: phases and windows, what is due, who owes what, how far the evidence reaches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from events.entry import decode_entry
from events.rulebook import Phase
from events.values import format_instant, parse_instant
from flows.attention import problems_of
from flows.reader import Moment
from flows.reading import Reading
from flows.unsigned import unsigned_since
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


@dataclass(slots=True)
class Receipts:
    """The entries of a prefix: how many of each verdict, which pending ones nothing has settled, the last receipt, and the
    receipts of what was refused.
    """

    verdicts: dict[str, int] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    last_ms: int = 0
    refused_ms: list[int] = field(default_factory=list)


def receipts(reading: Reading, programme: str, size: int) -> Receipts:
    """Counts the first `size` entries. A record that pended counts by what it became; until then as pending."""
    found = Receipts({"accepted": 0, "refused": 0, "duplicate": 0, "pending": 0})
    for stored in reading.ledger.read(programme, 0, size, with_openings=False):
        entry = decode_entry(stored.entry)
        found.verdicts[entry.verdict] += 1
        if entry.verdict == "refused":
            found.refused_ms.append(entry.received_ms)
        if entry.of is not None:
            found.waiting.discard(entry.of)
            found.verdicts["pending"] -= 1
            continue
        found.last_ms = max(found.last_ms, entry.received_ms)
        if entry.verdict == "pending":
            found.waiting.add(entry.index)
    return found


def standing(reading: Reading, head: Head, at: Moment | None, wall_ms: int) -> dict[str, Any]:
    """Everything about one programme. `wall_ms`: the clock (Unix milliseconds) by which one that runs in the broker's
    time is late; one in its own time is as late as its last receipt, and an earlier moment is looked at as of then.
    """
    size = reading.reader.size_at(head.programme, at)
    state = reading.glance.state(head.programme) if at is None else reading.state(head.programme, at)
    found = receipts(reading, head.programme, size)
    now_ms = _now(state, found, at, wall_ms)
    told = {
        "programme": head.programme,
        "size": size,
        "clock": state.clock or None,
        "now": format_instant(now_ms),
        "last_received": format_instant(found.last_ms),
        "entrants": len(state.entrants),
        "erased": len(state.erased),
        "verdicts": found.verdicts,
        "refused_lately": sum(ms > now_ms - LATELY_MS for ms in found.refused_ms),
        "finalists": None if state.concluded is None else state.concluded.data["finalists"],
        "phases": [_phase(state, rules) for rules in (state.rulebook.phases if state.rulebook else ())],
        "checkpoint": (signed := _checkpoint(reading, head.programme, size, now_ms)),
        "unsigned_seconds": _unsigned(reading, state, 0 if signed is None else signed["size"], now_ms),
        **_due(state, found, now_ms),
    }
    return told | {"attention": [said.text for said in problems_of(told)]}


def _now(state: State, found: Receipts, at: Moment | None, wall_ms: int) -> int:
    if at is not None and at.time_ms is not None:
        return at.time_ms
    return wall_ms if at is None and state.clock == "broker" else found.last_ms


def _due(state: State, found: Receipts, now_ms: int) -> dict[str, Any]:
    """What a flow would do now, since when it could have, and when time alone makes something due next."""
    transition, following = due(state, now_ms), next_instant(state, now_ms)
    since_ms = None if transition is None else due_since(transition, found.last_ms)
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


def _unsigned(reading: Reading, state: State, signed: int, now_ms: int) -> int:
    """For how many seconds something has been in the log that no checkpoint covers; 0 in scenario time."""
    since_ms = unsigned_since(reading.ledger, state.programme, signed, state.size) if state.clock == "broker" else None
    return 0 if since_ms is None else max(0, now_ms - since_ms) // 1000


def _checkpoint(reading: Reading, programme: str, size: int, now_ms: int) -> dict[str, Any] | None:
    """The last checkpoint; `age_seconds` since the receipt of its last entry, `behind` entries that it does not cover."""
    sizes = [row.size for row in reading.ledger.checkpoints(programme) if row.size <= size]
    if not sizes:
        return None
    last = decode_entry(next(iter(reading.ledger.read(programme, sizes[-1] - 1, sizes[-1]))).entry)
    age_ms = max(0, now_ms - last.received_ms)
    return {
        "size": sizes[-1],
        "behind": size - sizes[-1],
        "received": format_instant(last.received_ms),
        "age_seconds": age_ms // 1000,
    }
