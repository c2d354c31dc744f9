"""Snapshots of folded logs as the rest of phasegate uses them: a part of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from infra.ledger import snapshot_parts, snapshots
from infra.ledger.rows import Keeping, Snapshot


class SnapshotStore:
    """What logs were folded to, in the database of a ledger: a cache (docs/decisions/0031)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep_snapshot(self, programme: str, size: int, keeping: Keeping) -> bool:
        """Keeps what the whole log was folded to, as a cache, if it may. Raises Conflict unless the log has that size."""
        return snapshots.keep(self._engine, programme, size, keeping)

    def snapshot_parts(self, programme: str, names: Sequence[bytes]) -> list[bytes]:
        """Parts of what is kept so, as they were written. Raises Conflict where one is not."""
        return snapshot_parts.read_parts(self._engine, programme, names)

    def snapshot(self, programme: str) -> Snapshot | None:
        """What is kept so, if anything is: not to be used before it was asked whether it fits."""
        return snapshots.find(self._engine, programme)

    def fits(self, programme: str, snapshot: Snapshot) -> bool:
        """The log begins with the entries that were folded."""
        return snapshots.is_of_log(self._engine, programme, snapshot)
