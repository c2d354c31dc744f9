"""The way from many requests to the broker: one thread that publishes for all of them.

A publisher belongs to one thread, and an acknowledgement takes as long for one message as for a hundred. So what came in
while the thread waited goes out together. The receipts of all that the broker acknowledged are kept in one transaction
before anybody is told: whoever has a receipt can ask for what became of it.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from secrets import token_urlsafe

import structlog

from events.bus import Bus, Message, Publisher, Stamped
from events.errors import PhasegateError, Refused, Unavailable
from events.http_binding import Carried
from events.receipt import Receipt, receipt_of, receipt_text
from infra.api_key import hashed
from infra.keys import SigningKey
from infra.ledger import Given, IntakeStore

log = structlog.get_logger("phasegate.intake")

WAITING_MAX = 1000
"""Requests in the queue. More are told at once that they should come later."""
TOGETHER_MAX = 200
REST_S = 2.0
"""After a failure nobody waits for the broker for so long: it is told what the last one was told."""


@dataclass(frozen=True, slots=True)
class Receipted:
    """A receipt, the token with which anybody may ask for what became of the record, and the note that the intake signed."""

    receipt: Receipt
    token: str
    note: bytes | None


@dataclass(frozen=True, slots=True)
class _Job:
    carried: Sequence[Carried]
    messages: Sequence[Message]
    api_key: str
    done: Future[list[Receipted]]


@dataclass(slots=True)
class Outlet:
    """`open_bus` is called anew after each failure, in the outlet's own thread. `origin` names the logs."""

    open_bus: Callable[[], Bus]
    store: IntakeStore
    origin: str
    key: SigningKey | None
    _jobs: queue.Queue[_Job | None] = field(default_factory=lambda: queue.Queue(WAITING_MAX))
    _bus: Bus | None = None
    _publisher: Publisher | None = None
    _failed: Unavailable | None = None
    _failed_at: float = 0.0
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)
        self._thread.start()

    def send(self, carried: Sequence[Carried], messages: Sequence[Message], api_key: str) -> Future[list[Receipted]]:
        """Settled with the receipts, in the order given, when the broker has all. Fails with Unavailable: then it is open
        which the broker has, and the same may be sent again. Raises Unavailable when too many wait already.
        """
        done: Future[list[Receipted]] = Future()
        try:
            self._jobs.put_nowait(_Job(carried, messages, api_key, done))
        except queue.Full:
            raise Unavailable(f"{WAITING_MAX} requests wait for the broker", hint="send it again later") from None
        return done

    @property
    def failure(self) -> Unavailable | None:
        """Why nothing goes out; None as far as is known."""
        return self._failed

    def close(self) -> None:
        """Sends what waits, and ends."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        ends = False
        while not ends:
            jobs, ends = self._next()
            if jobs:
                self._settle(jobs)
        self._drop()

    def _next(self) -> tuple[list[_Job], bool]:
        """What waits by now, at least one; and whether that was the last."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == TOGETHER_MAX or self._jobs.empty():
                return jobs, False
            job = self._jobs.get()
        return jobs, True

    def _settle(self, jobs: Sequence[_Job]) -> None:
        # Whoever went away before its turn sends nothing; from here on nobody can go away.
        jobs = [job for job in jobs if job.done.running() or job.done.set_running_or_notify_cancel()]
        if self._failed is not None and time.monotonic() < self._failed_at + REST_S:
            _fail(jobs, self._failed)
            return
        try:
            found = self._send(jobs)
        except Refused as error:
            # One message that can never be stored must not take the others with it.
            if len(jobs) == 1:
                _fail(jobs, error)
            else:
                for job in jobs:
                    self._settle([job])
        except PhasegateError as error:
            self._note_failure(error)
            _fail(jobs, error)
        except Exception as error:  # noqa: BLE001 - reported, with its trace kept
            # A defect: everybody is told, and the next one is tried afresh.
            log.error("outlet-failed", trace=traceback.format_exc())  # noqa: TRY400 - no values of variables in it
            self._drop()
            _fail(jobs, error)
        else:
            self._failed = None
            for job, receipts in zip(jobs, found, strict=True):
                job.done.set_result(receipts)

    def _send(self, jobs: Sequence[_Job]) -> list[list[Receipted]]:
        stamped = iter(self._opened().publish_stamped([message for job in jobs for message in job.messages]))
        found = [[self._receipted(one, next(stamped)) for one in job.carried] for job in jobs]
        self.store.give([_given(one, job) for job, receipts in zip(jobs, found, strict=True) for one in receipts])
        return found

    def _receipted(self, carried: Carried, at: Stamped) -> Receipted:
        event = carried.event
        receipt = receipt_of(at.position, at.received_ms, event, carried.value, f"{self.origin}/{event.subject}")
        note = None if self.key is None else self.key.sign_note(receipt_text(receipt))
        return Receipted(receipt, token_urlsafe(32), note)

    def _opened(self) -> Publisher:
        if self._publisher is None:
            self._bus = self.open_bus()
            self._publisher = self._bus.publisher()
        return self._publisher

    def _note_failure(self, error: PhasegateError) -> None:
        log.warning("not-sent", error=error.message, hint=error.hint)
        self._failed = error if isinstance(error, Unavailable) else None
        self._failed_at = time.monotonic()
        self._drop()

    def _drop(self) -> None:
        """A publisher that failed is not used again."""
        publisher, bus, self._publisher, self._bus = self._publisher, self._bus, None, None
        for part in (publisher, bus):
            if part is not None:
                part.close()


def _given(one: Receipted, job: _Job) -> Given:
    receipt = one.receipt
    return Given(receipt.position, job.api_key, hashed(one.token), bytes.fromhex(receipt.sha256), receipt.received_ms)


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        job.done.set_exception(error)
