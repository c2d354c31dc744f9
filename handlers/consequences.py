"""What is different in another world: ranks, scores, outcomes, vacancies, holds, phase by phase; and what applies no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from events.values import format_instant
from handlers.readiness import owed_now
from handlers.rerun import Rerun
from handlers.state import State
from handlers.told import Told
from handlers.verdicts import Accepted, Duplicate, Pending, Refusal, Verdict
from handlers.views import phase_view

View = Mapping[str, Any]


def changes(before: State, after: State) -> list[dict[str, Any]]:
    """A row for every phase that comes out differently, in the order of the rules."""
    was, then = _views(before), _views(after)
    rows = (_changed(name, was.get(name), then.get(name)) for name in dict.fromkeys((*was, *then)))
    return [row for row in rows if row is not None]


def _views(state: State) -> dict[str, View]:
    phases = state.rulebook.phases if state.rulebook is not None else ()
    return {rules.id: {**phase_view(state, rules), "awaits": awaited(state, rules.id)} for rules in phases}


def awaited(state: State, phase_id: str) -> list[dict[str, str]]:
    """What a phase waits for: what is owed, and signatures."""
    phase = state.phases.get(phase_id)
    if phase is None:
        return []
    owed = [row.data() for row in owed_now(state, phase)]
    decision = phase.decision
    if decision is None or decision.returned is not None:
        return owed
    unsigned = [duty.role for duty in phase.rules.sign_off if duty.role not in decision.signatures]
    return owed + [{"code": "unsigned", "who": role, "what": decision.fact.event.id} for role in unsigned]


def _changed(name: str, was: View | None, then: View | None) -> dict[str, Any] | None:
    before, after = was or _NO_PHASE, then or _NO_PHASE
    row: dict[str, Any] = {"phase": name}
    for member, read in _COMPARED.items():
        old, new = read(before), read(after)
        if old != new:
            row[member] = {"before": old, "after": new}
    row["entrants"] = list(_entrants(before, after))
    row["means"] = _differing(before["means"], after["means"])
    if len(row) == 3 and not row["entrants"] and not row["means"]:
        return None
    return row | {"awaits": after["awaits"]}


_NO_PHASE: View = {
    "status": None, "vacancies": 0, "standings": [], "outcomes": [], "means": {}, "awaits": [],
}  # fmt: skip

_COMPARED: Mapping[str, Callable[[View], Any]] = {
    "status": lambda view: view["status"],
    "vacancies": lambda view: view["vacancies"],
    "rounds": lambda view: [row["reason"] for row in view.get("rounds", ()) if row["reason"]],
    "selected": lambda view: (view.get("call") or {}).get("selected"),
    "awarded": lambda view: [row["entrant"] for row in view.get("awards", ())],
    "awaits": lambda view: view["awaits"],
}
"""What is compared of a phase as a whole: `rounds` are the reasons for which it was computed anew."""


def _entrants(before: View, after: View) -> Iterator[dict[str, Any]]:
    """Everybody for whom something is different, by rank; of scores only those that are."""
    was, then = _rows(before), _rows(after)
    for name in dict.fromkeys((*then, *was)):
        old, new = was.get(name), then.get(name)
        if old == new:
            continue
        scores = _differing(old["scores"] if old else {}, new["scores"] if new else {}) if old and new else {}
        yield {"entrant": name, "before": _without_scores(old), "after": _without_scores(new), "scores": scores}


def _rows(view: View) -> dict[str, dict[str, Any]]:
    fates = {row["entrant"]: row for row in view["outcomes"]}
    return {
        row["entrant"]: {
            "rank": row["rank"],
            "total": row["total"],
            "outcome": fates[row["entrant"]]["outcome"],
            "reasons": fates[row["entrant"]]["reasons"],
            "scores": row["scores"],
        }
        for row in view["standings"]
    }


def _without_scores(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {name: part for name, part in row.items() if name != "scores"}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"before": old.get(name), "after": new.get(name)}
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    }


def events_apart(course: Sequence[Told], changed: Sequence[Told], rerun: Rerun) -> dict[str, list[dict[str, Any]]]:
    """Outside events that fare otherwise: `no_longer` accepted, accepted only `now`, `left_out` by a lever, `added` ones
    with their verdict.
    """
    found: dict[str, list[dict[str, Any]]] = {"no_longer": [], "now": [], "left_out": [], "added": []}
    for place, told in enumerate(changed):
        verdict = rerun.verdicts.get(place)
        if verdict is None:  # The pipeline's own, or received after the end of this world.
            continue
        is_accepted = isinstance(verdict, Accepted)
        if told.index is None:
            found["added"].append(_row(told, verdict))
        elif told.is_accepted != is_accepted:
            found["now" if is_accepted else "no_longer"].append(_row(told, verdict))
    kept = {told.index for told in changed}
    found["left_out"] = [_row(told, None) for told in course if told.index not in kept]
    return found


def _row(told: Told, verdict: Verdict | None) -> dict[str, Any]:
    event = told.event
    return {
        "index": told.index,
        "id": None if event is None else event.id,
        "type": told.name or None,
        "about": "" if event is None else _about(event.data),
        "received": format_instant(told.received_ms),
        "recorded": told.verdict,
        **_said(verdict),
        "lever": told.lever or None,
    }


def _said(verdict: Verdict | None) -> dict[str, str | None]:
    match verdict:
        case None:
            return {"verdict": None, "reason": None, "detail": None}
        case Accepted():
            return {"verdict": "accepted", "reason": None, "detail": None}
        case Refusal(reason, detail):
            return {"verdict": "refused", "reason": reason, "detail": detail}
        case Duplicate(first):
            return {"verdict": "duplicate", "reason": None, "detail": f"the same as entry {first} of that world"}
        case Pending(keys):
            waits = ", ".join(" ".join(key) for key in keys)
            return {"verdict": "pending", "reason": None, "detail": f"waits for {waits}"}


_ABOUT = (
    "phase",
    "call",
    "entrant",
    "organisation",
    "evaluator",
    "criterion",
    "item",
    "gate",
    "count",
    "role",
    "panel",
)


def _about(data: Mapping[str, Any]) -> str:
    """What an event is about, in the ids that it names."""
    return "/".join(str(data[name]) for name in _ABOUT if isinstance(data.get(name), str))
