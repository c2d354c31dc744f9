"""How `status` and `decisions` say what happened around the decisions of a phase: a line for each thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

View = Mapping[str, Any]


def history(view: View) -> Iterator[str]:
    """Returned decisions, reopenings, objections and attestations, in that order."""
    for row in view.get("rounds", ()):
        if row["reason"] is not None:
            note = f": {row['note']}" if row["note"] else ""
            yield f"reopened {row['began']} until {row['until']}, {row['reason']}{note} (round {row['round']})"
        if row["returned"] is not None:
            yield f"decision {row['decision']} was returned: {row['returned']}"
    for row in view.get("objections_filed", ()):
        outcome = row["outcome"] or "waits for a ruling"
        yield f"objection {row['objection']} of {row['entrant']}, {row['grounds']}: {outcome}"
    for row in view.get("attested", ()):
        yield f"decision {row['decision']} attested by {row['source']} at {row['size']} entries: {row['result']}"


def course(view: View) -> Iterator[str]:
    """What a decision superseded and changed, a call, and awards."""
    for row in view.get("changes", ()):
        changed = "; ".join(difference(one) for one in row["entrants"]) or "nothing else came out"
        yield f"decision {row['decision']} supersedes {row['supersedes']}: {changed}"
    if call := view.get("call"):
        applied, selected = ", ".join(call["applicants"]) or "nobody", call["selected"]
        chosen = "not decided yet" if selected is None else f"selected {', '.join(selected) or 'nobody'}"
        yield f"call for the vacant places of {call['fills']} ({call['places']}): applied {applied}; {chosen}"
    if view.get("awards"):
        yield f"awards granted to {', '.join(row['entrant'] for row in view['awards'])}"


def difference(row: View) -> str:
    """`birch: rank 2 -> 3, outcome advanced -> eliminated`."""
    before, after = row["before"] or {}, row["after"] or {}
    parts = [
        f"{name} {_word(before.get(name))} -> {_word(after.get(name))}"
        for name in ("rank", "total", "outcome")
        if before.get(name) != after.get(name)
    ]
    return f"{row['entrant']}: {', '.join(parts)}"


def _word(value: object) -> str:
    return "-" if value is None else str(value)


def conclusion(data: View) -> str | None:
    """Who is left, once the programme is concluded."""
    finalists = data.get("finalists")
    return None if finalists is None else f"concluded: {', '.join(finalists) or 'nobody is left'}"
