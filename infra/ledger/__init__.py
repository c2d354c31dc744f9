"""The ledger: one append-only, Merkle-hashed log per programme, in SQLite or PostgreSQL."""

from infra.ledger.intake_store import Given, IntakeStore
from infra.ledger.ledger import Ledger
from infra.ledger.overview import Extent
from infra.ledger.rows import (
    Batch,
    Erased,
    Erasing,
    Fault,
    Head,
    Keeping,
    LogAppend,
    NewEntry,
    Snapshot,
    Standing,
    Stored,
    StoredCheckpoint,
    StoredRecord,
    Stream,
)

__all__ = [
    "Batch",
    "Erased",
    "Erasing",
    "Extent",
    "Fault",
    "Given",
    "Head",
    "IntakeStore",
    "Keeping",
    "Ledger",
    "LogAppend",
    "NewEntry",
    "Snapshot",
    "Standing",
    "Stored",
    "StoredCheckpoint",
    "StoredRecord",
    "Stream",
]
