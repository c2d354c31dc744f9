"""A small programme with everything in it: three teams, a jury of two, a benchmark, a gate, one place fewer than teams."""

from __future__ import annotations

from typing import Any

from events.envelope import Envelope
from events.names import TYPES
from events.rulebook import digest
from events.values import format_instant, parse_instant

PROGRAMME = "small-cup"
OFFICE = f"urn:phasegate:{PROGRAMME}:office"
TEAMS = ("ash", "birch", "cedar")
DAY = 86_400_000
OPENS = parse_instant("2030-01-01T00:00:00Z")
DEADLINES = {
    "submissions": OPENS + 10 * DAY,
    "scores": OPENS + 20 * DAY,
    "audits": OPENS + 21 * DAY,
}

_HALF_UP = {"round": {"places": "1", "mode": "half-up"}}


def rulebook() -> dict[str, Any]:
    """Every scalar is text, as YAML is read."""
    return {
        "programme": PROGRAMME,
        "version": "1",
        "title": {"en": "Small cup", "ko": "작은 대회", "fr": "Petite coupe"},
        "means": {"places": "2", "mode": "half-up"},
        "sources": _sources(),
        "phases": [_heat()],
    }


def _sources() -> list[dict[str, Any]]:
    of_teams = ["entrant.registered", "submission.received", "entrant.withdrawn", "rebuttal.filed"]
    of_judges = ["score.recorded", "score.corrected"]
    return [
        {"source": OFFICE, "role": "office", "types": ["*"], "signs": "true"},
        {"source": "urn:bench", "types": of_judges, "panel": "bench"},
        {"source": "urn:auditor", "types": ["finding.recorded"], "role": "auditors"},
        {"source": "urn:ministry", "types": ["ruling.issued"], "role": "ministry"},
        {"source": "urn:director", "types": ["decision.signed"], "role": "director", "signs": "true"},
        *({"source": f"urn:team:{team}", "types": of_teams, "entrant": team} for team in TEAMS),
        *({"source": f"urn:jury:{name}", "types": of_judges, "evaluator": name} for name in ("ann", "ben")),
    ]


def _heat() -> dict[str, Any]:
    return {
        "id": "heat",
        "opens": format_instant(OPENS),
        "windows": {window: format_instant(ms) for window, ms in DEADLINES.items()},
        "criteria": _criteria(),
        "gates": [
            {
                "id": "independence",
                "counts": ["technical", "policy"],
                "findings_by": ["auditors"],
                "rebuttal": "P3D",
                "ruling_by": ["ministry"],
            }
        ],
        "ties": ["jury", "panel"],
        "advance": {"places": "2"},
        "vacancies": {"open_call": "again"},
        "sign_off": [{"role": "director", "meaning": "approves"}],
        "objections": {"window": "P10D", "grounds": ["evaluator-error"]},
    }


def _criteria() -> list[dict[str, Any]]:
    speed_and_size = [
        {"mark": "linear", "from": ["0", "100"]},
        {"over": "evaluators", "by": "mean"},
        {"over": "items", "by": "mean"},
        "points",
        _HALF_UP,
    ]
    return [
        {
            "id": "bench",
            "points": "60",
            "panel": "bench",
            "items": {"speed": ["0", "100"], "size": ["0", "100"]},
            "steps": speed_and_size,
        },
        {
            "id": "jury",
            "points": "40",
            "panel": "jury",
            "items": {"art": ["0", "40"]},
            "steps": [{"over": "items", "by": "sum"}, {"over": "evaluators", "by": "mean"}, _HALF_UP],
        },
    ]


def event(name: str, event_id: str, source: str, at_ms: int, /, **data: Any) -> Envelope:
    """An event of the programme by its short name."""
    return Envelope(event_id, source, f"phasegate.{name}.v1", PROGRAMME, format_instant(at_ms), data)


def topic_of(said: Envelope) -> str:
    return TYPES[said.type].topics[0]


def announced(document: dict[str, Any] | None = None, clock: str = "scenario") -> Envelope:
    """The announcement, 60 days before the phase opens."""
    document = document or rulebook()
    return event(
        "programme.announced",
        "announced",
        OFFICE,
        OPENS - 60 * DAY,
        rulebook=document,
        digest=digest(document),
        clock=clock,
    )


def beginnings() -> list[Envelope]:
    """Appointments and registrations."""
    told = [
        event("evaluator.appointed", f"appoint-{name}", OFFICE, OPENS - 50 * DAY, evaluator=name, panel=panel)
        for name, panel in (("ann", "jury"), ("ben", "jury"), ("bench", "bench"))
    ]
    return told + [
        event(
            "entrant.registered",
            f"register-{team}",
            f"urn:team:{team}",
            OPENS - 40 * DAY,
            entrant=team,
            name=team,
            members=[],
        )
        for team in TEAMS
    ]


def submissions() -> list[Envelope]:
    return [
        event(
            "submission.received",
            f"submit-{team}",
            f"urn:team:{team}",
            OPENS + 5 * DAY,
            phase="heat",
            entrant=team,
            title=f"Model of {team}",
            artefacts=[{"name": "weights", "sha256": "0" * 64, "bytes": 7}],
        )
        for team in TEAMS
    ]


MARKS = {
    "ash": {"speed": "90", "size": "80.5", "ann": "30", "ben": "31"},
    "birch": {"speed": "70", "size": "60", "ann": "35", "ben": "20.5"},
    "cedar": {"speed": "50", "size": "40", "ann": "10", "ben": "12"},
}
"""ash 60*(0.9+0.805)/2 = 51.15 -> 51.2, jury 30.5, total 81.7; birch 39.0 + 27.75 -> 27.8 = 66.8; cedar 27.0 + 11.0 = 38.0."""


def scores() -> list[Envelope]:
    rows = (("bench", "speed", "bench"), ("bench", "size", "bench"), ("jury", "art", "ann"), ("jury", "art", "ben"))
    return [_mark(team, *row) for team in MARKS for row in rows]


def _mark(team: str, criterion: str, item: str, evaluator: str) -> Envelope:
    own = MARKS[team]
    value = own[item] if criterion == "bench" else own[evaluator]
    source = "urn:bench" if criterion == "bench" else f"urn:jury:{evaluator}"
    return event(
        "score.recorded",
        f"score-{team}-{item}-{evaluator}",
        source,
        OPENS + 15 * DAY,
        phase="heat",
        entrant=team,
        criterion=criterion,
        item=item,
        evaluator=evaluator,
        value=value,
    )


def finding(team: str = "birch") -> Envelope:
    return event(
        "finding.recorded",
        f"finding-{team}",
        "urn:auditor",
        OPENS + 16 * DAY,
        phase="heat",
        entrant=team,
        gate="independence",
        count="technical",
        verdict="not-met",
        evidence=[{"uri": "urn:report:1", "sha256": "1" * 64, "note": "weights are somebody else's"}],
    )


def rebuttal(team: str = "birch") -> Envelope:
    return event(
        "rebuttal.filed",
        f"rebuttal-{team}",
        f"urn:team:{team}",
        OPENS + 17 * DAY,
        finding=f"finding-{team}",
        entrant=team,
        text="they are ours",
    )


def ruling(team: str = "birch", verdict: str = "not-met") -> Envelope:
    return event(
        "ruling.issued",
        f"ruling-{team}",
        "urn:ministry",
        OPENS + 22 * DAY,
        finding=f"finding-{team}",
        verdict=verdict,
        reasons="they are not",
    )


def signature(decision_id: str, at_ms: int = OPENS + 23 * DAY) -> Envelope:
    return event(
        "decision.signed", "signature", "urn:director", at_ms, decision=decision_id, role="director", meaning="approves"
    )
