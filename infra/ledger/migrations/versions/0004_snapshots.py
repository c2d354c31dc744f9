"""Snapshots of folded logs: a cache, of which rows are replaced and deleted, and never changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("log_id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("size", _NUMBER, nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("root", "build", "folded", "digest")),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"]),
        sqlite_strict=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER snapshots_no_update BEFORE UPDATE ON snapshots FOR EACH ROW "
            "EXECUTE FUNCTION phasegate_refuse()"
        )
        return
    op.execute(
        "CREATE TRIGGER snapshots_no_update BEFORE UPDATE ON snapshots BEGIN "
        "SELECT RAISE(ABORT, 'a snapshot is replaced: this UPDATE of snapshots is refused'); END"
    )
