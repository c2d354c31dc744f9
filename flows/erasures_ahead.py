"""What later records erase, known before the first is recorded: so that a ledger that is made again never holds it.

Who erases what is a verdict like any other, so it is judged, in memory, and nothing is believed that a sender merely says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from events.bus import Bus
from events.entry import SALT_BYTES, Entry, Opening, encode_headers
from events.record import Record
from flows.appending import erasing_of
from flows.rereading import AT_ONCE, Rereading
from handlers.judge import Deployment, log_of
from handlers.recording import record_one
from handlers.state import State

At = tuple[str, int, int]
"""Topic, partition, offset."""

_NAME = b"phasegate.record.erased.v"
_CHUNK = 1000


def known_erasures(bus: Bus, deployment: Deployment, stops: Mapping[tuple[str, int], int]) -> Collection[At]:
    """The records that an accepted erasure below `stops` names. Reads the topic `decisions`, and everything once more only
    where a record there speaks of erasing.
    """
    states = {name: State(name) for name in _programmes(bus, stops)}
    found: set[At] = set()
    if not states:
        return found
    intake = Rereading(bus, stops).intake("", lambda places: dict.fromkeys(places, 0))
    while records := intake.poll(0.0, AT_ONCE):
        for record in records:
            if (state := states.get(log_of(record))) is not None:
                for draft in record_one(state, record, deployment):
                    found |= {(one.topic, one.partition, one.offset) for one in erasing_of(draft)}
    return found


def _programmes(bus: Bus, stops: Mapping[tuple[str, int], int]) -> set[str]:
    return {log_of(record) for record in _decisions(bus, stops) if _NAME in (record.value or b"")}


def _decisions(bus: Bus, stops: Mapping[tuple[str, int], int]) -> Iterator[Record]:
    for (topic, partition), stop in sorted(stops.items()):
        for first in range(0, stop if topic == "decisions" else 0, _CHUNK):
            yield from bus.read(topic, partition, first, min(stop, first + _CHUNK))


def opening_on(bus: Bus, entry: Entry) -> Opening | None:
    """What the record of an entry holds, from the bus; the salt of its commitment is not there. None where it is gone."""
    for record in bus.read(entry.topic, entry.partition, entry.offset, entry.offset + 1):
        return Opening(bytes(SALT_BYTES), record.key, encode_headers(record.headers), record.value)
    return None
