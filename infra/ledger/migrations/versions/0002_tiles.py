"""Full tiles of the logs' trees, so that proofs and exports need not hash a log again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tiles",
        *(sa.Column(name, _NUMBER, primary_key=True, autoincrement=False) for name in ("log_id", "level", "number")),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"]),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        _refuse_in_postgresql()
        return
    for statement in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tiles_no_{statement.lower()} BEFORE {statement} ON tiles BEGIN "
            f"SELECT RAISE(ABORT, 'the ledger only grows: this {statement} of tiles is refused'); END"
        )


def _refuse_in_postgresql() -> None:
    for statement in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tiles_no_{statement.lower()} BEFORE {statement} ON tiles FOR EACH ROW "
            f"EXECUTE FUNCTION phasegate_refuse()"
        )
    op.execute(
        "CREATE TRIGGER tiles_no_truncate BEFORE TRUNCATE ON tiles "
        "FOR EACH STATEMENT EXECUTE FUNCTION phasegate_refuse()"
    )
