"""Erasures: which openings are gone, and the one way in which a row of openings may be deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ERASED = (
    'SELECT 1 FROM erasures e WHERE e.log_id = OLD.log_id AND (e."index" = OLD."index" OR e.settled = OLD."index")'
)
_CHANGED = (
    'OLD."by" IS NOT NULL OR NEW."by" IS NULL OR NEW.log_id <> OLD.log_id OR NEW."index" <> OLD."index"'
    " OR NEW.identity IS DISTINCT FROM OLD.identity"
)


def upgrade() -> None:
    op.create_table(
        "erasures",
        *(sa.Column(name, _NUMBER, primary_key=True, autoincrement=False) for name in ("log_id", "index")),
        *(sa.Column(name, _NUMBER) for name in ("settled", "by")),
        sa.Column("identity", sa.LargeBinary()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"]),
        sqlite_strict=True,
    )
    for statement in _postgresql() if op.get_bind().dialect.name == "postgresql" else _sqlite():
        op.execute(statement)


def _sqlite() -> tuple[str, ...]:
    def refused(table: str, statement: str, condition: str) -> str:
        return (
            f"CREATE TRIGGER {table}_no_{statement.lower()} BEFORE {statement} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, 'the ledger only grows: this {statement} of {table} is refused'); END"
        )

    return (
        "DROP TRIGGER openings_no_delete",
        refused("openings", "DELETE", f"NOT EXISTS ({_ERASED})"),
        refused("erasures", "UPDATE", _CHANGED.replace("IS DISTINCT FROM", "IS NOT")),
        refused("erasures", "DELETE", "TRUE"),
    )


def _postgresql() -> tuple[str, ...]:
    return (
        "DROP TRIGGER openings_no_delete ON openings",
        (
            "CREATE FUNCTION phasegate_refuse_unless_erased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NOT EXISTS ({_ERASED}) THEN "
            "RAISE EXCEPTION 'the ledger only grows: this % of % is refused', TG_OP, TG_TABLE_NAME; END IF; "
            "RETURN OLD; END $$"
        ),
        (
            "CREATE TRIGGER openings_no_delete BEFORE DELETE ON openings FOR EACH ROW "
            "EXECUTE FUNCTION phasegate_refuse_unless_erased()"
        ),
        (
            f"CREATE TRIGGER erasures_no_update BEFORE UPDATE ON erasures FOR EACH ROW WHEN ({_CHANGED}) "
            "EXECUTE FUNCTION phasegate_refuse()"
        ),
        "CREATE TRIGGER erasures_no_delete BEFORE DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION phasegate_refuse()",
        (
            "CREATE TRIGGER erasures_no_truncate BEFORE TRUNCATE ON erasures "
            "FOR EACH STATEMENT EXECUTE FUNCTION phasegate_refuse()"
        ),
    )
