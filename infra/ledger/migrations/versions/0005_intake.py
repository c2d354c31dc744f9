"""API keys of the HTTP intake with their revocations, and what it gave receipts for. None of it is part of a log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FROZEN = (
    ("api_keys", "UPDATE"),
    ("api_keys", "DELETE"),
    ("api_key_revocations", "UPDATE"),
    ("api_key_revocations", "DELETE"),
    ("receipts", "UPDATE"),
)
"""A key is never changed, only revoked, and a revocation stays. Receipts may be deleted once nobody asks for them."""


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _NUMBER, primary_key=key, autoincrement=False, nullable=null)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "api_keys",
        _text("id", key=True), _text("label"), _bytes("secret_sha256"), _text("scope"), _number("per_minute"),
        _number("burst"), _number("created_ms"), _number("expires_ms", null=True),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "api_key_revocations",
        _text("id", key=True), _number("revoked_ms"), _text("reason"),
        sa.ForeignKeyConstraint(["id"], ["api_keys.id"]),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "receipts",
        _text("topic", key=True), _number("partition", key=True), _number("offset", key=True), _text("api_key"),
        _bytes("token_sha256"), _bytes("sha256"), _number("received_ms"),
        sqlite_strict=True,
    )  # fmt: skip
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, statement in _FROZEN:
        op.execute(_postgresql(table, statement) if is_postgresql else _sqlite(table, statement))


def _sqlite(table: str, statement: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{statement.lower()} BEFORE {statement} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'this {statement} of {table} is refused'); END"
    )


def _postgresql(table: str, statement: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{statement.lower()} BEFORE {statement} ON {table} FOR EACH ROW "
        "EXECUTE FUNCTION phasegate_refuse()"
    )
