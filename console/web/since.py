"""What came between two moments of a log, as plain data: what was recorded, what was decided, and what stands otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from console.web.worlds import standing_changes
from events.entry import decode_members
from flows.browsing import short_type
from flows.reading import Reading
from handlers.consequences import changes
from handlers.state import Decision, Fact, PhaseState, State

ENTRIES_MOST = 100_000
"""Entries that are counted, the latest."""

VERDICTS = ("accepted", "refused", "duplicate", "pending")
SHOWN_MOST = 4


def recorded(reading: Reading, programme: str, since: int, size: int) -> dict[str, Any]:
    """`types`: how many entries of each type have which verdict; `refused`: by type and reason, with some of their entries.
    `low` is the first entry that was counted.
    """
    low = max(since, size - ENTRIES_MOST)
    types: dict[str, Counter[str]] = {}
    refused: dict[tuple[str, str], list[int]] = {}
    for stored in reading.ledger.read(programme, low, size, with_openings=False):
        index, _, _, _, _, _, verdict, _, name, reason, _ = decode_members(stored.entry)
        short = short_type(name)
        types.setdefault(short, Counter())[verdict] += 1
        if reason is not None:
            refused.setdefault((short, reason), []).append(index)
    rows = [(name, *(counts[verdict] for verdict in VERDICTS)) for name, counts in sorted(types.items())]
    why = [
        {"type": name, "reason": reason, "count": len(found), "indexes": found[:SHOWN_MOST]}
        for (name, reason), found in sorted(refused.items(), key=lambda pair: -len(pair[1]))
    ]
    return {"types": rows, "refused": why, "low": low}


def between(then: State, now: State) -> dict[str, Any]:
    """`phases`: the status of each then and now; `decided`: what was done about decisions, in the order of the log; `changed`:
    the phases in which somebody stands otherwise, those with other outcomes with who advances and who does not any more.
    """
    rules = now.rulebook.phases if now.rulebook is not None else ()
    changed = [standing_changes(row) for row in changes(then, now)]
    return {
        "phases": [(one.id, _status(then, one.id), now.status(one.id)) for one in rules],
        "decided": sorted(_decided(then, now), key=lambda row: row["index"]),
        "changed": changed,
        "is_told": any(any(row.get(part) for part in _TOLD) for row in changed),
        "entrants": [name for name in now.entrants if name not in then.entrants],
        "concluded": then.concluded is None and now.concluded is not None,
        "finalists": None if now.concluded is None else list(now.concluded.data["finalists"]),
    }


_TOLD = ("gained", "lost", "vacancies", "status", "owed", "unsigned")
"""The parts of a changed phase of which there is a sentence."""


def _status(state: State, phase: str) -> str:
    known = state.rulebook is not None and any(rules.id == phase for rules in state.rulebook.phases)
    return state.status(phase) if known else "none"


def _decided(then: State, now: State) -> Iterator[dict[str, Any]]:
    for phase in now.phases.values():
        decisions = list(phase.decisions.values())
        for place, decision in enumerate(decisions):
            before = decisions[place - 1].fact.event.id if place else None
            for what, fact, who in _facts(decision):
                if fact.index >= then.size:
                    replaced = before if what == "decided" else None
                    yield _row(phase, decision, what, fact, who) | {"supersedes": replaced}


def _facts(decision: Decision) -> Iterator[tuple[str, Fact, str]]:
    """What was done about a decision: a code of `changes.yaml`, the fact, and who did it where that is told."""
    yield "decided", decision.fact, ""
    yield from (("signed", fact, role) for role, fact in decision.signatures.items())
    yield from (("published", fact, profile) for profile, fact in decision.published.items())
    yield from (("objected", row.fact, str(row.fact.data["entrant"])) for row in decision.objections.values())
    if decision.returned is not None:
        yield "returned", decision.returned, ""
    if decision.finalised is not None:
        yield "finalised", decision.finalised, ""


def _row(phase: PhaseState, decision: Decision, what: str, fact: Fact, who: str) -> dict[str, Any]:
    return {
        "phase": phase.rules.id,
        "decision": decision.fact.event.id,
        "in_force": decision is phase.in_force,
        "what": what,
        "index": fact.index,
        "who": who,
    }
