"""Replaying a log from the ledger: every stored byte read again and checked first, then judged and decided anew.

Needs the ledger and public keys, and neither Kafka nor Prefect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from events.entry import decode_entry
from events.errors import NotFound, Tampered
from flows.erasures import Erasures
from flows.reading import Reading
from handlers.attestation import Decisions, Recorded, Stand, made_again
from handlers.replay import Replay
from handlers.replay_report import Report
from infra.ledger import Head

FAULTS_AT_MOST = 100
"""How many faults of a damaged database are listed; more add nothing."""

Advance = Callable[[int], None]


def intact_head(reading: Reading, programme: str) -> Head:
    """The log's head. That it is not there, or cannot be read, may itself be the work of a forger: then all is checked."""
    try:
        return reading.head(programme)
    except (NotFound, Tampered):
        check_integrity(reading, None)
        raise


def check_integrity(reading: Reading, programme: str | None) -> None:
    """Raises Tampered for the first contradiction in what is stored; its details list the others."""
    faults = list(islice(reading.ledger.integrity(programme, reading.log_keys), FAULTS_AT_MOST))
    if faults:
        error = faults[0].error()
        error.details["faults"] = [str(fault) for fault in faults]
        if len(faults) > 1:
            error.message = f"{error.message} (and {len(faults) - 1} more)"
        raise error


def whole_records(reading: Reading, head: Head, size: int) -> int:
    """The size with what settled because of its last record: a record and its settlements are replayed together."""
    for stored in reading.ledger.read(head.programme, size, head.size, with_openings=False):
        if decode_entry(stored.entry).of is None:
            break
        size += 1
    return size


def replay_of(reading: Reading, head: Head) -> Replay:
    """A replay of this log that has begun with nothing. Raises Unavailable without a key of the office."""
    erasures = Erasures(reading.ledger, head.programme)
    return Replay(head.programme, head.origin, reading.deployment(), reading.ledger.attribution, hidden=erasures.look)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a replay found, the decisions of the log that it could make again, and how the log stood at its end."""

    report: Report
    decisions: list[Recorded]
    stand: Stand


def replay_with_decisions(reading: Reading, head: Head) -> Gathered:
    """Replays the whole log up to its first difference, and gathers its decisions to the end. Raises Tampered where it
    contradicts itself or its checkpoints.
    """
    check_integrity(reading, head.programme)
    replay, decisions, is_same = replay_of(reading, head), Decisions(), True
    for stored in reading.ledger.read(head.programme, 0, head.size):
        decisions.saw(stored.entry, decode_entry(stored.entry), stored.opening)
        if is_same:  # After a difference what follows is no finding any more: it rests on another history.
            replay.feed(stored)
            is_same = replay.report.first_difference is None
    report = replay.finish() if is_same else replay.report
    return Gathered(report, made_again(decisions.finish(), report), decisions.stand())
