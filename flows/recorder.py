"""The recorder: the ledger's only writer. Everything that Kafka delivers becomes an entry, exactly once.

Entries, tree state and Kafka positions of a batch go into one database transaction (`Ledger.append`), and both log heads
and positions move by compare-and-swap. The next batch is judged meanwhile, but never written before it. So a crash at any
line loses nothing and doubles nothing: what was not committed is read again from the ledger's own positions, and a recorder
that was overtaken gets Conflict, forgets what it cached, and reads again. See tests/e2e/test_recorder_crash.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import structlog

from events.bus import Bus
from events.errors import Conflict, PhasegateError
from events.origins import is_rebuilt
from events.record import Record
from flows.appending import Appending
from flows.judging import Growth, Judged, judge
from flows.log_signer import LogSigner
from flows.open_logs import LookUp, OpenLogs, partition_of
from flows.relay import Relay
from flows.snapshots import Snapshots
from flows.to_sign import ToSign
from handlers.judge import Deployment
from infra.keys import SigningKey
from infra.ledger import Batch, Ledger, LogAppend

GROUP = "phasegate-recorder"
BATCH_MAX = 2000
"""Records per transaction at most: bounds memory and the work that a crash repeats."""

BURST = 8
"""Batches per step at most: between steps checkpoints are signed, letters relayed, and the caller is asked whether to stop."""

log = structlog.get_logger("phasegate.recorder")


Committed = Callable[[Sequence[Record], Mapping[str, Growth]], None]
"""Told of each batch that was committed, and of what it added to each log."""


class Recorder:
    """One member of the recorder's group. Call it from one thread; another writes what it has judged. Without a key of the
    log it signs and relays nothing: what is recorded again was both already.
    """

    known_erased: Collection[tuple[str, int, int]] = frozenset()

    def __init__(
        self, bus: Bus, ledger: Ledger, deployment: Deployment, origin: str, log_key: SigningKey | None
    ) -> None:
        self._ledger = ledger
        self._deployment = deployment
        self.signer = LogSigner(ledger, origin, log_key)
        self._logs = OpenLogs(ledger, deployment, origin, None if log_key is None else Snapshots(ledger))
        self._next: dict[tuple[str, int], int] = {}
        self._recorded: dict[tuple[str, int], int] = {}
        self._to_sign = ToSign(self.signer)
        self._taken_over: set[int] = set()
        self._decided: set[str] = set()
        self._refused: set[str] = set()
        self._under_way: tuple[list[Record], dict[str, Growth]] = ([], {})
        self._is_stale = False
        self._appending = Appending(ledger)
        group = f"{GROUP}-{origin.rpartition('/')[2]}" if is_rebuilt(origin) else GROUP  # beside that of the old ledger
        self._relay = Relay(bus, ledger, group)
        self._intake = bus.intake(group, self._start, self._revoked)
        self.observe: Callable[[Record, str], None] = lambda _record, _verdict: None
        self.committed: Committed = lambda _records, _growths: None

    def never_keep(self, erased: Collection[tuple[str, int, int]], look_up: LookUp) -> None:
        """Records (topic, partition, offset) that a later one is known to erase: they are judged, and never kept. Until then
        `look_up` knows what they hold.
        """
        self.known_erased = erased
        self._logs.look_up = look_up

    def _start(self, assigned: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        self._appending.settle()  # What is being written moves the positions that are asked for.
        positions = dict.fromkeys(assigned, 0) | dict(self._ledger.positions(assigned))
        self._next.update(positions)
        self._recorded.update(positions)
        self._taken_over |= {partition for _, partition in assigned}
        return positions

    def _revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        self._appending.settle()
        self.forget()
        for tp in partitions:
            self._next.pop(tp, None)

    def forget(self) -> None:
        """Drops everything cached; the ledger has it."""
        self._logs.forget()

    def step(self, timeout_s: float = 0.1) -> int:
        """Records what has come in, and judges each batch while the one before is written. All that it has recorded is
        committed when it returns. Returns how many records that were; 0 when none came in time.
        """
        if self._is_stale:
            self._rewind()
        recorded = 0
        try:
            for polled in self._batches(timeout_s):
                records = polled
                while records:
                    judged = self._judge(records)
                    recorded += self._finish()
                    self._begin(records[: judged.count], judged.growths)
                    self._logs.kept.trim(judged.growths)
                    recorded += self._after_erasures(judged.growths)
                    records = records[judged.count :]
            recorded += self._finish()
        except Conflict as conflict:
            log.warning("overtaken", message=conflict.message)
            self._start_over()
            self._rewind()
            return recorded
        except BaseException:
            self._start_over()  # The cached states have moved on; the ledger has not.
            raise
        if recorded:
            self._after()
        else:
            self._pause()
        return recorded

    def _batches(self, timeout_s: float) -> Iterator[list[Record]]:
        """What has come in; only the first batch is waited for."""
        for number in range(BURST):
            found = self._intake.poll(0.0 if number else timeout_s, BATCH_MAX)
            if not (records := [record for record in found if self._is_next(record)]):
                return
            yield records

    def _start_over(self) -> None:
        """Forgets what the ledger may not have, when nothing is being written any more."""
        self._appending.drop()
        self._under_way = ([], {})
        self.forget()
        self._is_stale = True

    def _rewind(self) -> None:
        self._intake.rewind()
        self._is_stale = False

    def _is_next(self, record: Record) -> bool:
        """False for a record behind the ledger's position: it is delivered again, and recorded already."""
        tp = (record.topic, record.partition)
        if record.offset < self._next.get(tp, 0):
            return False
        self._next[tp] = record.offset + 1
        return True

    def _after_erasures(self, growths: Mapping[str, Growth]) -> int:
        """What comes after an erasure is judged from what the ledger still has: it is committed first, and the log opened
        again. Returns how many records that were.
        """
        erased = [key for key, growth in growths.items() if growth.erasing]
        recorded = self._finish() if erased else 0
        for key in erased:
            self._logs.forget(key)
        return recorded

    def _judge(self, records: list[Record]) -> Judged:
        return judge(records, self._logs, self._deployment, self.known_erased, self.observe)

    def _begin(self, records: list[Record], growths: dict[str, Growth]) -> None:
        ends = {(record.topic, record.partition): record.offset + 1 for record in records}
        positions = {tp: (self._recorded.get(tp, 0), end) for tp, end in ends.items()}
        logs = [
            LogAppend(key, self._logs.get(key).origin, growth.expected_size, growth.entries, growth.erasing)
            for key, growth in growths.items()
        ]
        self._appending.begin(Batch(logs, positions))
        self._under_way = (records, growths)
        self._recorded.update({tp: after for tp, (_, after) in positions.items()})

    def _finish(self) -> int:
        """Waits for the batch under way. Returns its number of records; what it added is to be signed and relayed."""
        self._appending.finish()
        (records, growths), self._under_way = self._under_way, ([], {})
        self.committed(records, growths)
        for key, growth in growths.items():
            self._to_sign.grew(key, len(growth.entries))
        self._decided |= {key for key, growth in growths.items() if growth.decided}
        self._refused |= {key for key, growth in growths.items() if growth.refused}
        return len(records)

    def _after(self) -> None:
        self._intake.commit(dict(self._recorded))
        if self.signer.key is None:
            return
        self._logs.keep(self._appending, pausing=False)
        decided, self._decided = self._decided, set()
        refused, self._refused = self._refused, set()
        self._to_sign.sign_long(decided)
        self._relay_letters(sorted(refused))

    def _relay_letters(self, keys: list[str]) -> None:
        """Relays what was refused in these logs; what another recorder is relaying at this moment is looked at again."""
        try:
            self._relay.run(keys)
        except Conflict as conflict:
            log.warning("relayed by another", message=conflict.message)
            self._taken_over |= {partition_of(key, self._deployment.partitions) for key in keys}

    def settle_up(self) -> None:
        """Signs all that has grown, before stopping; and does what the last recorder of new partitions left."""
        if self.signer.key is not None:
            self._take_over()
            self._to_sign.sign_all()
            self._logs.keep(self._appending, pausing=True)

    def _pause(self) -> None:
        """As `settle_up`, but no more than a moment allows."""
        if self.signer.key is not None:
            self._take_over()
            self._to_sign.sign_some()
            self._logs.keep(self._appending, pausing=True)

    def _take_over(self) -> None:
        if self._taken_over:
            taken, self._taken_over = self._taken_over, set()
            names, count = [head.programme for head in self._ledger.heads()], self._deployment.partitions
            keys = [name for name in names if partition_of(name, count) in taken]
            self._relay_letters(keys)
            for key in keys:
                self._to_sign.grew(key)

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
        self._appending.close()
        self._relay.close()
        self._intake.close()
