"""The tables of the HTTP intake: apart from the logs, and no evidence of anything."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, Text

from infra.ledger.tables import Number, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("scope", Text, nullable=False),
    Column("per_minute", Number, nullable=False),
    Column("burst", Number, nullable=False),
    Column("created_ms", Number, nullable=False),
    Column("expires_ms", Number),
    sqlite_strict=True,
)
"""`id` is the public half of a key; of its secret only the hash is here. `scope` is the JSON of `infra.api_key.Scope`."""

api_key_revocations = Table(
    "api_key_revocations",
    metadata,
    Column("id", Text, ForeignKey("api_keys.id"), primary_key=True),
    Column("revoked_ms", Number, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_strict=True,
)
receipts = Table(
    "receipts",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Number, primary_key=True, autoincrement=False),
    Column("offset", Number, primary_key=True, autoincrement=False),
    Column("api_key", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("received_ms", Number, nullable=False),
    sqlite_strict=True,
)
"""Which key sent the record at a position, who else may ask for it (`token_sha256`), and the hash of its value."""
