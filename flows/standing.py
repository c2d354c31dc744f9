"""Where a programme stands, as plain data: phases and windows, what is due, who owes what, how far the evidence reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from events.entry import decode_entry
from events.rulebook import Phase
from events.values import format_instant, parse_instant
from flows.reader import Moment
from flows.reading import Reading
from handlers.due import due, next_instant
from handlers.readiness import owed_now
from handlers.state import Finding, PhaseState, State
from handlers.transition import MarkWindow, describe
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

OVERDUE_AFTER_MS = 60_000
"""What is due is done within seconds where flows run; after this long somebody should look."""


@dataclass(slots=True)
class Receipts:
    """The entries of a prefix: how many of each verdict, which pending ones nothing has settled, the last receipt."""

    verdicts: dict[str, int] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    last_ms: int = 0


def receipts(reading: Reading, programme: str, size: int) -> Receipts:
    """Counts the first `size` entries. A record that pended counts by what it became; until then as pending."""
    found = Receipts({"accepted": 0, "refused": 0, "duplicate": 0, "pending": 0})
    for stored in reading.ledger.read(programme, 0, size, with_openings=False):
        entry = decode_entry(stored.entry)
        found.verdicts[entry.verdict] += 1
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
        "finalists": None if state.concluded is None else state.concluded.data["finalists"],
        "phases": [_phase(state, rules) for rules in (state.rulebook.phases if state.rulebook else ())],
        "checkpoint": _checkpoint(reading, head.programme, size, now_ms),
        **_due(state, found, now_ms),
    }
    return told | {"attention": list(attention(told))}


def _now(state: State, found: Receipts, at: Moment | None, wall_ms: int) -> int:
    if at is not None and at.time_ms is not None:
        return at.time_ms
    return wall_ms if at is None and state.clock == "broker" else found.last_ms


def _due(state: State, found: Receipts, now_ms: int) -> dict[str, Any]:
    """What a flow would do now, since when it could have, and when time alone makes something due next."""
    transition, following = due(state, now_ms), next_instant(state, now_ms)
    since_ms = None
    if transition is not None:
        since_ms = transition.deadline_ms + 1 if isinstance(transition, MarkWindow) else found.last_ms
    return {
        "due": None if transition is None else describe(transition),
        "due_since": None if since_ms is None else format_instant(since_ms),
        "overdue_seconds": 0 if since_ms is None else max(0, now_ms - since_ms) // 1000,
        "due_next": None if following is None else format_instant(following),
    }


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


def attention(told: Mapping[str, Any]) -> Iterator[str]:
    """What somebody should look at: phases that are held, decisions that do not replay, work that should have been done."""
    for row in told["phases"]:
        if row["status"] == "held":
            who = ", ".join(sorted({missing["who"] for missing in row["owed"]})) or "nobody any more"
            yield f"{told['programme']} / {row['phase']} is held: {len(row['owed'])} things are owed by {who}"
        for said in row.get("attested", ()):
            if said["result"] == "different":
                yield f"{said['source']} attests that decision {said['decision']} of {row['phase']} came out differently"
    if told["due"] is not None and told["overdue_seconds"] * 1000 > OVERDUE_AFTER_MS:
        yield f"{told['due']} of {told['programme']} is due since {told['due_since']} ({told['overdue_seconds']} s)"
