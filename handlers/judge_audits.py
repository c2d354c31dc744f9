"""Judging what auditors, panels and the pipeline's screens say."""

from __future__ import annotations

import re

from events.derived import pipeline_source
from events.rulebook import Phase, Source
from events.values import format_instant
from handlers.state import Fact, Finding, PhaseState, State
from handlers.verdicts import ACCEPTED, Refusal, Verdict, behind, named_already, outside_phase, outside_time, pend
from handlers.windows import REBUTTAL, rebuttal_deadline

_DERIVED = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-5[0-9a-fA-F]{3}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def finding_recorded(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By whom the gate names, within the audits window or a reopening that it names. The pipeline's own screen is a
    function of the submissions and has no deadline: the intake is not closed before it is recorded.
    """
    data = fact.data
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    rules = state.rulebook.find_phase(data["phase"])
    if rules is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {data['phase']!r}")
    unknown = _unknown_count(rules, data["gate"], data["count"])
    if unknown is not None:
        return unknown
    is_screen = fact.event.source == pipeline_source(state.programme)
    finders = rules.gate(data["gate"]).findings_by
    if not is_screen and (source is None or source.role not in finders):
        return Refusal("source-not-authorised", f"{fact.event.source}: findings are made by {', '.join(finders)}")
    phase = state.phases.get(rules.id)
    if phase is None:
        not_open = Refusal("unknown-phase", f"{rules.id} was never opened")
        return pend(state, (("phase", rules.id),), not_open, phase=rules.id)
    return (
        _misnamed(state, fact, is_screen=is_screen)
        or outside_phase(state, phase, fact)
        or (None if is_screen else outside_time(state, phase, "audits", fact))
        or ACCEPTED
    )


def _misnamed(state: State, fact: Fact, *, is_screen: bool) -> Verdict | None:
    """Rulings name a finding by its id, and the ids of the screen's findings can be foreseen: nobody else may take them."""
    event_id = fact.event.id
    if not is_screen and _DERIVED.fullmatch(event_id):
        return Refusal("schema-invalid", f"id {event_id} is a UUID of version 5, the pipeline's own; send version 7")
    return named_already(state, fact, "finding.recorded", state.find_finding(event_id) is not None)


def _unknown_count(rules: Phase, gate_id: str, count: str) -> Refusal | None:
    gate = next((gate for gate in rules.gates if gate.id == gate_id), None)
    if gate is None or count not in gate.counts:
        return Refusal("unknown-criterion", f"{rules.id} has no gate {gate_id!r} with a count {count!r}")
    return None


def ruling_issued(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By whom the gate names, on a finding that needs one, after the entrant answered or its time to answer ran out.
    One that comes after the decision is on record and changes nothing.
    """
    finding_id = fact.data["finding"]
    waits = behind(state, fact, "finding.recorded", finding_id) or behind(state, fact, "ruling", finding_id)
    if waits is not None:
        return waits
    found = state.find_finding(finding_id)
    if found is None:
        return Refusal("unknown-reference", f"there is no finding {finding_id}")
    phase, finding = found
    judges = phase.rules.gate(finding.fact.data["gate"]).ruling_by
    if source is None or source.role not in judges:
        return Refusal("source-not-authorised", f"{fact.event.source}: rulings are issued by {', '.join(judges)}")
    if not finding.needs_ruling:
        return Refusal("illegal-transition", f"{finding_id} says met: there is nothing to rule on")
    return _before_answer(state, phase, finding, fact) or ACCEPTED


def _before_answer(state: State, phase: PhaseState, finding: Finding, fact: Fact) -> Verdict | None:
    last_ms = rebuttal_deadline(phase, finding)
    answer = finding.rebuttal
    answered = answer is not None and answer.received_ms <= fact.received_ms
    if last_ms is None or answered or fact.received_ms > last_ms:
        return None
    finding_id = finding.fact.event.id
    early = Refusal(
        "too-early",
        f"stamped {format_instant(fact.received_ms)}; the entrant may answer until {format_instant(last_ms)} and has not",
    )
    if answer is not None:  # There is one answer to a finding, and it came after this.
        return early
    return pend(state, (("rebuttal", finding_id),), early, phase=phase.rules.id, window=REBUTTAL + finding_id)


def replay_attested(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of a decision that there is, whenever it is said. Whether size and root are this log's is not judged, since they rest
    on how topics interleaved: `verify` looks.
    """
    data = fact.data
    if (data["result"] == "different") != (data.get("difference") is not None):
        return Refusal(
            "schema-invalid", f"result is {data['result']!r}; `difference` goes with 'different', and only with that"
        )
    if state.find_decision(data["decision"]) is not None:
        return ACCEPTED
    unknown = Refusal("unknown-reference", f"there is no decision {data['decision']}")
    return pend(state, (("event", data["decision"]),), unknown, phase=None)
