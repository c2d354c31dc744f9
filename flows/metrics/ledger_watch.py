"""How long the logs are and how far they are signed: one statement a look, and a line of a log that is not signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric

from flows.metrics.families import family, seconds_since
from flows.unsigned import unsigned_since
from infra.ledger import Extent, Ledger

Seen = Mapping[str, tuple[Extent, int | None]]
"""Of each log its extent, and the receipt of the first record that is not signed (Unix milliseconds)."""


class LedgerWatch:
    """`look` is called from one thread; `families` from any."""

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self._seen: Seen = {}
        self._in_seconds = True

    def look(self) -> None:
        """Raises Unavailable."""
        ledger, before = self._ledger(), self._seen
        stream = ledger.stream()
        self._in_seconds = stream is None or stream.clock == "broker"
        self._seen = {
            extent.programme: (extent, self._unsigned_since(ledger, extent, before.get(extent.programme)))
            for extent in ledger.extents()
        }

    def _unsigned_since(self, ledger: Ledger, now: Extent, before: tuple[Extent, int | None] | None) -> int | None:
        """Looked up again only when a checkpoint was signed."""
        if now.signed >= now.size:
            return None
        if before is not None and before[0].signed == now.signed and before[1] is not None:
            return before[1]
        return unsigned_since(ledger, now.programme, now.signed, now.size)

    def families(self, now_ms: int) -> Iterator[Metric]:
        """In scenario time receipts are nobody's clock: then no age is told."""
        seen = self._seen
        yield family("phasegate_log_size", {(name,): extent.size for name, (extent, _) in seen.items()})
        behind = {(name,): extent.size - extent.signed for name, (extent, _) in seen.items()}
        yield family("phasegate_checkpoint_behind_entries", behind)
        timed = seen if self._in_seconds else {}
        ages = {(name,): seconds_since(since_ms, now_ms) for name, (_, since_ms) in timed.items()}
        yield family("phasegate_checkpoint_age_seconds", ages)
