"""decide: the events that each transition publishes. Pure: the same record gives the same events, byte for byte.

`time` of a derived event is the latest receipt among its causes, never a clock; ids are UUIDv5 of what makes the event
the one that it is. So a flow that is killed and started again says the same thing twice, and the ledger keeps one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import rfc8785

from events.decisions import Basis
from events.derived import derive, derived_id
from events.envelope import Envelope
from events.record import TOPICS
from events.values import format_instant, parse_instant
from handlers.course import newcomers
from handlers.gates import effective_ruling
from handlers.hearings import hold_since_ms, objection_outcomes
from handlers.outcomes import Assessment
from handlers.readiness import awaited, outcome_of, score_table
from handlers.scoring import ScoreTable
from handlers.state import Fact, PhaseState, State
from handlers.trace import trace
from handlers.transition import FinaliseDecision, HoldPhase, MarkWindow, OpenPhase
from handlers.windows import REGISTRATION, deadline, markers, round_windows

Outgoing = tuple[str, Envelope]
"""A topic (short name) and the event that goes there."""

ASSESSED = "phasegate.entrant.assessed.v1"
DECIDED = "phasegate.phase.decided.v1"


def markers_of(state: State, command: MarkWindow) -> list[Outgoing]:
    """A marker for each topic that lacks a valid one."""
    return [(topic, _marker(state, command, topic, attempt)) for topic, attempt in command.attempts]


def _marker(state: State, command: MarkWindow, topic: str, attempt: int) -> Envelope:
    data = {
        "phase": command.phase,
        "window": command.window,
        "deadline": format_instant(command.deadline_ms),
        "attempt": attempt,
    }
    return derive(
        state.programme,
        "phasegate.intake.marked.v1",
        data,
        phase=command.phase,
        subject=f"{command.window}/{topic}",
        ordinal=attempt,
        caused_ms=command.deadline_ms,
    )


def phase_opened(state: State, command: OpenPhase) -> Outgoing:
    """The phase takes in its entrants, with the windows that the rulebook gives it."""
    assert state.rulebook is not None  # due() asks nothing without one.
    rules = state.rulebook.phase(command.phase)
    windows = rules.windows.model_dump(exclude_none=True)
    if rules.parity is not None and "submissions" in windows:
        came = sorted(set(newcomers(state, rules)) & set(command.entrants))
        windows |= {f"submissions:{entrant}": rules.parity.submissions for entrant in came}
    marked = [fact.received_ms for fact in markers(state, rules.id, REGISTRATION).values()]
    data = {
        "phase": rules.id,
        "entrants": list(command.entrants),
        "opens": format_instant(parse_instant(rules.opens or "")),
        "windows": {window: format_instant(parse_instant(until)) for window, until in windows.items()},
    }
    return "decisions", _derive(state, "phasegate.phase.opened.v1", data, rules.id, 1, max(marked))


def closing_size(state: State, phase: PhaseState) -> int:
    """The smallest log size that holds every marker of the phase's intake."""
    return 1 + max(fact.index for fact in _intake_markers(state, phase))


def closing_offsets(state: State, phase: PhaseState) -> dict[str, int]:
    """The offset of the last intake marker by topic: up to there the record of the phase's intake is complete."""
    rows = _intake_markers(state, phase)
    return {topic: max((fact.offset for fact in rows if fact.topic == topic), default=0) for topic in TOPICS}


def _intake_markers(state: State, phase: PhaseState) -> list[Fact]:
    """What the closing of the present round's intake rests on: the markers of its windows; of registration, or the
    opening itself, where the phase has no windows and its intake ends as it begins.
    """
    marks = [fact for window in round_windows(phase) for fact in facts(state, phase, window)]
    return marks or facts(state, phase, REGISTRATION) or [phase.opened]


def facts(state: State, phase: PhaseState, window: str) -> list[Fact]:
    return list(markers(state, phase.rules.id, window).values())


Attribution = Sequence[tuple[str, int, Iterable[tuple[int, str]]]]
"""For each topic and partition, in order: (offset, owner) of every recorded offset below the marker, ascending."""


def attribution_digest(programme: str, rows: Attribution, stops: Mapping[str, int]) -> str:
    """SHA-256 of whose every offset below the markers is that is not the programme's own (docs/formats.md): RFC 8785
    `[[topic, partition, [[from, to, owner], …]], …]`; `control` owns offsets that no record has.
    """
    document: Any = [
        [topic, partition, _ranges(programme, owners, stops[topic])]
        for topic, partition, owners in sorted(rows, key=lambda row: row[:2])
    ]
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def _ranges(programme: str, owners: Iterable[tuple[int, str]], stop: int) -> list[list[Any]]:
    ranges: list[list[Any]] = []

    def extend(start: int, end: int, owner: str) -> None:
        if start == end or owner == programme:
            return
        if ranges and ranges[-1][1] == start and ranges[-1][2] == owner:
            ranges[-1][1] = end
        else:
            ranges.append([start, end, owner])

    following = 0
    for offset, owner in owners:
        extend(following, offset, "control")
        extend(offset, offset + 1, owner)
        following = offset + 1
    extend(following, stop, "control")
    return ranges


def intake_closed(state: State, phase_id: str, partition: int, root: str, attribution: str) -> Outgoing:
    """The intake of a phase is complete up to the markers named here."""
    phase = state.phases[phase_id]
    ends = {window: deadline(state, phase_id, window) for window in round_windows(phase)}
    data = {
        "phase": phase_id,
        "windows": {window: format_instant(last) for window, last in ends.items() if last is not None},
        "markers": {f"{topic}/{partition}": offset for topic, offset in closing_offsets(state, phase).items()},
        "size": closing_size(state, phase),
        "root": root,
        "attribution": attribution,
    }
    closed_ms = max(fact.received_ms for fact in _intake_markers(state, phase))
    return "decisions", _derive(state, "phasegate.intake.closed.v1", data, phase_id, phase.round.number, closed_ms)


def phase_held(state: State, command: HoldPhase, since_ms: int) -> Outgoing:
    """Something is missing since `since_ms`: what, and who owes it."""
    data = {"phase": command.phase, "missing": [row.data() for row in command.missing]}
    return "decisions", _derive(state, "phasegate.phase.held.v1", data, command.phase, command.ordinal, since_ms)


def held_since_ms(state: State, phase: PhaseState) -> int:
    """The latest receipt among what a hold rests on."""
    return caused_ms(state, phase) if phase.decision is None else hold_since_ms(state, phase)


def caused_ms(state: State, phase: PhaseState) -> int:
    """The latest receipt among what a decision rests on: the closing of the intake, and what was waited for."""
    assert phase.closed is not None  # Nothing is held or decided before.
    rulings = [effective_ruling(state, phase, finding) for finding in phase.findings.values()]
    facts = [fact for fact in (*rulings, *awaited(state, phase)) if fact is not None]
    return max([phase.closed.received_ms, *(fact.received_ms for fact in facts)])


def phase_decided(state: State, phase_id: str, basis: Basis) -> list[Outgoing]:
    """The assessment of each entrant, and then the decision that lists them. `state` is exactly the cut."""
    phase = state.phases[phase_id]
    number = phase.round.number
    outcome, table = outcome_of(state, phase), score_table(state, phase)
    since_ms, written = caused_ms(state, phase), basis.model_dump()
    out: list[Outgoing] = []
    for assessment in outcome.assessments:
        data = _assessment(phase_id, table, assessment) | {"basis": written}
        event = derive(
            state.programme,
            ASSESSED,
            data,
            phase=phase_id,
            subject=assessment.entrant,
            ordinal=number,
            caused_ms=since_ms,
        )
        out.append(("decisions", event))
    data = {
        "phase": phase_id,
        "outcomes": [
            {"entrant": row.entrant, "outcome": row.outcome, "reasons": [reason.public() for reason in row.reasons]}
            for row in outcome.outcomes
        ],
        "vacancies": outcome.vacancies,
        "assessments": [event.id for _, event in out],
        "basis": written,
    }
    if phase.superseded is not None:
        data["supersedes"] = phase.superseded.fact.event.id
    out.append(("decisions", _derive(state, DECIDED, data, phase_id, number, since_ms)))
    return out


def _assessment(phase_id: str, table: ScoreTable, assessment: Assessment) -> dict[str, Any]:
    return {
        "phase": phase_id,
        "entrant": assessment.entrant,
        "scores": trace(table, assessment.entrant),
        "rank": assessment.rank,
        "gates": [
            {"gate": gate, "met": row.met, "counts": dict(row.counts), "cites": list(row.cites)}
            for gate, row in assessment.gates.items()
        ],
        "reasons": [reason.data() for reason in assessment.reasons],
        "margin": assessment.margin,
    }


def decision_finalised(state: State, command: FinaliseDecision) -> Outgoing:
    """The decision stands. Without a window for objections it rests on the signatures alone."""
    phase = state.phases[command.phase]
    decision = phase.decisions[command.decision]
    data = {"decision": command.decision, "objections": objection_outcomes(state, phase)}
    final_ms = hold_since_ms(state, phase)
    name = "phasegate.decision.finalised.v1"
    return "decisions", _derive(state, name, data, command.phase, decision.number, final_ms)


def _derive(state: State, name: str, data: dict[str, Any], phase: str, ordinal: int, caused_ms: int) -> Envelope:
    return derive(state.programme, name, data, phase=phase, subject=phase, ordinal=ordinal, caused_ms=caused_ms)


def decision_id(programme: str, phase: str, ordinal: int = 1) -> str:
    """The id that the decision of a phase will have: known before it is made, so that a signature can name it."""
    return derived_id(programme, DECIDED, phase, phase, ordinal)
