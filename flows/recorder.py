"""The recorder: the ledger's only writer. Everything that Kafka delivers becomes an entry, exactly once.

Entries, tree state and Kafka positions go into one database transaction (`Ledger.append`), and both log heads and positions
move by compare-and-swap. So a crash at any line loses nothing and doubles nothing: what was not committed is read again
from the ledger's own positions, and a recorder that was overtaken gets Conflict, forgets what it cached, and reads again.
See tests/e2e/test_recorder_crash.py.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import structlog

from events.bus import Bus
from events.entry import SALT_BYTES, Opening, commitment, decode_entry, encode_headers
from events.errors import Conflict, PhasegateError
from events.record import Record, partition_for
from flows.relay import Relay
from handlers.fold import Folder
from handlers.judge import Deployment, log_of
from handlers.recording import WRITTEN, Draft, detail_of, reason_of, record_one
from handlers.state import State
from infra.keys import SigningKey
from infra.ledger import Batch, Ledger, LogAppend, NewEntry

GROUP = "phasegate-recorder"
BATCH_MAX = 2000
"""Records per transaction at most: bounds memory and the work that a crash repeats."""

LOGS_MAX = 256
"""Programmes kept folded in memory; one that is not comes back from the ledger when its next record arrives."""

log = structlog.get_logger("phasegate.recorder")


@dataclass(slots=True)
class OpenLog:
    """A log as this recorder last wrote it: what is known, and the commitments of what pends."""

    origin: str
    state: State
    commitments: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Growth:
    """What one batch adds to one log."""

    expected_size: int
    entries: list[NewEntry] = field(default_factory=list)
    decided: bool = False
    refused: bool = False


def opening_of(record: Record) -> Opening:
    """What a record's entry commits to, under a new salt."""
    return Opening(os.urandom(SALT_BYTES), record.key, encode_headers(record.headers), record.value)


def new_entry(draft: Draft, opening: Opening | None, commitment: str | None) -> NewEntry:
    """What the ledger appends for a draft: with its opening, or with the commitment of the entry that it settles."""
    record = draft.record
    return NewEntry(
        record.topic, record.partition, record.offset, record.received_ms, record.received_by,
        WRITTEN[type(draft.verdict)], draft.type, reason_of(draft), opening, detail_of(draft), draft.of, commitment,
    )  # fmt: skip


class Recorder:
    """One member of the recorder's group. `step` is one transaction; call it from one thread."""

    def __init__(self, bus: Bus, ledger: Ledger, deployment: Deployment, origin: str, log_key: SigningKey) -> None:
        self._ledger = ledger
        self._deployment = deployment
        self._origin = origin
        self._log_key = log_key
        self._logs: dict[str, OpenLog] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._recorded: dict[tuple[str, int], int] = {}
        self._unsigned: set[str] = set()
        self._taken_over: set[int] = set()
        self._relay = Relay(bus, ledger, GROUP)
        self._intake = bus.intake(GROUP, self._start, self._revoked)
        self.observe: Callable[[Record, str], None] = lambda _record, _verdict: None

    def _start(self, assigned: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        positions = dict.fromkeys(assigned, 0) | dict(self._ledger.positions(assigned))
        self._next.update(positions)
        self._recorded.update(positions)
        self._taken_over |= {partition for _, partition in assigned}
        return positions

    def _revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        self.forget()
        for tp in partitions:
            self._next.pop(tp, None)

    def forget(self) -> None:
        """Drops everything cached; the ledger has it."""
        self._logs.clear()

    def step(self, timeout_s: float = 0.1) -> int:
        """Records what has come in, in one transaction. Returns how many records that were; 0 when none came in time."""
        records = [r for r in self._intake.poll(timeout_s, BATCH_MAX) if self._is_next(r)]
        if not records:
            self.settle_up()
            return 0
        try:
            growth = self._judge(records)
            self._append(records, growth)
        except Conflict as conflict:
            log.warning("overtaken", message=conflict.message)
            self.forget()
            self._intake.rewind()
            return 0
        except BaseException:
            self.forget()  # The cached states have moved on; the ledger has not.
            raise
        self._after(growth)
        return len(records)

    def _is_next(self, record: Record) -> bool:
        """False for a record behind the ledger's position: it is delivered again, and recorded already."""
        tp = (record.topic, record.partition)
        if record.offset < self._next.get(tp, 0):
            return False
        self._next[tp] = record.offset + 1
        return True

    def _judge(self, records: list[Record]) -> dict[str, _Growth]:
        growths: dict[str, _Growth] = {}
        for record in records:
            key = log_of(record)
            opened = self._logs.get(key) or self._open(key)
            growth = growths.get(key)
            if growth is None:
                growth = growths[key] = _Growth(opened.state.size)
            for draft in record_one(opened.state, record, self._deployment):
                self._grow(opened, growth, draft)
        return growths

    def _grow(self, opened: OpenLog, growth: _Growth, draft: Draft) -> None:
        record = draft.record
        if draft.of is None:
            new = new_entry(draft, opening_of(record), None)
            if new.verdict == "pending":
                assert new.opening is not None
                opened.commitments[draft.index] = commitment(new.opening)
        else:
            new = new_entry(draft, None, opened.commitments.pop(draft.of))
        growth.entries.append(new)
        growth.decided |= record.topic == "decisions" and new.verdict == "accepted"
        growth.refused |= new.verdict == "refused"
        self.observe(record, new.verdict)

    def _open(self, key: str) -> OpenLog:
        """A log folded from the ledger; a new one where the ledger has none."""
        folder = Folder(key, judging=True)
        if self._ledger.head(key) is not None:
            for stored in self._ledger.read(key):
                folder.apply(stored)
        state = folder.finish(self._deployment)
        commitments = {index: self._commitment(key, index) for index in state.waiting}
        self._logs[key] = opened = OpenLog(f"{self._origin}/{key}", state, commitments)
        return opened

    def _commitment(self, key: str, index: int) -> str:
        stored = next(iter(self._ledger.read(key, index, index + 1)))
        return decode_entry(stored.entry).commitment

    def _append(self, records: list[Record], growths: dict[str, _Growth]) -> None:
        touched = {(record.topic, record.partition) for record in records}
        positions = {tp: (self._recorded.get(tp, 0), self._next[tp]) for tp in touched}
        logs = [
            LogAppend(key, self._logs[key].origin, growth.expected_size, growth.entries)
            for key, growth in growths.items()
        ]
        self._ledger.append(Batch(logs, positions))
        self._recorded.update({tp: after for tp, (_, after) in positions.items()})

    def _after(self, growths: dict[str, _Growth]) -> None:
        self._intake.commit(dict(self._recorded))
        for key in list(self._logs)[: max(0, len(self._logs) - LOGS_MAX)]:
            del self._logs[key]
        self._unsigned |= growths.keys()
        for key, growth in growths.items():
            if growth.decided:
                self._sign(key)
        self._relay_letters([key for key, growth in growths.items() if growth.refused])

    def _partition(self, key: str) -> int:
        """The partition that a log's records travel in; an unrouted log is named by it."""
        _, _, number = key.rpartition("/")
        return int(number) if number != key else partition_for(key.encode(), self._deployment.partitions)

    def _relay_letters(self, keys: list[str]) -> None:
        """Relays what was refused in these logs; what another recorder is relaying at this moment is looked at again."""
        try:
            self._relay.run(keys)
        except Conflict as conflict:
            log.warning("relayed by another", message=conflict.message)
            self._taken_over |= {self._partition(key) for key in keys}

    def _sign(self, key: str) -> None:
        """After a rebalance the log may be another's, who signs it too: then this is tried again at the next pause."""
        try:
            self._ledger.sign(key, self._log_key.named(f"{self._origin}/{key}"))
        except Conflict as conflict:
            log.warning("signed by another", message=conflict.message)
            return
        self._unsigned.discard(key)

    def settle_up(self) -> None:
        """Signs what has grown, at a pause and before stopping; of partitions just taken over also signs and relays what
        their last recorder did not come to before it was killed.
        """
        if self._taken_over:
            taken, self._taken_over = self._taken_over, set()
            keys = [head.programme for head in self._ledger.heads() if self._partition(head.programme) in taken]
            self._relay_letters(keys)
            self._unsigned.update(keys)
        for key in sorted(self._unsigned):
            self._sign(key)

    def run(self, stop: threading.Event) -> None:
        """Records until `stop` is set. Whatever cannot be recorded stops it at its position; nothing is skipped."""
        try:
            while not stop.is_set():
                self.step()
            self.settle_up()
        except PhasegateError as error:
            log.error("stopped", error=error.message, hint=error.hint)  # noqa: TRY400 - raised again, with its trace
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Leaves the group. The ledger and the bus stay open: they are the caller's."""
        self._relay.close()
        self._intake.close()
