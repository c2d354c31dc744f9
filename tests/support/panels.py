"""A programme whose panels mark now, on the broker's time: four teams, a jury of two and a chair, one of them recused once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from events.bus import Message
from events.envelope import Envelope
from events.names import TYPES
from events.rulebook import digest
from events.values import format_instant
from flows.office import message
from flows.transitions import Progress
from infra.clock import now_ms
from tests.support.stage import OFFICE_KEY
from tests.support.website import Website

TEAMS = ("ash", "birch", "cedar", "dogwood")
ITEMS = ("art", "craft", "idea")
RECUSED = ("ann", "dogwood")
OPENS_IN_MS = 8_000
HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Panels:
    """A programme at a site; `closes_ms` ends its scores. `phase` is open when `opened` returns; `later` is not."""

    site: Website
    programme: str
    opens_ms: int
    closes_ms: int
    phase: str = "heat"
    later: str = "finale"

    def rulebook(self) -> dict[str, Any]:
        office = f"urn:phasegate:{self.programme}:office"
        of_judges = ["score.recorded", "score.corrected", "conflict.declared"]
        return {
            "programme": self.programme,
            "title": {"en": "Panel cup", "ko": "심사 대회", "fr": "Coupe des jurys"},
            "sources": [
                {"source": office, "role": "office", "types": ["*"], "signs": "true"},
                {"source": "urn:chair", "types": of_judges, "panel": "chairs"},
                *({"source": f"urn:judge:{name}", "types": of_judges, "evaluator": name} for name in ("ann", "ben")),
            ],
            "phases": [
                self._phase(self.phase, self.opens_ms, self.closes_ms, advance="2"),
                self._phase(self.later, self.closes_ms + HOUR, self.closes_ms + 2 * HOUR, advance="1"),
            ],
        }

    def _phase(self, name: str, opens_ms: int, closes_ms: int, advance: str) -> dict[str, Any]:
        by_sum = [{"over": "items", "by": "sum"}, {"over": "evaluators", "by": "mean"}]
        jury: dict[str, Any] = {"id": "jury", "panel": "jury", "steps": by_sum}
        jury["title"] = {"en": "Jury", "ko": "심사위원", "fr": "Jury"}
        jury["item_titles"] = {"idea": {"en": "Idea and plan", "ko": "구상과 계획", "fr": "Idée et plan"}}
        chair = {"id": "chair", "panel": "chairs", "steps": by_sum}
        return {
            "id": name,
            "title": {"en": f"The {name}", "ko": f"{name} 단계", "fr": f"Phase {name}"},
            "opens": format_instant(opens_ms),
            "windows": {"scores": format_instant(closes_ms)},
            "criteria": [
                jury | {"items": {"art": ["0", "40"], "craft": ["-5", "5"], "idea": ["0", "10"]}},
                chair | {"items": {"order": ["0", "10"]}},
            ],
            "advance": {"places": advance},
        }

    def said(self, name: str, event_id: str, source: str, /, **data: Any) -> Envelope:
        return Envelope(event_id, source, f"phasegate.{name}.v1", self.programme, format_instant(now_ms()), data)

    def office(self, name: str, event_id: str, /, **data: Any) -> Envelope:
        return self.said(name, event_id, f"urn:phasegate:{self.programme}:office", **data)

    def beginnings(self) -> Iterator[Envelope]:
        """The rules, the panels, the teams, and one recusal."""
        rules = self.rulebook()
        announced = {"rulebook": rules, "digest": digest(rules), "clock": "broker", "title": rules["title"]}
        yield self.office("programme.announced", "announced", **announced)
        for who, panel in (("ann", "jury"), ("ben", "jury"), ("chris", "chairs")):
            yield self.office("evaluator.appointed", f"appoint-{who}", evaluator=who, panel=panel)
        for team in TEAMS:
            name = f"Team {team.title()}"
            yield self.office("entrant.registered", f"register-{team}", entrant=team, name=name, members=[])
        yield self.office(
            "evaluator.recused", "recused", evaluator=RECUSED[0], entrants=[RECUSED[1]], reason="a relative"
        )

    def messages(self) -> list[Message]:
        """The beginnings, signed by the office where it speaks."""
        office = f"urn:phasegate:{self.programme}:office"
        return [
            message(TYPES[one.type].topics[0], one, OFFICE_KEY if one.source == office else None, None)
            for one in self.beginnings()
        ]

    def begin(self) -> None:
        """Lets what is due happen until the first phase is open, and nothing beyond; the recorder works meanwhile."""
        way = Progress(self.site.parts, self.programme)
        with recording(self.site):
            for _ in way.steps(now_ms()):
                if self.phase in way.state.phases:
                    return

    def progress(self) -> None:
        """Lets everything happen that is due."""
        with recording(self.site):
            for _ in Progress(self.site.parts, self.programme).steps(now_ms()):
                pass

    def path(self, *parts: str) -> str:
        return "/".join(("", "desk", self.programme, *parts))


@contextmanager
def recording(site: Website) -> Iterator[None]:
    """The recorder at work in the background, as it is everywhere but in tests."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            site.recorder.step(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def opened(site: Website, **lasts_ms: int) -> list[Panels]:
    """Programmes (`_` for `-` in their names) whose first phase is open; its marks are taken for so long from then on."""
    opens_ms = now_ms() + OPENS_IN_MS
    found = [Panels(site, name.replace("_", "-"), opens_ms, opens_ms + ms) for name, ms in lasts_ms.items()]
    site.tell(*(sent for one in found for sent in one.messages()))
    site.record()
    time.sleep(max(0, opens_ms + 50 - now_ms()) / 1000)
    for one in found:
        one.begin()
    return found
