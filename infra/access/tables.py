"""The tables of accounts, sessions and the access log."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, Text

from infra.ledger.tables import Number, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text),
    Column("created_ms", Number, nullable=False),
    Column("ended_ms", Number),
    sqlite_strict=True,
)
"""`password` is an argon2id hash with its parameters; an account without one is signed in to by nobody."""

account_roles = Table(
    "account_roles",
    metadata,
    Column("account", Text, ForeignKey("accounts.name"), primary_key=True),
    Column("programme", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("who", Text),
    Column("given_ms", Number, nullable=False),
    sqlite_strict=True,
)
sessions = Table(
    "sessions",
    metadata,
    Column("id_sha256", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("roles", Text),
    Column("created_ms", Number, nullable=False),
    Column("seen_ms", Number, nullable=False),
    sqlite_strict=True,
)
"""`roles` is the JSON of what a provider's claims gave; that of a local account stands in `account_roles`."""

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state_sha256", LargeBinary, primary_key=True),
    Column("browser_sha256", LargeBinary, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("next", Text, nullable=False),
    Column("created_ms", Number, nullable=False),
    sqlite_strict=True,
)
"""Sign-ins at a provider that were begun and have not come back."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("about", Text, primary_key=True),
    Column("failures", Number, nullable=False),
    Column("last_ms", Number, nullable=False),
    sqlite_strict=True,
)
access_log = Table(
    "access_log",
    metadata,
    Column("index", Number, primary_key=True, autoincrement=False),
    Column("at_ms", Number, nullable=False),
    Column("programme", Text),
    Column("line", Text, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""`chain` is the hash of the one before and of `line`, which has everything again that the columns have."""

access_cuts = Table(
    "access_cuts",
    metadata,
    Column("index", Number, primary_key=True, autoincrement=False),
    Column("chain", LargeBinary, nullable=False),
    Column("at_ms", Number, nullable=False),
    sqlite_strict=True,
)
"""What lies before `index` was deleted at `at_ms`; `chain` is that of the last line of it."""
