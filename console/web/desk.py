"""What an evaluator finds on their desk: nothing but what they may mark, and of marks nothing but their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from fastapi import Request

from console.telling.sentences import Words, names_of
from console.web import access
from console.web.access import Visitor
from console.web.frame import title_of
from console.web.page import Page
from console.web.problems import Problem
from console.web.site import Site
from console.web.speech import Lang
from events.errors import NotFound
from events.rulebook import Leaf
from events.values import format_instant, format_number
from handlers.marking_order import DOMAIN, Seed, seed_size
from handlers.sheets import Line, Sheet, closes_ms, is_seated, sheets_of
from handlers.state import PhaseState, State
from infra.access import ANY

ZONES: Mapping[str, tuple[str, int]] = {"ko": ("KST", 9)}
"""By language: a zone, and how many hours it is ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Who marks: the visitor, and the pseudonym that the record knows them by in this programme."""

    visitor: Visitor
    name: str


def require_evaluator(request: Request, programme: str) -> Evaluator:
    """Raises Problem for who marks nothing here; it does not tell whether there is such a programme."""
    visitor = access.require(request, "mark", programme)
    name = evaluator_of(visitor, programme)
    if name is None:
        raise not_theirs(visitor)
    return Evaluator(visitor, name)


def evaluator_of(visitor: Visitor, programme: str) -> str | None:
    """As whom a visitor marks in a programme; None for who does not."""
    if not visitor.may("mark", programme):
        return None
    return visitor.who.get((programme, "evaluator")) or visitor.who.get((ANY, "evaluator"))


def not_theirs(visitor: Visitor) -> Problem:
    """What everybody is told of whatever is not theirs to mark: a phase of another panel, an entrant that they are recused
    from, and what is not there at all.
    """
    return Problem("forbidden", f"{visitor.name} does not have the right 'mark' here")


@dataclass(frozen=True, slots=True)
class Desk:
    """One phase as one evaluator has it. Made while its programme has the turn, and not kept. `now_ms` is the time by which
    windows close there.
    """

    state: State
    phase: PhaseState
    seed: Seed
    who: Evaluator
    sheets: tuple[Sheet, ...]
    now_ms: int

    @property
    def takes_marks(self) -> bool:
        """Whether a mark that is sent now would still be in time, as far as is known."""
        closes = closes_ms(self.state, self.phase)
        return self.phase.closed is None and (closes is None or self.now_ms <= closes)

    def sheet(self, entrant: str) -> Sheet:
        """Raises Problem for one that is not theirs to mark."""
        found = next((sheet for sheet in self.sheets if sheet.entrant == entrant and sheet.out is None), None)
        if found is None:
            raise not_theirs(self.who.visitor)
        return found


def state_at(site: Site, page: Page, programme: str, visitor: Visitor) -> State:
    """What was known at the page's moment; the programme has the turn. Raises Problem where there is none."""
    try:
        return site.reading.state(programme, page.at)
    except NotFound:
        raise not_theirs(visitor) from None


def desk_of(site: Site, state: State, phase_id: str, who: Evaluator) -> Desk:
    """Raises Problem for a phase that is not open, or has nothing for this evaluator."""
    phase = state.phases.get(phase_id)
    if phase is None or not is_seated(state, phase, who.name):
        raise not_theirs(who.visitor)
    seed = site.seeds.of(state.programme, phase)
    sheets = tuple(sheets_of(state, phase, who.name, seed))
    return Desk(state, phase, seed, who, sheets, now_of(site, state))


def now_of(site: Site, state: State) -> int:
    """The time by which a programme runs: the clock's, or where it runs in its own time, that of what came last."""
    return site.now() if state.clock == "broker" else max(state.order_ms.values(), default=0)


def told(desk: Desk, page: Page) -> dict[str, Any]:
    """What every page about the phase shows, as plain data."""
    words = Words(page.lang, names_of(desk.state))
    closes = closes_ms(desk.state, desk.phase)
    theirs = [sheet for sheet in desk.sheets if sheet.out is None]
    return {
        "programme": desk.state.programme,
        "title": title_of(desk.state, page),
        "phase": desk.phase.rules.id,
        "words": words,
        "evaluator": desk.who.name,
        "status": desk.phase.status,
        "takes_marks": desk.takes_marks and page.at is None,
        "closes": None if closes is None else format_instant(closes),
        "closes_there": None if closes is None else _there(page, closes),
        "left": None if closes is None or page.at is not None else _left(page, closes - desk.now_ms),
        "wanted": sum(len(sheet.lines) for sheet in theirs),
        "given": sum(sheet.given for sheet in theirs),
        "missing": sum(len(sheet.missing) for sheet in theirs),
    }


def _there(page: Page, ms: int) -> str | None:
    """The same instant as clocks show it where the page's language is spoken, if that is one zone without summer time."""
    zone = ZONES.get(page.lang)
    if zone is None:
        return None
    name, ahead = zone
    shown = datetime.fromtimestamp(ms / 1000, timezone(timedelta(hours=ahead)))
    return f"{shown:%Y-%m-%d %H:%M} {name} (UTC+{ahead})"


def _left(page: Page, ms: int) -> str:
    """How long that is from now, in its two largest units."""
    minutes = ms // 60_000
    if ms < 0:
        return page.t("desk.left-none")
    if minutes >= 1440:
        return page.t("desk.left-days", days=minutes // 1440, hours=minutes // 60 % 24)
    return page.t("desk.left-hours", hours=minutes // 60, minutes=minutes % 60)


def drawn_from(desk: Desk) -> dict[str, Any]:
    """What it takes to draw the order again; `shell` computes the first lot."""
    lines = (desk.seed.root.hex(), desk.seed.rulebook, desk.seed.phase, desk.who.name, desk.sheets[0].entrant)
    return {
        "shell": f"printf '%s\\n' '{DOMAIN}' {' '.join(lines)} | sha256sum",
        "domain": DOMAIN,
        "size": seed_size(desk.phase),
        "root": desk.seed.root.hex(),
        "rulebook": desk.seed.rulebook,
    }


def rows(desk: Desk) -> Iterator[dict[str, Any]]:
    """Every entrant in the order drawn."""
    for place, sheet in enumerate(desk.sheets, 1):
        yield {
            "place": place,
            "entrant": sheet.entrant,
            "out": sheet.out,
            "given": sheet.given,
            "wanted": len(sheet.lines),
            "missing": len(sheet.missing),
            "has_work": desk.phase.deadlines.get("submissions") is None or sheet.entrant in desk.phase.submissions,
        }


def key_of(line: Line) -> str:
    """How addresses and forms name an item."""
    return f"{line.leaf.id}/{line.item}"


def line_told(line: Line, words: Words) -> dict[str, Any]:
    """One item: what it means, its bounds, and this evaluator's own mark."""
    low, high = line.leaf.items[line.item]
    mark = line.mark
    return {
        "key": key_of(line),
        "item": line.item,
        "called": item_title(line.leaf, line.item, words.lang),
        "criterion": " › ".join(words.criterion(path) for path in _branches(line.leaf)),
        "low": format_number(low),
        "high": format_number(high),
        "takes_reference": line.leaf.takes_reference,
        "points": None if line.leaf.points is None else format_number(line.leaf.points),
        "value": None if mark is None else mark.value,
        "reference": None if mark is None else mark.reference,
        "score": None if mark is None else mark.ids[0],
        "corrections": 0 if mark is None else len(mark.ids) - 1,
        "proposed": None if line.proposed is None else line.proposed.value,
        "waived": line.waived,
    }


def item_title(leaf: Leaf, item: str, lang: Lang) -> str:
    """What the rules call an item, in the language, else in any; its id where they call it nothing."""
    said = (leaf.item_titles or {}).get(item, {})
    return said.get(lang) or said.get("en") or next(iter(said.values()), item)


def _branches(leaf: Leaf) -> list[str]:
    """The criterion with what it is a part of, the widest first."""
    parts = leaf.id.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def work_of(desk: Desk, entrant: str) -> dict[str, Any] | None:
    """What an entrant handed in."""
    fact = desk.phase.submissions.get(entrant)
    if fact is None:
        return None
    return {
        "title": fact.data["title"],
        "artefacts": fact.data["artefacts"],
        "received": format_instant(fact.received_ms),
    }
