"""A small programme on a real broker, in its own time, with the console over it: for acts in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from console.web.application import create_app
from console.web.server import WebServer
from events.entry import decode_entry
from events.values import format_instant
from infra.access import Role
from infra.kafka.bus import KafkaBus
from infra.settings import Settings
from tests.support import long_cup, small
from tests.support.stage import Stage, stage
from tests.support.website import PARTITIONS, settings_of, signed_in

BROWSER = {"accept": "text/html", "accept-language": "en"}
HOME = f"/programmes/{small.PROGRAMME}"
DIRECTOR = "urn:director"


def rulebook() -> dict[str, Any]:
    """The small programme, where a second person approves what is changed of marks, teams may object and leave, and a call
    fills what is vacant on the 100th day.
    """
    document = small.rulebook()
    document["phases"].append(long_cup.rulebook()["phases"][1])
    document["phases"][0]["approvals"] = dict.fromkeys(("score.corrected", "mark.waived"), "director")
    for source in document["sources"]:
        if "entrant" in source:
            source["types"] += ["objection.filed", "objection.withdrawn", "submission.withdrawn"]
        if source["source"] == DIRECTOR:
            source["types"] += ["decision.returned", "act.approved"]
    return document


@dataclass
class Person:
    """Somebody at a browser: `field` is what each of its forms bears."""

    client: httpx.Client
    field: dict[str, str]

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.client.get(f"{HOME}/{path}", params=query)

    def preview(self, act: str, /, **said: Any) -> httpx.Response:
        """The form filled in and sent, for its preview. `now` is that of the programme."""
        return self.client.post(f"{HOME}/acts/{act}", data={**self.field, **said})

    def confirm(self, act: str, shown: httpx.Response) -> httpx.Response:
        """What the preview showed, sent."""
        return self.send(act, event_in(shown))

    def send(self, act: str, event: str) -> httpx.Response:
        return self.client.post(f"{HOME}/acts/{act}/send", data={**self.field, "event": event})


def event_in(shown: httpx.Response) -> str:
    """The event that a preview has fixed."""
    assert shown.status_code in (200, 503), shown.text
    found = re.search(r'name="event" value="([^"]*)"', shown.text)
    assert found is not None, shown.text
    return unescape(found[1])


@dataclass
class Scene:
    """The console at `url`, and the stage that records and progresses when it is told to."""

    on: Stage
    settings: Settings
    url: str
    stack: ExitStack

    def person(self, name: str, *roles: Role, **who: str) -> Person:
        """An account with these roles in the programme, signed in."""
        client = self.stack.enter_context(httpx.Client(base_url=self.url, headers=BROWSER, timeout=60))
        return Person(client, signed_in(client, self.settings.database, name, *roles, programme=small.PROGRAMME, **who))

    def size(self) -> int:
        head = self.on.parts.ledger.head(small.PROGRAMME)
        assert head is not None
        return head.size

    def record(self) -> None:
        """All that the bus holds."""
        ends = self.on.parts.bus.ends()
        while any(self.on.parts.ledger.positions(ends)[place] < end for place, end in ends.items()):
            self.on.record()

    def after(self, sent: httpx.Response, person: Person) -> str:
        """The page that waited, once the record is there."""
        assert sent.status_code == 303, sent.text
        self.record()
        return person.client.get(sent.headers["location"]).text

    def entries(self, size: int) -> list[tuple[str, str, str | None]]:
        """Type, verdict and reason of what was recorded since."""
        found = [decode_entry(stored.entry) for stored in self.on.parts.ledger.read(small.PROGRAMME, size)]
        return [(str(one.type), one.verdict, one.reason) for one in found]


def at(day: int) -> str:
    return format_instant(small.OPENS + day * small.DAY)


@contextmanager
def scene(home: Path, bootstrap: str, prefix: str) -> Iterator[Scene]:
    """The phase is open, and every mark is given, on the 15th day."""
    settings = settings_of(home, f"sqlite:///{home}/ledger.sqlite", bootstrap, prefix)
    on = stage(KafkaBus(bootstrap, prefix, PARTITIONS, "scenario"), settings.database)
    with (
        closing(on.parts),
        closing(on.recorder),
        closing(on.publisher),
        WebServer(create_app(settings), "127.0.0.1", 0) as server,
        ExitStack() as stack,
    ):
        on.tell(small.announced(rulebook()), *small.beginnings())
        on.progress(small.OPENS + 1)
        on.tell(*small.submissions())
        on.progress(small.DEADLINES["submissions"] + 1)
        on.tell(*small.scores())
        yield Scene(on, settings, server.url, stack)


def decided(found: Scene) -> str:
    """The phase is decided, nothing is signed; the decision's id."""
    found.on.progress(small.DEADLINES["scores"] + 1)
    found.on.progress(small.DEADLINES["audits"] + 1)
    decision = found.on.parts.reader().state(small.PROGRAMME).phases["heat"].decision
    assert decision is not None
    return decision.fact.event.id
