"""What came of a what-if, arranged for a page: who would have advanced, what stands now and then, what changed first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

SHOWN_MOST = 4
"""Entries of one kind that are named; the number of the others is said."""


def told(data: Row) -> dict[str, Any]:
    """`phases`: those that come out differently, in the order of the rules; `first`: the first record that fares otherwise;
    `events`: by how they fare, those of one type and reason together.
    """
    views = {view["phase"]: view for view in data["phases"]}
    changed = [_phase(row, views.get(row["phase"])) for row in data["changes"]]
    names = {row["phase"] for row in changed}
    events = {kind: _grouped(rows) for kind, rows in data["events"].items() if rows}
    return {
        "phases": changed,
        "same": [name for name in views if name not in names],
        "first": _first(data["events"]),
        "events": events,
        "counts": {kind: len(data["events"][kind]) for kind in events},
        "finalists": data["finalists"],
        "until": data["until"],
    }


def _first(events: Mapping[str, Sequence[Row]]) -> Row | None:
    rows = [row for found in events.values() for row in found if row["index"] is not None]
    return min(rows, key=lambda row: row["index"], default=None)


def _phase(row: Row, view: Row | None) -> dict[str, Any]:
    found = standing_changes(row)
    now = [one["entrant"] for one in (view or {"outcomes": ()})["outcomes"] if one["outcome"] == "advanced"]
    before = [*(name for name in now if name not in found["gained"]), *found["lost"]]
    return found | {"advanced": {"before": before, "after": now}}


def standing_changes(row: Row) -> dict[str, Any]:
    """A phase of `handlers.consequences.changes`, with who advances and did not, and who does not any more."""
    gained = [one["entrant"] for one in row["entrants"] if _advances(one["after"]) and not _advances(one["before"])]
    lost = [one["entrant"] for one in row["entrants"] if _advances(one["before"]) and not _advances(one["after"])]
    is_reached = not row["entrants"] or any(one["after"] is not None for one in row["entrants"])
    scores = [
        (one["entrant"], path, pair["before"], pair["after"])
        for one in row["entrants"]
        for path, pair in one["scores"].items()
    ]
    return {
        **row,
        "gained": gained if is_reached else [],
        "lost": lost if is_reached else [],
        "is_reached": is_reached,
        "scores": scores,
        "owed": _owed(row["awaits"]),
        "unsigned": [one["who"] for one in row["awaits"] if one["code"] == "unsigned"],
    }


def _advances(row: Row | None) -> bool:
    return row is not None and row["outcome"] == "advanced"


def _owed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What is missing, by its code: who owes it, and an example."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["code"] != "unsigned":
            found.setdefault(row["code"], []).append(row)
    return [
        {
            "code": code,
            "who": list(dict.fromkeys(row["who"] for row in same))[:SHOWN_MOST],
            "count": len(same),
            "what": same[0]["what"],
        }
        for code, same in found.items()
    ]


def _grouped(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["type"] or "", row["verdict"] or "", row["reason"] or ""), []).append(row)
    return [
        {
            "type": kind,
            "verdict": verdict,
            "reason": reason,
            "count": len(same),
            "indexes": [row["index"] for row in same[:SHOWN_MOST] if row["index"] is not None],
            "detail": same[0]["detail"] or same[0]["about"],
        }
        for (kind, verdict, reason), same in found.items()
    ]
