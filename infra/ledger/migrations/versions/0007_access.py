"""Accounts, what they are given, sessions, and the access log. None of it is part of a log of a programme."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UNCUT = 'NOT EXISTS (SELECT 1 FROM access_cuts c WHERE c."index" > OLD."index")'
_FROZEN = (("access_log", "UPDATE", "TRUE"), ("access_log", "DELETE", _UNCUT), ("access_cuts", "UPDATE", "TRUE"),
           ("access_cuts", "DELETE", "TRUE"))  # fmt: skip
"""A line of the access log is never changed; it goes once a cut says that everything before it has gone."""


def _text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def _number(name: str, *, key: bool = False, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _NUMBER, primary_key=key, autoincrement=False, nullable=null)


def _bytes(name: str, *, key: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), primary_key=key, nullable=False)


def upgrade() -> None:
    _create_tables()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _postgresql() if postgresql else (_sqlite(*one) for one in _FROZEN):
        op.execute(statement)


def _create_tables() -> None:
    op.create_table(
        "accounts", _text("name", key=True), _text("password", null=True), _number("created_ms"),
        _number("ended_ms", null=True), sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "account_roles",
        _text("account", key=True), _text("programme", key=True), _text("role", key=True), _text("who", null=True),
        _number("given_ms"), sa.ForeignKeyConstraint(["account"], ["accounts.name"]), sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "sessions",
        _bytes("id_sha256", key=True), _text("account"), _text("origin"), _text("roles", null=True),
        _number("created_ms"), _number("seen_ms"), sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "sign_ins",
        _bytes("state_sha256", key=True), _bytes("browser_sha256"), _text("nonce"), _text("verifier"), _text("next"),
        _number("created_ms"), sqlite_strict=True,
    )  # fmt: skip
    op.create_table(
        "sign_in_failures", _text("about", key=True), _number("failures"), _number("last_ms"), sqlite_strict=True
    )
    op.create_table(
        "access_log", _number("index", key=True), _number("at_ms"), _text("programme", null=True), _text("line"),
        _bytes("chain"), sqlite_strict=True,
    )  # fmt: skip
    op.create_table("access_cuts", _number("index", key=True), _bytes("chain"), _number("at_ms"), sqlite_strict=True)


def _sqlite(table: str, statement: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{statement.lower()} BEFORE {statement} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, 'the access log only grows: this {statement} of {table} is refused'); END"
    )


def _postgresql() -> tuple[str, ...]:
    schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    refused = "RAISE EXCEPTION 'the access log only grows: this % of % is refused', TG_OP, TG_TABLE_NAME;"
    return (
        (
            "CREATE FUNCTION phasegate_refuse_unless_cut() RETURNS trigger LANGUAGE plpgsql "
            f"SET search_path = {schema}, pg_temp AS $$ BEGIN IF {_UNCUT} THEN {refused} END IF; RETURN OLD; END $$"
        ),
        (
            "CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log FOR EACH ROW "
            "EXECUTE FUNCTION phasegate_refuse_unless_cut()"
        ),
        *(
            f"CREATE TRIGGER {table}_no_{statement.lower()} BEFORE {statement} ON {table} FOR EACH {each} "
            "EXECUTE FUNCTION phasegate_refuse()"
            for table, statement, each in (
                ("access_log", "UPDATE", "ROW"), ("access_log", "TRUNCATE", "STATEMENT"),
                ("access_cuts", "UPDATE", "ROW"), ("access_cuts", "DELETE", "ROW"),
                ("access_cuts", "TRUNCATE", "STATEMENT"),
            )
        ),
    )  # fmt: skip
