"""Parts of snapshots, which are read when they are asked for: rows that are added and deleted, and never changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "snapshot_parts",
        sa.Column("log_id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("name", sa.LargeBinary(), primary_key=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"]),
        sqlite_strict=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER snapshot_parts_no_update BEFORE UPDATE ON snapshot_parts FOR EACH ROW "
            "EXECUTE FUNCTION phasegate_refuse()"
        )
        return
    op.execute(
        "CREATE TRIGGER snapshot_parts_no_update BEFORE UPDATE ON snapshot_parts BEGIN "
        "SELECT RAISE(ABORT, 'a part of a snapshot is replaced: this UPDATE of snapshot_parts is refused'); END"
    )
