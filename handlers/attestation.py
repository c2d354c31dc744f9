"""Attesting: what a replay says of each decision, as an event. Pure: the same log and the same finding give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from events import merkle
from events.announced import Acceptance, read_event
from events.derived import derived_id
from events.entry import Entry, Opening
from events.envelope import Envelope
from events.values import format_instant
from handlers.replay_report import Difference, Report
from handlers.state import State

ATTESTED = "phasegate.replay.attested.v1"
_DECIDED = "phasegate.phase.decided.v1"
_TEXT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Stand:
    """A log at one of its sizes: its root there, and the latest receipt up to there (Unix milliseconds)."""

    size: int
    root: bytes
    last_ms: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision that a log holds, accepted at `index`. `stand` is that of the log with what was settled because of it, and
    nothing after.
    """

    decision: str
    phase: str
    index: int
    stand: Stand


def made_again(recorded: Iterable[Recorded], report: Report) -> list[Recorded]:
    """Those that a replay could make again: of one that rests on a record that is not there nobody can say how it comes out."""
    unchecked = {*report.verdicts.unchecked, *report.decisions.unchecked}
    return [one for one in recorded if one.index not in unchecked]


class Decisions:
    """The decisions of a log, gathered while its entries go by in order. The verdicts of the log are taken as they are."""

    def __init__(self) -> None:
        self.recorded: list[Recorded] = []
        self._size, self._last_ms = 0, 0
        self._stack: list[bytes] = []
        self._open: list[tuple[str, str, int]] = []
        self._acceptance = Acceptance()

    def saw(self, data: bytes, entry: Entry, opening: Opening | None) -> None:
        """The next entry: its bytes, what they say, and the opening of a first entry where it is known."""
        if entry.of is None:
            self._close()
            self._last_ms = max(self._last_ms, entry.received_ms)
        if entry.type == _DECIDED:
            self._note(entry, opening)
        merkle.append(self._stack, self._size, merkle.leaf_hash(data))
        self._size += 1

    def _note(self, entry: Entry, opening: Opening | None) -> None:
        if (found := self._acceptance.counted(entry, opening)) is not None:
            event = read_event(entry.index, found)
            self._open.append((event.id, str(event.data["phase"]), entry.index))

    def _close(self) -> None:
        if self._open:
            self.recorded += [Recorded(*row, self.stand()) for row in self._open]
            self._open.clear()

    def stand(self) -> Stand:
        """The log as far as it went by."""
        return Stand(self._size, merkle.root(self._stack), self._last_ms)

    def finish(self) -> list[Recorded]:
        """Those of the whole log, in its order."""
        self._close()
        return self.recorded


def is_different(recorded: Recorded, first: Difference | None) -> bool:
    """Something up to the decision came out differently. What comes after it is no matter of that decision."""
    return first is not None and first.index < recorded.stand.size


def attestation(
    programme: str, source: str, recorded: Recorded, first: Difference | None, stand: Stand | None = None
) -> Envelope:
    """What `source` says of a decision: of the log as it stood with the decision, or at a later `stand`. Its id names
    the size, so that a later one is another event; its time is the latest receipt below that size.
    """
    at = stand or recorded.stand
    data: dict[str, Any] = {
        "decision": recorded.decision,
        "size": at.size,
        "root": at.root.hex(),
        "result": "identical",
    }
    if first is not None and is_different(recorded, first):
        data |= {"result": "different", "difference": _told(first)}
    return Envelope(
        id=derived_id(programme, ATTESTED, recorded.phase, recorded.decision, at.size),
        source=source,
        type=ATTESTED,
        subject=programme,
        time=format_instant(at.last_ms),
        data=data,
        correlationid=f"{programme}/{recorded.phase}",
        causationid=recorded.decision,
    )


def _told(first: Difference) -> Mapping[str, Any]:
    """The difference as data, its texts cut where a log would make them endless."""
    return {name: part[:_TEXT_MAX] if isinstance(part, str) else part for name, part in first.data().items()}


def missing(
    state: State, source: str, recorded: Iterable[Recorded], first: Difference | None, now: Stand, *, again: bool
) -> Iterator[Envelope]:
    """What `source` has not said yet: of each decision once, at the decision's own size; and at the present one when it
    came out otherwise than it was last attested, or when `again` asks for it.
    """
    for one in recorded:
        found = state.find_decision(one.decision)
        before = None if found is None else found[1].attested.get(source)
        if before is None:
            yield attestation(state.programme, source, one, first)
        elif again or (before.data["result"] == "different") != is_different(one, first):
            yield attestation(state.programme, source, one, first, now)
