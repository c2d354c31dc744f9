"""The long cup: two ordinary phases with an open call between them, and everything that a rulebook can ask of people.

It is played under the small programme's id, so that the same logs carry it. Instants are days from the first opening.

    heat    opens 0, submissions 10, scores 20, audits 21; two places; then signatures and objections
    again   the call: vacancies are counted at 100, applications until 110, scores 120, audits 121
    finale  opens 140, submissions 150 (newcomers 155), scores 160, audits 161; one place
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from events.envelope import Envelope
from events.rulebook import digest
from events.values import format_instant
from handlers.decide import decision_id
from tests.support import small

DAY, OFFICE = small.DAY, small.OFFICE
TEAMS = ("ash", "birch", "cedar")
NEWCOMERS = ("dogwood", "elm")
JURY = ("ann", "ben", "cai")
BENCH, AUDITOR, MINISTRY, FRESH = "urn:bench", "urn:auditor", "urn:ministry", "urn:fresh"
DIRECTOR, MINISTER = "urn:director", "urn:minister"

MARKS = {
    "ash": ("50", "30", "30", "30"),
    "birch": ("40", "30", "20", "25"),
    "cedar": ("30", "20", "20", "20"),
    "dogwood": ("45", "10", "10", "10"),
    "elm": ("20", "10", "10", "10"),
}
"""What the bench and the three of the jury give: ash 50 + 30 = 80, birch 40 + 25 = 65, cedar 50, dogwood 55, elm 30."""


def day(number: float) -> int:
    """Unix milliseconds of a day, counted from the opening of the heat."""
    return small.OPENS + round(number * DAY)


def instant(number: float) -> str:
    return format_instant(day(number))


def decision(phase: str = "heat", number: int = 1) -> str:
    """The id that the decision of a phase has in a round."""
    return decision_id(small.PROGRAMME, phase, number)


def rulebook(
    *, heat: dict[str, Any] | None = None, again: dict[str, Any] | None = None, finale: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The rules, with members of its phases replaced; None takes a member out."""
    phases = [_heat(), _again(), _finale()]
    for phase, changes in zip(phases, (heat, again, finale), strict=True):
        for name, value in (changes or {}).items():
            phase.pop(name, None)
            phase.update({} if value is None else {name: value})
    return {
        "programme": small.PROGRAMME,
        "version": "1",
        "sources": _sources(),
        "profiles": [
            {"id": "narrow", "when": "decided", "shows": ["outcomes", "first"]},
            {"id": "wide", "when": "final", "shows": ["outcomes", "totals", "margins"]},
        ],
        "phases": phases,
    }


def _sources() -> list[dict[str, Any]]:
    of_teams = [
        "entrant.registered", "entrant.withdrawn", "submission.received", "submission.withdrawn", "rebuttal.filed",
        "objection.filed", "objection.withdrawn", "application.received", "invitation.declined",
    ]  # fmt: skip
    of_marks = ["score.recorded", "score.corrected", "score.voided"]
    of_jury = [*of_marks, "count.ticked", "recognition.voted", "conflict.declared"]
    return [
        {"source": OFFICE, "role": "office", "types": ["*"], "signs": "true"},
        {"source": DIRECTOR, "role": "director", "types": ["*"], "signs": "true"},
        {"source": MINISTER, "role": "minister", "types": ["decision.signed", "decision.returned", "act.approved"]},
        {"source": BENCH, "panel": "bench", "types": of_marks},
        {"source": AUDITOR, "role": "auditors", "types": ["finding.recorded", "reproduction.reported"]},
        {"source": MINISTRY, "role": "ministry", "types": ["ruling.issued"]},
        {"source": FRESH, "role": "fresh-panel", "types": ["objection.ruled"]},
        {"source": "urn:jury:ann:fresh", "role": "fresh-panel", "evaluator": "ann", "types": ["objection.ruled"]},
        *({"source": f"urn:team:{team}", "entrant": team, "types": of_teams} for team in (*TEAMS, *NEWCOMERS)),
        *({"source": f"urn:jury:{name}", "evaluator": name, "types": of_jury} for name in (*JURY, "dee")),
    ]


def _criteria() -> list[dict[str, Any]]:
    half_up = {"round": {"places": "1", "mode": "half-up"}}
    steps = [{"over": "evaluators", "by": "mean"}, {"over": "items", "by": "sum"}, half_up]
    return [
        {"id": "bench", "points": "60", "panel": "bench", "items": {"speed": ["0", "60"]}, "steps": steps},
        {"id": "jury", "points": "40", "panel": "jury", "items": {"art": ["0", "40"]}, "steps": steps},
    ]


def _heat() -> dict[str, Any]:
    gate = {
        "id": "independence",
        "counts": ["technical", "policy"],
        "findings_by": ["auditors"],
        "tick": {"by": "jury", "not_met_when": "majority"},
        "rebuttal": "P3D",
        "ruling_by": ["ministry"],
    }
    return {
        "id": "heat",
        "opens": instant(0),
        "windows": {"submissions": instant(10), "scores": instant(20), "audits": instant(21)},
        "criteria": _criteria(),
        "gates": [gate],
        "ties": ["panel"],
        "advance": {"places": "2"},
        "vacancies": {"open_call": "again"},
        "sign_off": [{"role": "director", "meaning": "approves"}, {"role": "minister", "meaning": "agrees"}],
        "objections": {
            "window": "P10D",
            "grounds": ["evaluator-error", "misreading"],
            "heard_by": "fresh-panel",
            "remedy": "P5D",
        },
        "publish": "narrow",
        "awards": {"resources": [{"kind": "gpu", "quantity": "8", "unit": "devices"}], "title": "finalist"},
    }


def _again() -> dict[str, Any]:
    return {
        "id": "again",
        "opens": instant(110),
        "call": {"fills": "heat", "opens": instant(100), "recognition": {"by": "jury"}},
        "windows": {"scores": instant(120), "audits": instant(121)},
        "criteria": _criteria(),
        "ties": ["panel"],
        "advance": {"places": "2"},
        "sign_off": [{"role": "director", "meaning": "approves"}],
    }


def _finale() -> dict[str, Any]:
    return {
        "id": "finale",
        "opens": instant(140),
        "windows": {"submissions": instant(150), "scores": instant(160), "audits": instant(161)},
        "parity": {"submissions": instant(155)},
        "criteria": _criteria(),
        "ties": ["panel"],
        "advance": {"places": "1"},
        "sign_off": [{"role": "director", "meaning": "approves"}],
        "objections": {"window": "P5D", "heard_by": "fresh-panel"},
        "awards": {"title": "laureate"},
    }


def announced(document: dict[str, Any]) -> Envelope:
    return small.announced(document)


def amended(event_id: str, at: float, document: dict[str, Any], from_phase: str, version: str = "2") -> Envelope:
    """Other rules from a phase on."""
    written = {**deepcopy(document), "version": version}
    data = {"rulebook": written, "digest": digest(written), "from_phase": from_phase, "reason": "asked for"}
    return small.event("rulebook.amended", event_id, OFFICE, day(at), **data)
