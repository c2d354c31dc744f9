"""How drafts get into the ledger: as new entries, a batch at a time, while the recorder judges the next batch."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from events.entry import SALT_BYTES, Opening, encode_headers
from events.envelope import decode_accepted
from events.record import Record
from handlers.places import place_of
from handlers.recording import WRITTEN, Draft, detail_of, reason_of
from handlers.verdicts import Accepted
from infra.ledger import Batch, Erasing, Ledger, NewEntry

_ERASURE = "phasegate.record.erased.v1"


def opening_of(record: Record) -> Opening:
    """What a record's entry commits to, under a new salt."""
    return Opening(os.urandom(SALT_BYTES), record.key, encode_headers(record.headers), record.value)


def new_entry(draft: Draft, opening: Opening | None, commitment: str | None, *, is_erased: bool = False) -> NewEntry:
    """What the ledger appends for a draft: with its opening, or with the commitment of the entry that it settles. Of a record
    that is known to be erased the commitment alone is kept.
    """
    record = draft.record
    return NewEntry(
        record.topic, record.partition, record.offset, record.received_ms, record.received_by,
        WRITTEN[type(draft.verdict)], draft.type, reason_of(draft), opening, detail_of(draft), draft.of, commitment,
        is_erased,
    )  # fmt: skip


def erasing_of(draft: Draft) -> list[Erasing]:
    """What the ledger deletes with a draft: the records that an accepted erasure names."""
    if draft.type != _ERASURE or not isinstance(draft.verdict, Accepted):
        return []
    rows = decode_accepted(draft.record.value or b"").data["records"]
    return [Erasing(*place_of(row), by=draft.index) for row in rows]


class Appending:
    """Appends in a thread of its own, one batch after the other: the database works and syncs without the interpreter's
    lock. A batch is begun only when the one before is committed, so a crash leaves a prefix of what was judged.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._thread = ThreadPoolExecutor(1, "phasegate-ledger")
        self._under_way: Future[None] | None = None
        self._beside: Future[None] | None = None

    def begin(self, batch: Batch) -> None:
        """Starts to append. The batch before must be finished."""
        assert self._under_way is None  # Or what the batch before raised would go unheard.
        self._under_way = self._thread.submit(self._ledger.append, batch)

    @property
    def is_free(self) -> bool:
        """Nothing is being done beside."""
        return self._beside is None or self._beside.done()

    def beside(self, work: Callable[[], None]) -> None:
        """Starts to do something else with the ledger, before the next batch is begun. What was done so before must be
        finished; raises what that raised.
        """
        before, self._beside = self._beside, self._thread.submit(work)
        if before is not None:
            before.result()

    def finish(self) -> None:
        """Returns when the batch under way, if any, is committed. Raises what `Ledger.append` raised."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def settle(self) -> None:
        """Returns when nothing is being written. `finish` still tells how it went."""
        if self._under_way is not None:
            wait([self._under_way])

    def drop(self) -> None:
        """Returns when nothing is being written, whichever way it went: the caller reads the ledger again."""
        self.settle()
        self._under_way = None

    def close(self) -> None:
        self._thread.shutdown()
        if self._beside is not None:
            self._beside.result()
