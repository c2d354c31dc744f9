"""Single events of the long cup, each by its few members that matter; instants are days from the opening of the heat."""

from __future__ import annotations

from typing import Any

from events.derived import attestor_source
from events.envelope import Envelope
from tests.support import small
from tests.support.long_cup import (
    AUDITOR,
    BENCH,
    DIRECTOR,
    FRESH,
    JURY,
    MARKS,
    MINISTRY,
    OFFICE,
    TEAMS,
    day,
    decision,
    instant,
)

ATTESTOR = attestor_source(small.PROGRAMME)


def told(name: str, event_id: str, source: str, at: float, /, **data: Any) -> Envelope:
    return small.event(name, event_id, source, day(at), **{key: part for key, part in data.items() if part is not None})


def appointed(evaluator: str, at: float, panel: str = "jury") -> Envelope:
    return told("evaluator.appointed", f"appoint-{evaluator}-{panel}", OFFICE, at, evaluator=evaluator, panel=panel)


def registered(team: str, at: float = -40) -> Envelope:
    return told("entrant.registered", f"register-{team}", f"urn:team:{team}", at, entrant=team, name=team, members=[])


def withdrawn(team: str, at: float) -> Envelope:
    return told("entrant.withdrawn", f"withdraw-{team}-{at}", f"urn:team:{team}", at, entrant=team, reason="must")


def submitted(team: str, at: float, phase: str = "heat") -> Envelope:
    data = {"phase": phase, "entrant": team, "title": team, "artefacts": []}
    return told("submission.received", f"submit-{phase}-{team}", f"urn:team:{team}", at, **data)


def mark(
    team: str, evaluator: str, at: float, value: str, *, phase: str = "heat", event_id: str = "", reopening: str = ""
) -> Envelope:
    """What an evaluator gives; `bench` is the bench's only one."""
    is_bench = evaluator == "bench"
    data = {
        "phase": phase,
        "entrant": team,
        "criterion": "bench" if is_bench else "jury",
        "item": "speed" if is_bench else "art",
        "evaluator": evaluator,
        "value": value,
        "reopening": reopening or None,
    }
    source = BENCH if is_bench else f"urn:jury:{evaluator}"
    return told("score.recorded", event_id or score(team, evaluator, phase), source, at, **data)


def score(team: str, evaluator: str, phase: str = "heat") -> str:
    """The id of a first mark."""
    return f"score-{phase}-{team}-{evaluator}"


def marks(phase: str, teams: tuple[str, ...], at: float) -> list[Envelope]:
    """Every mark of these teams, as in `MARKS`."""
    return [
        mark(team, evaluator, at, value, phase=phase)
        for team in teams
        for evaluator, value in zip(("bench", *JURY), MARKS[team], strict=True)
    ]


def corrected(
    event_id: str, target: str, at: float, value: str, *, source: str = OFFICE, reopening: str = ""
) -> Envelope:
    data = {"score": target, "value": value, "reason": "slip", "reopening": reopening or None}
    return told("score.corrected", event_id, source, at, **data)


def voided(event_id: str, target: str, at: float, source: str = OFFICE) -> Envelope:
    return told("score.voided", event_id, source, at, score=target, reason="void")


def annulled(event_id: str, evaluator: str, at: float, *, phase: str = "heat", teams: Any = None) -> Envelope:
    return told(
        "marks.annulled", event_id, OFFICE, at, phase=phase, evaluator=evaluator, reason="biased", entrants=teams
    )


def recused(event_id: str, evaluator: str, at: float, *teams: str) -> Envelope:
    return told("evaluator.recused", event_id, OFFICE, at, evaluator=evaluator, entrants=list(teams), reason="kin")


def conflict(event_id: str, evaluator: str, at: float, *teams: str) -> Envelope:
    data = {"evaluator": evaluator, "entrants": list(teams), "nature": "shares"}
    return told("conflict.declared", event_id, f"urn:jury:{evaluator}", at, **data)


def waived(event_id: str, at: float, *, phase: str = "heat", source: str = OFFICE, **which: str) -> Envelope:
    return told("mark.waived", event_id, source, at, phase=phase, reason="ill", **which)


def tie(event_id: str, at: float, *order: str, phase: str = "heat", source: str = OFFICE) -> Envelope:
    return told("tie.resolved", event_id, source, at, phase=phase, order=list(order), reason="seniority")


def approved(event_id: str, act: str, at: float, source: str = DIRECTOR, role: str = "director") -> Envelope:
    return told("act.approved", event_id, source, at, act=act, role=role, meaning="seen")


def extended(event_id: str, window: str, at: float, until: float, phase: str = "heat") -> Envelope:
    return told(
        "window.extended", event_id, OFFICE, at, phase=phase, window=window, until=instant(until), reason="fire"
    )


def found(event_id: str, team: str, at: float, *, verdict: str = "not-met", count: str = "technical") -> Envelope:
    data = {"phase": "heat", "entrant": team, "gate": "independence", "count": count, "verdict": verdict}
    return told("finding.recorded", event_id, AUDITOR, at, evidence=[], **data)


def reproduced(team: str, at: float, value: str = "50") -> Envelope:
    data = {"phase": "heat", "entrant": team, "criterion": "bench", "item": "speed", "value": value}
    return told("reproduction.reported", f"reproduce-{team}", AUDITOR, at, **data)


def answered(event_id: str, finding: str, team: str, at: float) -> Envelope:
    return told("rebuttal.filed", event_id, f"urn:team:{team}", at, finding=finding, entrant=team, text="no")


def ruled(event_id: str, finding: str, at: float, verdict: str = "not-met") -> Envelope:
    return told("ruling.issued", event_id, MINISTRY, at, finding=finding, verdict=verdict, reasons="so")


def ticked(event_id: str, evaluator: str, team: str, at: float, *, not_met: bool = True) -> Envelope:
    data = {"phase": "heat", "entrant": team, "gate": "independence", "count": "policy", "not_met": not_met}
    return told("count.ticked", event_id, f"urn:jury:{evaluator}", at, evaluator=evaluator, **data)


def signed(at: float, *roles: str, phase: str = "heat", number: int = 1) -> list[Envelope]:
    """A signature of each role, both where none is named."""
    return [
        told(
            "decision.signed", f"sign-{phase}-{number}-{role}", f"urn:{role}", at,
            decision=decision(phase, number), role=role, meaning="approves",
        )
        for role in roles or ("director", "minister")
    ]  # fmt: skip


def returned(event_id: str, at: float, role: str = "minister", number: int = 1, phase: str = "heat") -> Envelope:
    data = {"decision": decision(phase, number), "role": role, "reason": "unclear"}
    return told("decision.returned", event_id, f"urn:{role}", at, **data)


def reopened(event_id: str, at: float, until: float, phase: str = "heat") -> Envelope:
    data = {"phase": phase, "until": instant(until), "reason": "office"}
    return told("phase.reopened", event_id, OFFICE, at, **data)


def requeued(event_id: str, place: tuple[str, int, int], at: float, as_id: str = "again") -> Envelope:
    record = dict(zip(("topic", "partition", "offset"), place, strict=True))
    return told("record.requeued", event_id, OFFICE, at, **{"record": record, "as": as_id, "reason": "a fix"})


def objected(
    event_id: str, team: str, at: float, *, number: int = 1, phase: str = "heat", grounds: str = "misreading"
) -> Envelope:
    data = {"decision": decision(phase, number), "entrant": team, "grounds": grounds, "text": "unfair"}
    return told("objection.filed", event_id, f"urn:team:{team}", at, **data)


def took_back(event_id: str, objection: str, team: str, at: float) -> Envelope:
    return told("objection.withdrawn", event_id, f"urn:team:{team}", at, objection=objection, reason="settled")


def heard(
    event_id: str, objection: str, at: float, outcome: str, *, admissible: bool = True, by: str = FRESH
) -> Envelope:
    data = {"objection": objection, "admissible": admissible, "outcome": outcome, "reasons": "so"}
    return told("objection.ruled", event_id, by, at, **data)


def applied(team: str, at: float, event_id: str = "") -> Envelope:
    data = {"call": "again", "entrant": team, "statement": "able"}
    return told("application.received", event_id or f"apply-{team}", f"urn:team:{team}", at, **data)


def voted(evaluator: str, team: str, at: float, vote: str = "yes") -> Envelope:
    data = {"call": "again", "entrant": team, "evaluator": evaluator, "vote": vote}
    return told("recognition.voted", f"vote-{evaluator}-{team}-{at}", f"urn:jury:{evaluator}", at, **data)


def beginnings() -> list[Envelope]:
    """Appointments and registrations of those who take part from the start."""
    return [*(appointed(name, -50) for name in JURY), appointed("bench", -50, "bench"), *(registered(t) for t in TEAMS)]


def attested(
    event_id: str,
    decision: str,
    at: float,
    size: int = 90,
    result: str = "identical",
    source: str = ATTESTOR,
    **more: Any,
) -> Envelope:
    return told(
        "replay.attested", event_id, source, at, decision=decision, size=size, root="0" * 64, result=result, **more
    )
