"""What was told to a programme, in the order of receipt: the records of its log, and what is supposed beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from events.derived import pipeline_source
from events.entry import Entry, Opening, decode_headers
from events.entry import Verdict as EntryVerdict
from events.envelope import CONTENT_TYPE_HEADER, JWS_HEADER, Envelope, Malformed, decode, encode
from events.errors import Unavailable
from events.names import TYPES
from events.record import Record
from events.upcast import present

SUPPOSED = (CONTENT_TYPE_HEADER, (JWS_HEADER, b"supposed"))
"""The headers of what nobody sent: nothing of it is signed, and whoever judges it is told so."""


@dataclass(frozen=True, slots=True)
class Told:
    """One record. `index` is that of its first entry, None where it is only supposed; `event` is None where it cannot be
    read; `verdict` and `reason` are the last that the log has on it. `order` is that of receipt: within a partition it
    keeps the partition's own order, and what is supposed comes behind what was received in the same millisecond. `lever`
    names what changed or added it.
    """

    index: int | None
    record: Record
    event: Envelope | None
    order: tuple[int, int, int]
    verdict: EntryVerdict | None = None
    reason: str | None = None
    lever: str = ""

    @property
    def received_ms(self) -> int:
        return self.order[0]

    @property
    def name(self) -> str:
        """The short name of the event's type; empty for what is none."""
        return TYPES[self.event.type].short if self.event is not None and self.event.type in TYPES else ""

    @property
    def is_accepted(self) -> bool:
        return self.verdict == "accepted"

    def said_by_pipeline(self, programme: str) -> bool:
        """On record, and not only supposed in the pipeline's name."""
        return self.index is not None and self.event is not None and self.event.source == pipeline_source(programme)

    def saying(self, data: dict[str, Any], lever: str) -> Told:
        """The same record, saying something else."""
        assert self.event is not None  # The caller read it.
        event = replace(self.event, data=data)
        record = replace(self.record, headers=SUPPOSED, value=encode(event))
        return replace(self, record=record, event=event, lever=lever)


class Telling:
    """Puts the entries of a log together: each record once, with its last verdict."""

    def __init__(self, programme: str) -> None:
        self._programme = programme
        self._told: dict[int, Told] = {}
        self._order_ms: dict[str, int] = {}

    def add(self, entry: Entry, opening: Opening | None) -> None:
        """The next entry. Raises Unavailable where a record that counts is not there: it may have been erased."""
        if entry.of is not None:
            settled = self._told[entry.of]
            self._told[entry.of] = replace(settled, verdict=entry.verdict, reason=entry.reason)
            return
        if opening is None:
            if entry.verdict in ("accepted", "pending"):
                raise Unavailable(
                    f"{self._programme}: entry {entry.index} is {entry.verdict}, but its record is not there",
                    hint="nothing can be run again without every record that counts; was it erased?",
                )
            return  # It was refused or a duplicate: it changed nothing, and cannot now.
        order_ms = max(entry.received_ms, self._order_ms.get(entry.topic, 0))
        self._order_ms[entry.topic] = order_ms
        record = Record(
            entry.topic, entry.partition, entry.offset, entry.received_ms,
            "broker" if entry.received_by == "broker" else "producer",
            opening.key, decode_headers(opening.headers), opening.value,
        )  # fmt: skip
        order = (order_ms, entry.index, 0)
        self._told[entry.index] = Told(entry.index, record, _read(record), order, entry.verdict, entry.reason)

    def finish(self) -> list[Told]:
        """All of them in the order of receipt."""
        return in_order(self._told.values())


def _read(record: Record) -> Envelope | None:
    try:
        event = decode(record.value)
        return present(event) if event.type in TYPES else event
    except Malformed:
        return None


def in_order(told: Iterable[Told]) -> list[Told]:
    return sorted(told, key=lambda one: one.order)


def supposed(event: Envelope, topic: str, partition: int, order: tuple[int, int, int], lever: str) -> Told:
    """An event that nobody told."""
    assert event.subject is not None  # Whoever supposes it names the programme.
    key = event.subject.encode()
    record = Record(topic, partition, 0, order[0], "broker", key, SUPPOSED, encode(event))
    return Told(None, record, event, order, lever=lever)
