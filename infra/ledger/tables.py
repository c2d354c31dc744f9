"""The tables, as queries see them. `migrations/` creates them; a test holds the two together.

What follows from the entries' bytes is stored for queries only, and recomputed by `integrity`. Rows that hold
anything else carry a `digest`: SHA-256 over their other columns in the order given in `DIGESTED`, each as uint32
big-endian length and bytes (text in UTF-8, numbers in ASCII decimals, NULL as length 0xFFFFFFFF). It shows accidents
and clumsy hands, not somebody who recomputes it: against those stand the checkpoints that outsiders hold.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()
Number = BigInteger().with_variant(Integer(), "sqlite")

streams = Table(
    "streams",
    metadata,
    Column("id", Number, CheckConstraint("id = 1", name="streams_one_row"), primary_key=True, autoincrement=False),
    Column("prefix", Text, nullable=False),
    Column("partitions", Number, nullable=False),
    Column("clock", Text, nullable=False),
    Column("cluster_id", Text),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
logs = Table(
    "logs",
    metadata,
    Column("id", Number, primary_key=True),
    Column("programme", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("size", Number, nullable=False),
    Column("stack", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    UniqueConstraint("programme", name="logs_one_per_programme"),
    UniqueConstraint("origin", name="logs_one_per_origin"),
    sqlite_strict=True,
)
entries = Table(
    "entries",
    metadata,
    Column("log_id", Number, ForeignKey("logs.id"), primary_key=True, autoincrement=False),
    Column("index", Number, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Number, nullable=False),
    Column("offset", Number, nullable=False),
    Column("of", Number),
    Column("verdict", Text, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
Index(
    "entries_one_first_per_record",
    entries.c.topic, entries.c.partition, entries.c.offset,
    unique=True, sqlite_where=text("of IS NULL"), postgresql_where=text('"of" IS NULL'),
)  # fmt: skip
Index(
    "entries_settled_once",
    entries.c.log_id, entries.c.of,
    unique=True, sqlite_where=text("of IS NOT NULL"), postgresql_where=text('"of" IS NOT NULL'),
)  # fmt: skip
Index(
    "entries_refused",
    entries.c.log_id, entries.c.index,
    sqlite_where=text("verdict = 'refused'"), postgresql_where=text("verdict = 'refused'"),
)  # fmt: skip
openings = Table(
    "openings",
    metadata,
    Column("log_id", Number, primary_key=True, autoincrement=False),
    Column("index", Number, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary),
    Column("key", LargeBinary),
    Column("headers", LargeBinary),
    Column("value", LargeBinary),
    Column("detail", Text),
    Column("digest", LargeBinary),
    ForeignKeyConstraint(["log_id", "index"], ["entries.log_id", "entries.index"]),
    sqlite_strict=True,
)
"""What an entry's commitment opens to, and `detail`. A settlement has a row only for its detail: salt and headers are
NULL. `opening_digest` says when the digest is."""

erasures = Table(
    "erasures",
    metadata,
    Column("log_id", Number, ForeignKey("logs.id"), primary_key=True, autoincrement=False),
    Column("index", Number, primary_key=True, autoincrement=False),
    Column("settled", Number),
    Column("by", Number),
    Column("identity", LargeBinary),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""First entries whose opening was erased, with the entry that settles each, if one does, the entry that says so (NULL until
that one is there) and, of accepted ones, the hash of source and id."""

positions = Table(
    "positions",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Number, primary_key=True, autoincrement=False),
    Column("next_offset", Number, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("log_id", Number, ForeignKey("logs.id"), primary_key=True, autoincrement=False),
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("stack", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
relays = Table(
    "relays",
    metadata,
    Column("log_id", Number, ForeignKey("logs.id"), primary_key=True, autoincrement=False),
    Column("next_index", Number, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
tiles = Table(
    "tiles",
    metadata,
    Column("log_id", Number, ForeignKey("logs.id"), primary_key=True, autoincrement=False),
    Column("level", Number, primary_key=True, autoincrement=False),
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Full tiles; see `infra.ledger.tiles`. They follow from the entries."""

snapshots = Table(
    "snapshots",
    metadata,
    Column("log_id", Number, ForeignKey("logs.id"), primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("build", LargeBinary, nullable=False),
    Column("folded", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""A cache; see `infra.ledger.snapshots`."""

snapshot_parts = Table(
    "snapshot_parts",
    metadata,
    Column("log_id", Number, ForeignKey("logs.id"), primary_key=True, autoincrement=False),
    Column("name", LargeBinary, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""What the snapshot of a log has beside its row, each named by what it says."""

DIGESTED = {
    "streams": ("id", "prefix", "partitions", "clock", "cluster_id"),
    "logs": ("programme", "origin", "size", "stack"),
    "openings": ("log_id", "index", "salt", "key", "headers", "value", "detail"),
    "erasures": ("log_id", "index", "settled", "by", "identity"),
    "positions": ("topic", "partition", "next_offset"),
    "checkpoints": ("log_id", "size", "note", "stack"),
    "relays": ("log_id", "next_index"),
    "snapshots": ("log_id", "size", "root", "build", "folded"),
}
"""The columns under each table's digest, in order. A log's id is not known before its row; its entries show it."""

_LENGTH = struct.Struct(">I").pack


def digest(*columns: int | str | bytes | None) -> bytes:
    """The digest of a row, from its columns in the order of `DIGESTED`."""
    parts: list[bytes] = []
    for value in columns:
        if value is None:
            parts.append(b"\xff\xff\xff\xff")
            continue
        data = value if type(value) is bytes else str(value).encode()
        parts += (_LENGTH(len(data)), data)
    return sha256(b"".join(parts)).digest()


def opening_digest(row: tuple[Any, ...]) -> bytes | None:
    """The digest of a row of openings, NULL when the entry's commitment covers all that it holds: a value, no detail.
    (An absent value has the commitment of FF FF FF FF, and a detail none.)
    """
    return None if row[5] is not None and row[6] is None else digest(*row)
