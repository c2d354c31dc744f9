"""Explaining logs without a database: what `flows.explained` reads of a ledger, read of stored entries."""

from __future__ import annotations

import re
from collections.abc import Iterable

from events.entry import decode_entry
from events.envelope import decode
from handlers.explaining import explain
from handlers.explanation import Explanation
from handlers.fold import fold
from handlers.known import Known
from handlers.state import Decision
from tests.support import small
from tests.support.rooted import RootedLog


def known_of_log(log: RootedLog, decision: Decision | None) -> Known:
    """Marks and states; nothing of what was refused."""
    now = fold(small.PROGRAMME, log.stored)
    size = None if decision is None else int(decision.fact.data["basis"]["size"])
    places = {}
    for stored in log.stored:
        entry = decode_entry(stored.entry)
        if entry.of is None and entry.verdict in ("accepted", "pending") and stored.opening is not None:
            places[decode(stored.opening.value or b"").id] = (entry.index, entry.received_ms)
    return Known(now, None if size is None else fold(small.PROGRAMME, log.stored[:size]), places)


def explained(log: RootedLog, entrant: str | None, phase: str = "heat") -> Explanation:
    """By the decision in force, if there is one."""
    state = fold(small.PROGRAMME, log.stored)
    decision = state.phases[phase].in_force
    return explain(known_of_log(log, decision), phase, entrant, decision)


def codes(rows: Iterable[object]) -> list[str]:
    return [str(getattr(row, "code", row)) for row in rows]


DIGITS = re.compile(r"\d+")


def digits(text: str) -> set[str]:
    """Every run of digits, without leading zeros: how a number, a date or an id is written makes no difference."""
    return {run.lstrip("0") or "0" for run in DIGITS.findall(text)}
