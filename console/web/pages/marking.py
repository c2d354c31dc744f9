"""Marking one entrant, item by item: the form, the mark on its way, and what became of it."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from console.telling.sentences import Words
from console.web.desk import (
    Desk,
    Evaluator,
    desk_of,
    item_title,
    key_of,
    line_told,
    not_theirs,
    require_evaluator,
    state_at,
    told,
    work_of,
)
from console.web.forms import Form
from console.web.mark_form import Filled, event_of, filled
from console.web.page import Page, page_of, shown
from console.web.sending import Outcome, outcome, prepare, send, sender_of, sent_by
from console.web.site import Site, site_of
from events.record import Position
from flows.sending import uuid7
from handlers.sheets import Line, Sheet

router = APIRouter(include_in_schema=False)

Shown = Annotated[Page, Depends(page_of)]

RECORDED_WITHIN_S = 2.0
"""How long the answer to a form waits for the record. After that the next page asks for it."""

_SENT = re.compile(r"(\d{1,6})-(\d{1,18})")


@router.get("/desk/{programme}/{phase}/{entrant}")
def entrant(request: Request, programme: str, phase: str, entrant: str, page: Shown) -> HTMLResponse:
    """One item with its form, and the list of all; with `HX-Request` only what became of the mark that was sent last."""
    who = require_evaluator(request, programme)
    site = site_of(request)
    place = _sent(site, page, who)
    became = None if place is None else outcome(site, programme, place)
    with site.turns.of(programme):
        desk = desk_of(site, state_at(site, page, programme, who.visitor), phase, who)
        sheet = desk.sheet(entrant)
        facts = _facts(desk, page, sheet, _chosen(desk, page, sheet))
        facts["sent"] = None if place is None else _became(desk, facts["words"], became)
    facts["texts"] = _again(facts, became)
    return shown(page, "desk-sent.html" if page.is_part else "desk-entrant.html", **facts)


@router.post("/desk/{programme}/{phase}/{entrant}")
def save(request: Request, programme: str, phase: str, entrant: str, page: Shown, form: Form) -> Response:
    """Sends one mark, and goes on to what is missing next; a form that cannot be sent is shown again."""
    who = require_evaluator(request, programme)
    site = site_of(request)
    with site.turns.of(programme):
        desk = desk_of(site, site.reading.state(programme), phase, who)
        sheet = desk.sheet(entrant)
        said = filled(desk, sheet, form)
        if said.faults:
            return _asked_again(desk, page, sheet, said)
        prepared = prepare(site, desk.state, event_of(desk, said))
    place = send(site, prepared, sender_of(who.visitor))
    became = _awaited(site, programme, place)
    is_refused = became is not None and became.entry.verdict == "refused"
    following = key_of(said.line) if is_refused else _following(sheet, said.line)
    sent = f"{place.partition}-{place.offset}"
    return RedirectResponse(page.link("desk", programme, phase, entrant, item=following, sent=sent, at=""), 303)


def _following(sheet: Sheet, line: Line) -> str:
    """The next item that has no mark, round to the first; the same where nothing else is missing."""
    here = sheet.lines.index(line)
    rest = (*sheet.lines[here + 1 :], *sheet.lines[:here])
    return key_of(next((one for one in rest if one.is_missing), line))


def _awaited(site: Site, programme: str, place: Position) -> Outcome | None:
    """What became of it, if that is known soon."""
    ends = time.monotonic() + RECORDED_WITHIN_S
    while (found := outcome(site, programme, place)) is None and time.monotonic() < ends:
        time.sleep(0.1)
    return found


def _asked_again(desk: Desk, page: Page, sheet: Sheet, said: Filled) -> HTMLResponse:
    facts = _facts(desk, page, sheet, said.line)
    faults = {name: page.t(key, **more) for name, (key, more) in said.faults.items()}
    return shown(page, "desk-entrant.html", 422, **facts | {"texts": said.texts, "faults": faults, "sent": None})


def _chosen(desk: Desk, page: Page, sheet: Sheet) -> Line:
    """The item that the address names; else the first that is missing, else the first."""
    wanted = page.request.query_params.get("item")
    if wanted:
        named = next((line for line in sheet.lines if key_of(line) == wanted), None)
        if named is None:
            raise not_theirs(desk.who.visitor)
        return named
    return next(iter(sheet.missing), sheet.lines[0])


def _facts(desk: Desk, page: Page, sheet: Sheet, line: Line) -> dict[str, Any]:
    facts = told(desk, page)
    words: Words = facts["words"]
    lines = [line_told(one, words) for one in sheet.lines]
    here, theirs = sheet.lines.index(line), [one for one in desk.sheets if one.out is None]
    turn = theirs.index(sheet)
    others = (*theirs[turn + 1 :], *theirs[:turn])
    return facts | {
        "entrant": sheet.entrant,
        "turn": turn + 1,
        "turns": len(theirs),
        "lines": lines,
        "line": lines[here],
        "number": here + 1,
        "before": lines[here - 1]["key"] if here else None,
        "after": lines[here + 1]["key"] if here + 1 < len(lines) else None,
        "own_given": sheet.given,
        "own_missing": len(sheet.missing),
        "next_entrant": next((one.entrant for one in others if one.missing), None),
        "work": work_of(desk, sheet.entrant),
        "event": uuid7(desk.now_ms),
        "faults": {},
    }


def _sent(site: Site, page: Page, who: Evaluator) -> Position | None:
    """The place that the address names. Raises Problem for a record that another account sent."""
    found = _SENT.fullmatch(page.request.query_params.get("sent", ""))
    if found is None:
        return None
    place = Position("scores", int(found[1]), int(found[2]))
    if sent_by(site, place) != sender_of(who.visitor):
        raise not_theirs(who.visitor)
    return place


def _became(desk: Desk, words: Words, found: Outcome | None) -> dict[str, Any]:
    """What the page says of a mark that was sent: `verdict` is `waiting` until it is recorded."""
    if found is None:
        return {"verdict": "waiting", "index": None, "why": "", "detail": None, "value": "", "key": None, "what": ""}
    data = {} if found.event is None else found.event.data
    slot = desk.phase.slot_of.get(str(data.get("score"))) or (None, data.get("criterion"), data.get("item"), None)
    verdict = found.entry.verdict
    return {
        "verdict": "accepted" if verdict == "duplicate" and found.counts is not None else verdict,
        "index": found.entry.index if found.counts is None else found.counts,
        "why": words.say(f"refused.{found.entry.reason}") if verdict == "refused" else "",
        "detail": found.detail,
        "value": data.get("value", ""),
        "key": f"{slot[1]}/{slot[2]}" if slot[1] else None,
        "what": _called(desk, words, slot[1], slot[2]),
    }


def _called(desk: Desk, words: Words, criterion: str | None, item: str | None) -> str:
    """The item of a mark that was sent, as the rules call it."""
    leaf = desk.phase.rules.leaves.get(criterion or "")
    return "" if leaf is None or item is None else f"{words.criterion(leaf.id)} › {item_title(leaf, item, words.lang)}"


def _again(facts: dict[str, Any], became: Outcome | None) -> dict[str, str]:
    """What the form of a mark that was refused has in it: what was sent."""
    sent = facts["sent"]
    if sent is None or sent["verdict"] != "refused" or sent["key"] != facts["line"]["key"] or became is None:
        return {}
    return {} if became.event is None else {name: str(value) for name, value in became.event.data.items()}
