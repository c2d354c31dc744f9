"""The recorder as a service: for as long as it is wanted, through whatever of its surroundings goes away for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from events.errors import Conflict, Unavailable
from events.record import Record
from flows.judging import Growth
from flows.lag import behind
from flows.lines import tell_recorded
from flows.recorder import Recorder
from flows.wiring import Parts
from infra.services.notify import ready

log = structlog.get_logger("phasegate.record")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
LINE_EVERY_S = 10.0
POLL_S = 0.2


@dataclass(slots=True)
class Service:
    """Records until `stop` is set: finishes its transaction, signs, leaves the group. `open_parts` opens the real parts
    anew after each failure; Tampered and Refused are not survived.
    """

    open_parts: Callable[[], Parts]
    stop: threading.Event
    count: Callable[[Sequence[Record]], None] = lambda _records: None
    """Told of each batch once it is committed: for whoever counts how long that took."""

    tell_each: bool = False
    """Whether a line is logged for each entry, and not only for what was refused or decided."""

    records: int = 0
    _pause_s: float = FIRST_PAUSE_S
    _line_at: float = field(default_factory=time.monotonic)
    _line_records: int = 0

    def run(self) -> None:
        """Until it is stopped. The first opening is not tried again: what fails there is a setting more often than not."""
        parts: Parts | None = self.open_parts()
        while parts is not None:
            try:
                self._record(parts)
            except (Unavailable, Conflict) as error:
                log.warning("interrupted", error=error.message, hint=error.hint, again_in_s=self._pause_s)
            finally:
                parts.close()
            parts = self._reopened()

    def _reopened(self) -> Parts | None:
        """The parts once they are there again; None when stopped before."""
        while not self.stop.wait(self._pause_s):
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            try:
                return self.open_parts()
            except (Unavailable, Conflict) as error:
                log.warning("still-unavailable", error=error.message, hint=error.hint, again_in_s=self._pause_s)
        return None

    def _record(self, parts: Parts) -> None:
        recorder = self._recorder(parts)
        ready()
        log.info("recording", prefix=parts.bus.prefix, partitions=parts.bus.partitions, origin=parts.origin)
        try:
            while not self.stop.is_set():
                self._step(recorder)
                self._tell(parts)
            recorder.settle_up()
        finally:
            recorder.close()
        log.info("stopped", records=self.records)

    def _recorder(self, parts: Parts) -> Recorder:
        recorder = parts.recorder()
        recorder.committed = self._committed
        return recorder

    def _committed(self, records: Sequence[Record], growths: Mapping[str, Growth]) -> None:
        self.count(records)
        tell_recorded(growths, each=self.tell_each)

    def _step(self, recorder: Recorder) -> int:
        count = recorder.step(POLL_S)
        if count:
            self.records += count
            self._pause_s = FIRST_PAUSE_S
        return count

    def once(self) -> None:
        """Records what the bus holds now, and returns."""
        parts = self.open_parts()
        try:
            recorder = self._recorder(parts)
            ends = parts.bus.ends()
            try:
                while not self.stop.is_set() and (self._step(recorder) or behind(parts.bus, parts.ledger, ends)):
                    self._tell(parts)
                recorder.settle_up()
            finally:
                recorder.close()
        finally:
            parts.close()

    def _tell(self, parts: Parts) -> None:
        """A line of progress now and then."""
        since_s = time.monotonic() - self._line_at
        if since_s < LINE_EVERY_S:
            return
        rate = round((self.records - self._line_records) / since_s, 1)
        log.info("progress", records=self.records, per_second=rate, lag=_lag(parts))
        self._line_at, self._line_records = time.monotonic(), self.records


def _lag(parts: Parts) -> int | None:
    """Records that are not recorded yet; None when the broker does not say. The consumer outlives a broker that comes
    back, and a new one would have to wait until the group has given up its predecessor: so this interrupts nothing.
    """
    try:
        ends = parts.bus.ends()
    except Unavailable as error:
        log.warning("lag-unknown", error=error.message, hint=error.hint)
        return None
    positions = parts.ledger.positions(ends)
    return sum(end - positions[place] for place, end in ends.items())
