"""Who may do what in a ledger's PostgreSQL: one table, from which the grants are made and against which a role is held.

The owner of the tables, who runs `phasegate db upgrade`, is none of these roles: an owner can switch the triggers off that keep
the ledger append-only, and a superuser everything. docs/postgresql.md has the same table for readers; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, text

from events.errors import Refused
from infra.ledger.database import reading, writing

Role = Literal["recorder", "reader", "auditor", "intake"]
Rights = Mapping[str, tuple[str, ...]]
"""By table: SELECT, INSERT, DELETE, and UPDATE with the columns that may change."""

_READ = ("SELECT",)
_APPEND = ("SELECT", "INSERT")
_OF_LOGS = (
    *("alembic_version", "streams", "logs", "entries", "openings", "erasures", "positions", "checkpoints", "relays"),
    *("tiles", "snapshots", "snapshot_parts"),
)
"""What an audit reads. Openings belong to it: without them nothing is judged again. Of snapshots it checks the rows."""

RIGHTS: Mapping[Role, Rights] = {
    "recorder": {
        "alembic_version": _READ,
        "streams": (*_APPEND, 'UPDATE ("cluster_id", "digest")'),
        "logs": (*_APPEND, 'UPDATE ("size", "stack", "digest")'),
        "entries": _APPEND,
        "openings": (*_APPEND, "DELETE"),
        "erasures": (*_APPEND, 'UPDATE ("settled", "by", "digest")'),
        "positions": (*_APPEND, 'UPDATE ("next_offset", "digest")'),
        "checkpoints": _APPEND,
        "relays": (*_APPEND, 'UPDATE ("next_index", "digest")'),
        "tiles": _APPEND,
        "snapshots": (*_APPEND, "DELETE"),
        "snapshot_parts": (*_APPEND, "DELETE"),
    },
    "reader": dict.fromkeys(_OF_LOGS, _READ),
    "auditor": dict.fromkeys(_OF_LOGS, _READ),
    "intake": {
        **dict.fromkeys(_OF_LOGS, _READ),
        "api_keys": _READ,
        "api_key_revocations": _READ,
        "receipts": _APPEND,
        "accounts": _READ,
        "account_roles": _READ,
        "sessions": (*_APPEND, "DELETE", 'UPDATE ("seen_ms")'),
        "sign_ins": (*_APPEND, "DELETE"),
        "sign_in_failures": (*_APPEND, "DELETE", 'UPDATE ("failures", "last_ms")'),
        "access_log": _APPEND,
        "access_cuts": _READ,
    },
}
_SEQUENCES: Mapping[Role, tuple[str, ...]] = {"recorder": ("logs_id_seq",)}
_WAYS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")


@dataclass(frozen=True, slots=True)
class Place:
    """The database as it is: where its tables are, which of them are there, and which roles are not."""

    database: str
    schema: str
    tables: frozenset[str]
    missing: tuple[str, ...]


def statements(names: Mapping[Role, str], at: Place) -> Iterator[str]:
    """What makes these roles what the table says, and no more than that; to be run by the owner. Missing ones are made."""
    place, where = _quoted(at.database), _quoted(at.schema)
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {where} FROM PUBLIC"
    yield f"REVOKE CREATE ON SCHEMA {where} FROM PUBLIC"
    yield f"REVOKE TEMPORARY ON DATABASE {place} FROM PUBLIC"
    for name in at.missing:
        yield f"CREATE ROLE {_quoted(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    for role, name in names.items():
        whom = _quoted(name)
        yield f"GRANT CONNECT ON DATABASE {place} TO {whom}"
        yield f"REVOKE ALL ON SCHEMA {where} FROM {whom}"
        yield f"GRANT USAGE ON SCHEMA {where} TO {whom}"
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {where} FROM {whom}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {where} FROM {whom}"
        for table, rights in RIGHTS[role].items():
            if table in at.tables:
                yield f"GRANT {', '.join(rights)} ON {where}.{table} TO {whom}"
        for sequence in _SEQUENCES.get(role, ()):
            yield f"GRANT USAGE ON SEQUENCE {where}.{sequence} TO {whom}"


def plan(engine: Engine, names: Mapping[Role, str]) -> list[str]:
    """The statements for this database as it is now. Raises Refused where a role could not be held to its rights."""
    if engine.dialect.name != "postgresql":
        raise Refused("SQLite has no roles: whoever may write the file may change it", hint="use a PostgreSQL ledger")
    if len(set(names.values())) != len(names):
        raise Refused(
            f"one name for two roles: {', '.join(names.values())}", hint="each part connects with a role of its own"
        )
    with reading(engine) as connection:
        missing = tuple(name for name in names.values() if not _is_there(connection, name))
        database, schema = connection.execute(text("SELECT current_database(), current_schema()")).one()
        place = Place(database, schema, _tables(connection), missing)
    return list(statements(names, place))


def _tables(connection: Connection) -> frozenset[str]:
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return frozenset(connection.execute(text(asked)).scalars())


def _is_there(connection: Connection, name: str) -> bool:
    """Whether a role is there. Raises Refused for one whom no grant holds."""
    asked = """
    SELECT rolsuper, rolname = current_user,
           EXISTS (SELECT FROM pg_tables WHERE tablename = 'entries' AND schemaname = current_schema()
                   AND pg_has_role(rolname, tableowner, 'MEMBER'))
    FROM pg_roles WHERE rolname = :name
    """
    row = connection.execute(text(asked), {"name": name}).one_or_none()
    if row is None:
        return False
    if any(row):
        why = "is a superuser" if row[0] else "owns the tables, or is whoever runs this"
        raise Refused(
            f"{name!r} {why}, so no grant narrows what it may do", hint="name another role; it is made if missing"
        )
    return True


def grant(engine: Engine, names: Mapping[Role, str]) -> list[str]:
    """Makes the roles that are missing and gives each its rights, all or nothing. Returns what was run."""
    planned = plan(engine, names)
    with writing(engine) as connection:
        for statement in planned:
            connection.exec_driver_sql(statement)
    return planned


def excess(engine: Engine, role: Role = "recorder") -> list[str]:
    """What the role of this connection may do beyond the table, in words; nothing when it is held to it."""
    with reading(engine) as connection:
        asked = "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        is_super, makes_roles = connection.execute(text(asked)).one()
        if is_super:
            return ["it is a superuser, whom nothing holds"]
        found = ["it may make roles"] if makes_roles else []
        if connection.execute(text(_OWNS)).scalar_one():
            return [*found, "it owns the tables, and could switch their triggers off"]
        around = connection.execute(text(_AROUND)).mappings().one()
        found += [f"it may {what}" for what, may in around.items() if may]
        for table in sorted(_tables(connection)):
            found += _beyond(connection, table, RIGHTS[role].get(table, ()))
    return found


_OWNS = """
SELECT coalesce(bool_or(pg_has_role(tableowner, 'MEMBER')), false) FROM pg_tables
WHERE schemaname = current_schema() AND tablename = ANY (ARRAY['entries', 'openings', 'logs', 'checkpoints'])
"""
_AROUND = """
SELECT has_schema_privilege(current_schema(), 'CREATE') AS "create tables in the schema",
       has_database_privilege(current_database(), 'TEMP') AS "make temporary tables"
"""
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = :name AND has_column_privilege(:name, column_name, 'UPDATE')
"""


def _beyond(connection: Connection, table: str, rights: tuple[str, ...]) -> Iterator[str]:
    allowed = " ".join(rights)
    asked = ", ".join(f"has_table_privilege(:name, '{way}')" for way in _WAYS)
    for way, may in zip(_WAYS, connection.execute(text(f"SELECT {asked}"), {"name": table}).one(), strict=True):
        if may and way not in rights:
            yield f"{way} {table}"
    for column in connection.execute(text(_COLUMNS), {"name": table}).scalars():
        if "UPDATE" not in rights and f'"{column}"' not in allowed:
            yield f"UPDATE {table}.{column}"


def _quoted(name: str) -> str:
    if not name or "\0" in name:
        raise Refused(f"{name!r} is no name of a role", hint="such as phasegate_recorder")
    return '"' + name.replace('"', '""') + '"'
