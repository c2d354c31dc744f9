"""Several small programmes at once, each with a large jury: enough valid marks to keep recorders busy, and some rubbish."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from events.bus import Message
from events.envelope import Envelope, decode, encode
from events.values import parse_instant
from flows.office import message
from tests.support import small
from tests.support.stage import OFFICE_KEY

PROGRAMMES = tuple(f"cup-{number}" for number in range(6))
JUDGES = tuple(f"j{number:03}" for number in range(265))


def beginnings(programme: str) -> list[Message]:
    """The announcement, of a rulebook with one source for the whole jury; registrations and appointments."""
    document = small.rulebook()
    document["programme"] = programme
    document["sources"].append({"source": "urn:jury", "types": ["score.recorded"], "panel": "jury"})
    document["sources"][0]["source"] = f"urn:phasegate:{programme}:office"
    announced = _of(programme, small.announced(document))
    appointed = [
        small.event(
            "evaluator.appointed", f"appoint-{name}", small.OFFICE, small.OPENS - 50 * small.DAY,
            evaluator=name, panel="jury",
        )
        for name in JUDGES
    ]  # fmt: skip
    told = [*small.beginnings(), *appointed]
    return [_message(announced), *(_message(_of(programme, event)) for event in told)]


def marks(seed: int) -> list[Message]:
    """A mark of every judge for every team in every programme, shuffled; some said twice, and some that are no event."""
    dice = random.Random(seed)
    said = [_message(_of(programme, _mark(*slot))) for programme in PROGRAMMES for slot in _slots()]
    said += dice.choices(said, k=len(said) // 25)
    said += [replace(one, value=b"{" + (one.value or b"")) for one in dice.choices(said, k=len(said) // 50)]
    dice.shuffle(said)
    return said


def _slots() -> Iterator[tuple[str, str]]:
    for team in small.TEAMS:
        for judge in JUDGES:
            yield team, judge


def _mark(team: str, judge: str) -> Envelope:
    data: dict[str, Any] = {"phase": "heat", "entrant": team, "criterion": "jury", "item": "art"}
    at_ms = small.OPENS + 15 * small.DAY
    return small.event("score.recorded", f"{team}-{judge}", "urn:jury", at_ms, **data, evaluator=judge, value="20")


def _of(programme: str, event: Envelope) -> Envelope:
    """The same event in another programme."""
    if event.type.startswith("phasegate.programme."):
        return replace(event, subject=programme, source=f"urn:phasegate:{programme}:office")
    return decode(encode(event).replace(small.PROGRAMME.encode(), programme.encode()))


def _message(event: Envelope) -> Message:
    is_office = event.source.endswith(":office")
    return message(small.topic_of(event), event, OFFICE_KEY if is_office else None, parse_instant(event.time))
