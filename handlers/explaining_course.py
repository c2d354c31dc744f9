"""The path to a decision and from there on, by entries of the log: what the entrant said, was given and was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from events.values import format_instant
from handlers.exclusions import marks_in_force
from handlers.explanation import Noted
from handlers.known import Known
from handlers.reasons import REOPENINGS
from handlers.state import Decision, Fact, Finding, PhaseState, State


def course_of(known: Known, phase: PhaseState, entrant: str | None, decision: Decision | None) -> tuple[Noted, ...]:
    """In the order of the log. Marks, findings and ticks only once there is a decision: they are private until then."""
    state = known.now
    rows = list(_of_the_phase(phase))
    if entrant is not None:
        rows += _of_the_entrant(state, phase, entrant)
        rows += _awarded(phase, entrant)
        if decision is not None:
            rows += _assessed(phase, decision, entrant)
    if decision is not None and known.at_cut is not None and entrant is not None:
        rows += _judged(known, known.at_cut, phase.rules.id, entrant)
    for row in phase.decisions.values():
        rows += _after(row, entrant)
    return tuple(sorted(rows, key=lambda row: (row.indexes[0], row.code)))


def noted(code: str, fact: Fact, facts: Mapping[str, str] | None = None) -> Noted:
    return Noted(code, (fact.index,), format_instant(fact.received_ms), facts or {})


def _of_the_phase(phase: PhaseState) -> Iterator[Noted]:
    for row in phase.rounds:
        if row.until_ms is None:
            yield noted("course.opened", row.opened, {"phase": phase.rules.id})
        else:
            reason, until = row.opened.data.get("reason", "office"), {"until": format_instant(row.until_ms)}
            if reason in REOPENINGS:
                yield noted(f"course.reopened.{reason}", row.opened, until)
            else:  # a person may have called it otherwise
                yield noted("course.reopened.other", row.opened, until | {"reason": reason})
        if row.closed is not None:
            yield noted("course.closed", row.closed, {"size": str(row.closed.data["size"])})
        yield from (noted("course.held", fact) for fact in row.held)


def _of_the_entrant(state: State, phase: PhaseState, entrant: str) -> Iterator[Noted]:
    said: list[tuple[str, Fact | None]] = [
        ("course.registered", state.entrants.get(entrant)),
        ("course.submitted", phase.submissions.get(entrant)),
        ("course.withdrew", state.withdrawn.get(entrant)),
    ]
    if (call := state.calls.get(phase.rules.id)) is not None:
        said.append(("course.applied", call.applications.get(entrant)))
    yield from (noted(code, fact) for code, fact in said if fact is not None)


def _awarded(phase: PhaseState, entrant: str) -> Iterator[Noted]:
    if (award := phase.awards.get(entrant)) is not None:
        yield noted("course.awarded", award)


def _assessed(phase: PhaseState, decision: Decision, entrant: str) -> Iterator[Noted]:
    for event_id in decision.fact.data["assessments"]:
        if (fact := phase.assessed[event_id]).data["entrant"] == entrant:
            yield noted("course.assessed", fact)


def _judged(known: Known, at_cut: State, phase_id: str, entrant: str) -> Iterator[Noted]:
    """Marks by criterion, findings and what followed from them, ticks and votes, as they stood at the cut."""
    phase = at_cut.phases[phase_id]
    given: dict[str, list[str]] = {}
    for (name, criterion, _, _), mark in marks_in_force(at_cut, phase).items():
        if name == entrant:
            given.setdefault(criterion, []).extend(mark.ids)
    for criterion, ids in given.items():
        indexes, received = known.entries(ids)
        if indexes:
            facts = {"criterion": criterion, "entries": str(len(indexes)), "last": str(indexes[-1])}
            yield Noted("course.marks", indexes, received, facts)
    for finding in phase.findings.values():
        if finding.key[0] == entrant:
            yield from _found(finding)
    ticks = [fact for key, fact in phase.ticks.items() if key[0] == entrant and fact.data["not_met"]]
    yield from (
        noted("course.ticked", fact, {"gate": fact.data["gate"], "count": fact.data["count"]} | _by(fact))
        for fact in ticks
    )
    votes = [fact for key, fact in phase.votes.items() if key[0] == entrant]
    yield from (noted(f"course.voted.{fact.data['vote']}", fact, _by(fact)) for fact in votes)


def _by(fact: Fact) -> dict[str, str]:
    return {"evaluator": fact.data["evaluator"]}


def _found(finding: Finding) -> Iterator[Noted]:
    _, gate, count = finding.key
    about = {"gate": gate, "count": count}
    yield noted(f"course.found.{finding.fact.data['verdict']}", finding.fact, about)
    if finding.rebuttal is not None:
        yield noted("course.answered", finding.rebuttal, about)
    yield from (noted(f"course.ruled.{fact.data['verdict']}", fact, about) for fact in finding.rulings)


def _after(decision: Decision, entrant: str | None) -> Iterator[Noted]:
    """The decision of a round and what came of it. Of objections only the entrant's own, where one is explained."""
    yield noted("course.decided", decision.fact, {"round": str(decision.number)})
    yield from (noted("course.signed", fact, {"role": role}) for role, fact in decision.signatures.items())
    if decision.returned is not None:
        yield noted("course.returned", decision.returned, {"role": decision.returned.data["role"]})
    yield from (noted("course.published", fact, {"profile": name}) for name, fact in decision.published.items())
    for objection in decision.objections.values():
        if entrant not in (None, objection.fact.data["entrant"]):
            continue
        facts = {"entrant": objection.fact.data["entrant"], "grounds": objection.fact.data["grounds"]}
        yield noted("course.objected", objection.fact, facts)
        ended = objection.withdrawn or objection.ruling
        if ended is not None:
            yield noted(f"course.objection.{objection.outcome}", ended, facts)
    if decision.finalised is not None:
        yield noted("course.finalised", decision.finalised)
