"""Attesting what the ledger holds: replayed with its integrity checked, and said for each decision as an event of the
programme's own attestor, signed by the office. Knows nothing of Prefect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from events.derived import attestor_source
from events.envelope import Envelope
from events.errors import Tampered
from flows.reading import Reading
from flows.replaying import Gathered, intact_head, replay_with_decisions
from flows.wiring import Parts
from handlers.attestation import is_different, missing
from handlers.state import State

TOPIC = "audits"


class ReplayDiffers(Tampered):
    """A log does not come out the same when it is replayed. What was found is attested, on record."""


@dataclass(frozen=True, slots=True)
class Attested:
    """What a replay found of a programme, and which of its attestations are new. `stamp_ms`: the time of a programme
    that runs in its own.
    """

    programme: str
    gathered: Gathered
    new: Sequence[Envelope]
    stamp_ms: int

    def data(self) -> dict[str, Any]:
        """As commands and artifacts tell it."""
        first = self.gathered.report.first_difference
        return {
            "programme": self.programme,
            "size": self.gathered.stand.size,
            "root": self.gathered.stand.root.hex(),
            "published": len(self.new),
            "decisions": list(self._rows()),
            "first_difference": None if first is None else first.data(),
        }

    def _rows(self) -> Iterator[dict[str, Any]]:
        said = {event.data["decision"]: event for event in self.new}
        first = self.gathered.report.first_difference
        for one in self.gathered.decisions:
            event = said.get(one.decision)
            yield {
                "decision": one.decision,
                "phase": one.phase,
                "result": "different" if is_different(one, first) else "identical",
                "size": None if event is None else event.data["size"],
                "attestation": None if event is None else event.id,
            }

    def check(self) -> None:
        """Raises ReplayDiffers where anything in the log came out differently, attested or after the last decision."""
        first = self.gathered.report.first_difference
        if first is not None:
            raise ReplayDiffers(
                f"{self.programme} differs from its replay, first at entry {first.index}: {first.what}: "
                f"{first.member or 'the event'} is recorded as {first.recorded!r}, replayed as {first.replayed!r}",
                hint=f"phasegate log {self.programme} {first.index} shows the entry",
                **self.data(),
            )


def replayed(reading: Reading, programme: str, *, again: bool = False) -> Attested:
    """Replays a programme's log, and says what its attestor has not said yet. Raises Tampered where the log contradicts
    itself or its checkpoints: then there is nothing that could be attested.
    """
    head = intact_head(reading, programme)
    gathered = replay_with_decisions(reading, head)
    state = reading.reader.prefix(head.programme, gathered.stand.size).state
    first, source = gathered.report.first_difference, attestor_source(head.programme)
    new = list(missing(state, source, gathered.decisions, first, gathered.stand, again=again))
    return Attested(head.programme, gathered, new, max(state.order_ms.values(), default=0))


def publish(parts: Parts, found: Attested) -> None:
    """Publishes what is new and returns when it is recorded. Raises Refused, Unavailable."""
    if found.new:
        stamp_ms = found.stamp_ms if parts.bus.clock == "scenario" else None
        parts.office().publish([(TOPIC, event) for event in found.new], stamp_ms)


def announced(reading: Reading) -> list[State]:
    """The programmes of a ledger that have rules, by name."""
    states = (reading.state(head.programme) for head in sorted(reading.ledger.heads(), key=lambda head: head.programme))
    return [state for state in states if state.announced is not None]
