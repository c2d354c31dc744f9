"""Cups: programmes of any number, length and clock, whose every event follows from their name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from events.bus import Message
from events.envelope import Envelope
from events.names import TYPES
from events.rulebook import digest
from events.values import format_instant, parse_instant
from flows.office import message
from tests.support.stage import OFFICE_KEY

REGISTRY, JURY = "urn:registry", "urn:jury"


@dataclass(frozen=True)
class Cup:
    """`phases` are opening and deadline of each (Unix milliseconds). Every judge marks every item of every team in each."""

    name: str
    clock: str
    announced_ms: int
    phases: tuple[tuple[int, int], ...]
    teams: int
    judges: int
    items: int

    @property
    def office(self) -> str:
        return f"urn:phasegate:{self.name}:office"

    @cached_property
    def team_names(self) -> tuple[str, ...]:
        return tuple(f"team-{number:02}" for number in range(self.teams))

    @cached_property
    def judge_names(self) -> tuple[str, ...]:
        return tuple(f"judge-{number:02}" for number in range(self.judges))

    @cached_property
    def item_names(self) -> tuple[str, ...]:
        return tuple(f"item-{number:02}" for number in range(self.items))

    def rulebook(self) -> dict[str, Any]:
        """Every scalar is text, as YAML is read. Half of those who compete advance; four places make ties unlikely."""
        sources = [
            {"source": self.office, "role": "office", "types": ["*"], "signs": "true"},
            {"source": REGISTRY, "types": ["entrant.registered"]},
            {"source": JURY, "panel": "jury", "types": ["score.recorded", "score.corrected"]},
        ]
        return {
            "programme": self.name,
            "version": "1",
            "means": {"places": "2", "mode": "half-up"},
            "sources": sources,
            "phases": [self._phase(number) for number in range(len(self.phases))],
        }

    def _phase(self, number: int) -> dict[str, Any]:
        opens, closes = self.phases[number]
        steps = [{"over": "items", "by": "sum"}, {"over": "evaluators", "by": "mean"}]
        jury = {
            "id": "jury",
            "points": str(100 * self.items),
            "panel": "jury",
            "items": {item: ["0", "100"] for item in self.item_names},
            "steps": [*steps, {"round": {"places": "4", "mode": "half-up"}}],
        }
        return {
            "id": f"phase-{number + 1}",
            "opens": format_instant(opens),
            "windows": {"scores": format_instant(closes)},
            "criteria": [jury],
            "ties": ["panel"],
            "advance": {"places": str(max(1, self.teams >> (number + 1)))},
        }

    def beginnings(self) -> list[Message]:
        """The announcement, who judges and who competes."""
        rules = self.rulebook()
        announced = {"rulebook": rules, "digest": digest(rules), "clock": self.clock}
        told = [self._event("programme.announced", "announced", self.office, self.announced_ms, announced)]
        for judge in self.judge_names:
            data = {"evaluator": judge, "panel": "jury"}
            told.append(
                self._event("evaluator.appointed", f"appoint-{judge}", self.office, self.announced_ms + 1, data)
            )
        for team in self.team_names:
            row: dict[str, Any] = {"entrant": team, "name": team, "members": []}
            told.append(self._event("entrant.registered", f"register-{team}", REGISTRY, self.announced_ms + 2, row))
        return [self._message(one) for one in told]

    def marks(self, number: int = 0) -> Iterator[Message]:
        """All marks of a phase, one instant after the other from its opening on."""
        opens, closes = self.phases[number]
        count = self.teams * self.judges * self.items
        for place in range(count):
            rest, team = divmod(place, self.teams)
            item, judge = divmod(rest, self.judges)
            at_ms = opens + 1 + place * (closes - opens - 2) // count
            yield self._message(self._mark(number, self.team_names[team], self.judge_names[judge], item, at_ms))

    def correction(self, team: str, serial: int, value: str, at_ms: int) -> Message:
        """The first judge's mark of a team's first item in the first phase, corrected once more."""
        data = {"score": f"0-{team}-{self.judge_names[0]}-0", "value": value, "reason": f"correction {serial}"}
        return self._message(self._event("score.corrected", f"correct-{team}-{serial}", JURY, at_ms, data))

    def _mark(self, number: int, team: str, judge: str, item: int, at_ms: int) -> Envelope:
        event_id = f"{number}-{team}-{judge}-{item}"
        data = {
            "phase": f"phase-{number + 1}",
            "entrant": team,
            "criterion": "jury",
            "item": self.item_names[item],
            "evaluator": judge,
            "value": self._value(event_id),
        }
        return self._event("score.recorded", event_id, JURY, at_ms, data)

    def _value(self, event_id: str) -> str:
        """Between 0 and 100. Of a hash whose values for names that differ in few places are not related, as those of a checksum
        are: teams would tie.
        """
        drawn = int.from_bytes(blake2b(f"{self.name}/{event_id}".encode(), digest_size=4).digest(), "big")
        return f"{drawn % 100}.{drawn // 100 % 100:02}"

    def _event(self, name: str, event_id: str, source: str, at_ms: int, data: dict[str, Any]) -> Envelope:
        return Envelope(event_id, source, f"phasegate.{name}.v1", self.name, format_instant(at_ms), data)

    def _message(self, event: Envelope) -> Message:
        key = OFFICE_KEY if event.source == self.office else None
        stamp_ms = parse_instant(event.time) if self.clock == "scenario" else None
        return message(TYPES[event.type].topics[0], event, key, stamp_ms)
