"""What goes into the ledger, what comes out of it, and what is found wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from events.entry import Opening, ReceivedBy, Verdict
from events.errors import Tampered


@dataclass(slots=True)
class NewEntry:
    """One entry to append, as `events.entry.Entry` without its index, and what stays private. The ledger gives it its
    place, commits to its opening and writes its bytes: columns, bytes and tree cannot disagree. `opening` stands
    exactly on first entries, `commitment` exactly on settlements (`of` given): that of the entry they cite. `detail`
    explains a verdict to those who may see the record. What is known to be `erased` is committed to, and never kept.
    """

    topic: str
    partition: int
    offset: int
    received_ms: int
    received_by: ReceivedBy
    verdict: Verdict
    type: str | None
    reason: str | None
    opening: Opening | None
    detail: str | None = None
    of: int | None = None
    commitment: str | None = None
    is_erased: bool = False


@dataclass(frozen=True, slots=True)
class Erasing:
    """That the entry at index `by` erases the record at this position."""

    topic: str
    partition: int
    offset: int
    by: int


@dataclass(frozen=True, slots=True)
class Erased:
    """A first entry without its opening: what erased it (None: not recorded yet), and the hash of the identity of an
    accepted one.
    """

    index: int
    by: int | None
    identity: bytes | None


@dataclass(frozen=True, slots=True)
class LogAppend:
    """Entries for one programme's log, which must have `expected_size` entries now (0: it is created), and what they
    erase: openings are deleted in the same transaction.
    """

    programme: str
    origin: str
    expected_size: int
    entries: Sequence[NewEntry]
    erasing: Sequence[Erasing] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction appends. `positions`: (topic, partition) -> (next offset now, next offset afterwards); each
    partition with a first entry here is named, and its new offset is one past the last of them.
    """

    logs: Sequence[LogAppend]
    positions: Mapping[tuple[str, int], tuple[int, int]]


@dataclass(slots=True)
class Stored:
    """An entry read back. `opening` is None on settlements, and when openings were not asked for."""

    index: int
    entry: bytes
    opening: Opening | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands. `stack` is its frontier."""

    programme: str
    origin: str
    size: int
    stack: tuple[bytes, ...]


@dataclass(slots=True)
class StoredRecord:
    """The first entry of a record, which log it is in, and the entry that settled it later, if any did."""

    programme: str
    index: int
    offset: int
    entry: bytes
    opening: Opening | None
    settlement: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a ledger is, at one moment: the size of each log, and the next offset of each (topic, partition)."""

    sizes: Mapping[str, int]
    positions: Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint that was signed, as the note that was or may have been published."""

    size: int
    note: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a log of that size and root was folded to, by a build of that fingerprint; whether the row is as it was written."""

    size: int
    root: bytes
    build: bytes
    folded: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Keeping:
    """A snapshot that is to be kept: the bytes of a row, the parts beside it that are new, and the names of all its parts."""

    build: bytes
    folded: bytes
    parts: Mapping[bytes, bytes] = field(default_factory=dict)
    names: Collection[bytes] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """The bus that a ledger records."""

    prefix: str
    partitions: int
    clock: str
    cluster_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One contradiction in the database: where, and both values."""

    table: str
    key: str
    column: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.table}[{self.key}].{self.column}: expected {self.expected}, found {self.found}"

    def error(self) -> Tampered:
        """The fault as an error, for callers that stop at the first."""
        return Tampered(
            str(self), hint="keep a copy of the database as evidence; compare it with a bundle or a backup",
            table=self.table, key=self.key, column=self.column, expected=self.expected, found=self.found,
        )  # fmt: skip
