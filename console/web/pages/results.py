"""What everybody may see without signing in: outcomes with their reasons, and the figures that were published. Nothing else is
read from the state; entrants stand under their ids, since what they are called is not published (`handlers.disclosure`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.telling.sentences import Names, Words
from console.web.explained import signatures, state_of
from console.web.frame import title_of
from console.web.page import Page, page_of, shown
from console.web.site import Site, site_of
from events.errors import NotFound
from events.rulebook import Profile
from events.values import format_instant
from handlers.state import Decision, PhaseState, State

router = APIRouter(include_in_schema=False)

Shown = Annotated[Page, Depends(page_of)]
Table = dict[str, Any]


@router.get("/results/{programme}")
def results(request: Request, programme: str, page: Shown) -> HTMLResponse:
    """Every phase, the latest decided first."""
    return _results(site_of(request), programme, page, None)


@router.get("/results/{programme}/{phase}")
def result(request: Request, programme: str, phase: str, page: Shown) -> HTMLResponse:
    """One phase."""
    return _results(site_of(request), programme, page, phase)


def _results(site: Site, programme: str, page: Page, wanted: str | None) -> HTMLResponse:
    if programme.startswith("_") or site.reading.ledger.head(programme) is None:
        raise NotFound(f"there is no programme {programme!r}")
    with site.turns.of(programme):
        state = state_of(site.reading, programme, site.reading.reader.size_at(programme, page.at))
        rulebook = state.rulebook
        if rulebook is None:
            raise NotFound(f"there is no programme {programme!r}")
        words = Words(page.lang, _names(state))
        phases = [_phase(state, rules.id, words) for rules in reversed(rulebook.phases) if wanted in (None, rules.id)]
        facts = {"title": title_of(state, page), "size": state.size, "concluded": _concluded(state)}
        profiles = [row.id for row in rulebook.profiles]
    if not phases:
        raise NotFound(f"{programme!r} has no phase {wanted!r}")
    phases.sort(key=lambda row: row["decision"] is None)
    found = facts | {"programme": programme, "phases": phases, "profiles": profiles, "wanted": wanted}
    return shown(page, "results.html", words=words, **found)


def _names(state: State) -> Names:
    """Titles that the rules give: of phases, criteria and conditions."""
    titles: dict[tuple[str, str], Mapping[str, str]] = {}
    rulebook = state.rulebook
    for rules in (*(rulebook.phases if rulebook else ()), *(phase.rules for phase in state.phases.values())):
        titles[("phase", rules.id)] = rules.title or {}
        titles |= {("criterion", path): node.title or {} for path, node in rules.tree.items()}
        titles |= {("gate", gate.id): gate.title or {} for gate in rules.gates}
    return Names(titles)


def _concluded(state: State) -> list[str] | None:
    return None if state.concluded is None else list(state.concluded.data["finalists"])


def _phase(state: State, phase_id: str, words: Words) -> dict[str, Any]:
    row: dict[str, Any] = {"phase": phase_id, "status": state.status(phase_id), "decision": None}
    phase = state.phases.get(phase_id)
    if phase is not None and phase.in_force is not None:
        row["decision"] = _decision(state, phase, phase.in_force, words)
    return row


def _decision(state: State, phase: PhaseState, decision: Decision, words: Words) -> dict[str, Any]:
    data = decision.fact.data
    profiles = {row.id: row for row in state.rulebook.profiles} if state.rulebook else {}
    return {
        "id": decision.fact.event.id,
        "index": decision.fact.index,
        "received": format_instant(decision.fact.received_ms),
        "basis": data["basis"],
        "outcomes": data["outcomes"],
        "vacancies": data["vacancies"],
        "signatures": signatures(phase, decision),
        "published": [
            {
                "profile": name,
                "title": _title(profiles.get(name), words) or name,
                "index": fact.index,
                "received": format_instant(fact.received_ms),
                "tables": list(_tables(fact.data["figures"])),
            }
            for name, fact in decision.published.items()
        ],
    }


def _title(profile: Profile | None, words: Words) -> str:
    titles = {} if profile is None else profile.title or {}
    return titles.get(words.lang) or titles.get("en") or ""


def _tables(figures: Mapping[str, Any]) -> Iterator[Table]:
    """A table for each kind of figure. `by` says of what the first column is the name; `columns` are criteria, or empty where
    there is one value.
    """
    for kind, found in figures.items():
        match kind:
            case "outcomes":
                continue  # The decision's own are shown.
            case "first":
                rows = [(path, [", ".join(row["entrants"]), row["score"]]) for path, row in found.items()]
                yield {"kind": kind, "by": "criterion", "columns": (), "rows": rows}
            case "scores":
                paths = list(dict.fromkeys(path for scores in found.values() for path in scores))
                rows = [(name, [scores.get(path) for path in paths]) for name, scores in found.items()]
                yield {"kind": kind, "by": "entrant", "columns": paths, "rows": rows}
            case _:
                by = "criterion" if kind in ("means", "gaps") else "entrant"
                yield {
                    "kind": kind,
                    "by": by,
                    "columns": (),
                    "rows": [(name, [value]) for name, value in found.items()],
                }
