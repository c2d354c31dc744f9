"""What a held phase waits for, taken apart: who owes what, about whom, on which criterion. See `handlers.readiness`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from handlers.explanation import Point

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "mark-missing": re.compile(r"(?P<entrant>[^/]+)/(?P<criterion>[^/]+)/(?P<item>[^/]+)"),
    "quorum-missing": re.compile(r"(?P<entrant>[^:]+): (?P<have>\d+) of (?P<need>\d+)"),
    "panel-empty": re.compile(r"(?P<panel>.+)"),
    "not-scored": re.compile(r".*"),
    "ruling-outstanding": re.compile(r"(?P<entrant>[^/]+)/(?P<gate>[^/]+)/(?P<count>[^ ]+) \((?P<finding>.+)\)"),
    "gate-undetermined": re.compile(r"(?P<gate>.+)"),
    "tie-unresolved": re.compile(r"place (?P<place>\d+) of (?P<places>\d+)"),
    "too-few-advance": re.compile(r"(?P<have>\d+) would advance; at least (?P<need>\d+) must"),
    "decision-returned": re.compile(r"returned by (?P<role>.+) \((?P<event>.+)\)"),
    "objection-outstanding": re.compile(r"(?P<objection>.+)"),
}
_OF_ENTRANTS = frozenset({"not-scored", "gate-undetermined", "tie-unresolved"})
"""Codes whose `who` is the entrant that it is about."""


def owed_points(missing: Iterable[Mapping[str, str]], entrant: str | None = None) -> tuple[Point, ...]:
    """What is missing, as `phase.held` says it; with an entrant without what is owed on others alone."""
    points = [_point(row) for row in missing]
    return tuple(point for point in points if entrant in (None, point.facts.get("entrant", entrant)))


def _point(row: Mapping[str, str]) -> Point:
    found = _PATTERNS[row["code"]].fullmatch(row["what"])
    facts = {"who": row["who"]} | (found.groupdict() if found else {"what": row["what"]})
    if row["code"] in _OF_ENTRANTS:
        facts["entrant"] = row["who"]
    if row["code"] == "too-few-advance":
        facts["phase"] = row["who"]
    return Point(f"held.{row['code']}", facts)
