"""What stands around every page about one programme: its name, the moment that it shows, and where else to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from console.web.access import may_operate
from console.web.page import Page
from console.web.site import Site
from events.entry import decode_entry
from events.errors import NotFound
from events.values import format_instant
from handlers.state import State

TABS = ("board", "decisions", "acts", "log", "lab", "operations")
JUMPS = 8
"""Moments that are offered beside the slider."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A moment worth looking at: the size of the log just after it."""

    size: int
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """`size` is that of the moment, `whole` that of the log now; `received`: the last receipt within the moment."""

    programme: str
    title: str
    tab: str
    tabs: tuple[tuple[str, str], ...]
    size: int
    whole: int
    received: str
    marks: tuple[Jump, ...]

    @property
    def before(self) -> int:
        return max(1, self.size - 1)

    @property
    def after(self) -> int | str:
        """The next moment; now, where that is the end."""
        return self.size + 1 if self.size + 1 < self.whole else ""


def frame_of(site: Site, page: Page, programme: str, tab: str) -> Frame:
    """Raises NotFound for a programme without a log, and for a moment that it has not reached."""
    reading = site.reading
    head = next((head for head in reading.ledger.heads() if head.programme == programme), None)
    if head is None or head.size == 0:
        raise NotFound(f"there is no programme {programme!r}")
    with site.turns.of(programme):
        size = reading.reader.size_at(programme, page.at)
        if size == 0:
            raise NotFound(f"{programme!r} has no entries at that moment")
        state = reading.state(programme)
        title, marks = title_of(state, page), tuple(_jumps(state, page))
    last = decode_entry(next(iter(reading.ledger.read(programme, size - 1, size))).entry)
    return Frame(
        programme,
        title,
        tab,
        tuple((name, _address(page, programme, name)) for name in TABS if _is_for(page, programme, name)),
        size,
        head.size,
        format_instant(last.received_ms),
        marks,
    )


def _is_for(page: Page, programme: str, tab: str) -> bool:
    return tab != "operations" or may_operate(page.visitor, programme)


def _address(page: Page, programme: str, tab: str) -> str:
    return page.link("programmes", programme) if tab == "board" else page.link("programmes", programme, tab)


def title_of(state: State, page: Page) -> str:
    """Under which name the programme was announced."""
    return called(page, None if state.announced is None else state.announced.data.get("title"), state.programme)


def called(page: Page, titles: Mapping[str, str] | None, name: str) -> str:
    """What something is called in the page's language, else in any; its id where it has no title."""
    said = titles or {}
    return said.get(page.lang) or said.get("en") or next(iter(said.values()), name)


def _jumps(state: State, page: Page) -> Iterator[Jump]:
    found = [
        (decision.fact.index + 1, called(page, phase.rules.title, phase.rules.id))
        for phase in state.phases.values()
        for decision in phase.decisions.values()
    ]
    for size, phase in sorted(found)[-JUMPS:]:
        yield Jump(size, page.t("site.decided", phase=phase))
