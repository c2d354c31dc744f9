"""Logs, entries, openings, positions, checkpoints, relays, and the triggers that keep them append-only."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_LOGS_MOVED = "NEW.id <> OLD.id OR NEW.programme <> OLD.programme OR NEW.origin <> OLD.origin OR NEW.size <= OLD.size"
_POSITIONS_MOVED = "NEW.topic <> OLD.topic OR NEW.partition <> OLD.partition OR NEW.next_offset <= OLD.next_offset"
_STREAM_CHANGED = (
    "NEW.prefix <> OLD.prefix OR NEW.partitions <> OLD.partitions OR NEW.clock <> OLD.clock"
    " OR OLD.cluster_id IS NOT NULL"
)
_FROZEN = (
    ("entries", "UPDATE", "TRUE"),
    ("entries", "DELETE", "TRUE"),
    ("checkpoints", "UPDATE", "TRUE"),
    ("checkpoints", "DELETE", "TRUE"),
    ("openings", "UPDATE", "TRUE"),
    ("openings", "DELETE", "TRUE"),
    ("logs", "UPDATE", _LOGS_MOVED),
    ("logs", "DELETE", "TRUE"),
    ("positions", "UPDATE", _POSITIONS_MOVED),
    ("positions", "DELETE", "TRUE"),
    ("streams", "UPDATE", _STREAM_CHANGED),
    ("streams", "DELETE", "TRUE"),
)  # fmt: skip
"""What is refused: table, statement, and the condition on OLD and NEW under which it is."""


def upgrade() -> None:
    _create_tables()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _postgresql_triggers() if postgresql else _sqlite_triggers():
        op.execute(statement)


def _number(name: str, *, key: bool = False, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _NUMBER, primary_key=key, autoincrement=False, nullable=null)


def _text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def _bytes(name: str, *, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=null)


def _create_tables() -> None:
    op.create_table(
        "streams",
        sa.Column("id", _NUMBER, sa.CheckConstraint("id = 1", name="streams_one_row"), primary_key=True,
                  autoincrement=False),
        _text("prefix"), _number("partitions"), _text("clock"), _text("cluster_id", null=True), _bytes("digest"),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "logs",
        sa.Column("id", _NUMBER, primary_key=True),
        _text("programme"), _text("origin"), _number("size"), _bytes("stack"), _bytes("digest"),
        sa.UniqueConstraint("programme", name="logs_one_per_programme"),
        sa.UniqueConstraint("origin", name="logs_one_per_origin"),
        sqlite_strict=True,
    )  # fmt: skip
    _create_entries()
    op.create_table(
        "positions",
        _text("topic", key=True), _number("partition", key=True), _number("next_offset"), _bytes("digest"),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "checkpoints",
        _number("log_id", key=True), _number("size", key=True), _bytes("note"), _bytes("stack"), _bytes("digest"),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"]),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "relays",
        _number("log_id", key=True), _number("next_index"), _bytes("digest"),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"]),
        sqlite_strict=True,
    )  # fmt: skip


def _create_entries() -> None:
    op.create_table(
        "entries",
        _number("log_id", key=True), _number("index", key=True), _bytes("entry"), _text("topic"), _number("partition"),
        _number("offset"), _number("of", null=True), _text("verdict"),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"]),
        sqlite_strict=True, sqlite_with_rowid=False,
    )  # fmt: skip
    _create_index("entries_one_first_per_record", ["topic", "partition", "offset"], '"of" IS NULL', unique=True)
    _create_index("entries_settled_once", ["log_id", "of"], '"of" IS NOT NULL', unique=True)
    _create_index("entries_refused", ["log_id", "index"], "verdict = 'refused'", unique=False)
    op.create_table(
        "openings",
        _number("log_id", key=True), _number("index", key=True), _bytes("salt", null=True), _bytes("key", null=True),
        _bytes("headers", null=True), _bytes("value", null=True), _text("detail", null=True),
        _bytes("digest", null=True),
        sa.ForeignKeyConstraint(["log_id", "index"], ["entries.log_id", "entries.index"]),
        sqlite_strict=True,
    )  # fmt: skip


def _create_index(name: str, columns: list[str], where: str, *, unique: bool) -> None:
    op.create_index(
        name, "entries", columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _sqlite_triggers() -> Iterator[str]:
    for table, statement, condition in _FROZEN:
        yield (
            f"CREATE TRIGGER {table}_no_{statement.lower()} BEFORE {statement} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, 'the ledger only grows: this {statement} of {table} is refused'); END"
        )


def _postgresql_triggers() -> Iterator[str]:
    yield (
        "CREATE FUNCTION phasegate_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'the ledger only grows: this % of % is refused', TG_OP, TG_TABLE_NAME; END $$"
    )
    for table, statement, condition in _FROZEN:
        yield (
            f"CREATE TRIGGER {table}_no_{statement.lower()} BEFORE {statement} ON {table} FOR EACH ROW "
            f"WHEN ({condition}) EXECUTE FUNCTION phasegate_refuse()"
        )
    for table in ("streams", "logs", "entries", "openings", "positions", "checkpoints", "relays"):
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION phasegate_refuse()"
        )
