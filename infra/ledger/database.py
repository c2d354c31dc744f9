"""Connections to the ledger's database, its schema, and what its errors mean.

SQLite runs in WAL mode with synchronous=FULL: a commit that returned survives a power cut, and readers never wait for
the writer. PostgreSQL is used through psycopg 3 with its default durability (`synchronous_commit=on`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from events.errors import Conflict, Refused, Tampered, Unavailable

BUSY_TIMEOUT_MS = 10_000
UPGRADE_HINT = "phasegate db upgrade"

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "recursive_triggers = ON",  # without it INSERT OR REPLACE deletes past the triggers
    "trusted_schema = OFF",
    "secure_delete = ON",  # what is erased is overwritten, not only unlinked
    "wal_autocheckpoint = 4000",
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
)
_LOST_RACES = {"40001", "40P01", "55P03"}
"""PostgreSQL: serialization failure, deadlock, lock not available."""

_UPGRADING = 0x7068617365676174
"""The advisory lock of those who change the schema, "phasegat"."""

_DAMAGED = ("malformed", "not a database", "Could not decode to UTF-8", "invalid page", "invalid byte sequence")
"""What the two databases say about bytes that they did not write themselves."""


def database_url(url: str) -> URL:
    """The address with its driver: `sqlite:///path`, `postgresql://…` or `postgresql+psycopg://…`. Raises Refused."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Refused("the database address cannot be read", hint="use sqlite:///path or postgresql://…") from error
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    hint = "expected sqlite:///path (a file: a ledger outlives its process) or postgresql://…"
    raise Refused(f"{parsed.render_as_string(hide_password=True)!r} cannot hold a ledger", hint=hint)


def is_same_database(one: str, other: str) -> bool:
    """Whether two addresses are one, however a file's path is written. Raises Refused for what is no address."""
    first, second = database_url(one), database_url(other)
    if first.drivername == second.drivername == "sqlite":
        return Path(str(first.database)).resolve() == Path(str(second.database)).resolve()
    return first == second


def connect(url: str) -> Engine:
    """An engine for this database; nothing is created and nothing is connected to yet. Safe among threads."""
    parsed = database_url(url)
    engine = create_engine(parsed, pool_pre_ping=parsed.drivername != "sqlite")
    if parsed.drivername == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: `_begin` does
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Writers take the write lock first: a transaction that read before it waits would fail at once instead."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine, *, snapshot: bool = False) -> Iterator[Connection]:
    """A connection for reading; errors come out translated. With `snapshot` all statements
    see one state of a PostgreSQL database (SQLite: of the file).
    """
    level = {"isolation_level": "REPEATABLE READ"} if snapshot and engine.dialect.name == "postgresql" else {}
    with translated(engine), engine.connect().execution_options(**level) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction: durable when this returns, nothing written when it raises."""
    with translated(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def sweep(engine: Engine) -> None:
    """After something was erased: what SQLite's write-ahead log still holds of it is moved into the file and cut off, as far
    as no reader stands in the way. PostgreSQL keeps the dead row until its own vacuum (docs/verification.md).
    """
    if engine.dialect.name != "sqlite":
        return
    with translated(engine), engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")  # `_begin` has begun, and a checkpoint needs no transaction.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Database errors as ours: lost races are Conflict, everything else that the database says is Unavailable."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"another writer was first: {_said(error)}", hint="read heads and positions again") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _LOST_RACES:
            raise Conflict(f"another writer was first: {_said(error)}", hint="retry") from error
        where = engine.url.render_as_string(hide_password=True)
        if any(words in _said(error) for words in _DAMAGED):
            raise Tampered(f"the file of {where} is damaged: {_said(error)}", hint="keep a copy; restore it") from error
        raise Unavailable(f"the ledger's database {where} failed: {_said(error)}", hint=_hint(error)) from error
    except SQLAlchemyError as error:
        raise Unavailable(f"the ledger's database cannot be used: {error}") from error


def _said(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())


def _hint(error: DBAPIError) -> str:
    said = _said(error)
    if "locked" in said:
        return "another process holds the write lock; is a second recorder or a backup running?"
    if "full" in said or "No space" in said:
        return "free disk space; nothing of this batch was written"
    if "no such table" in said or "does not exist" in said:
        return UPGRADE_HINT
    return "check that the database is reachable and retry; nothing of this batch was written"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def upgrade(url: str) -> tuple[str | None, str]:
    """Brings the schema to this version, in one transaction: killed anywhere, it leaves the old schema or the new one. Two at
    once wait for each other. Returns the version that was found (None: no tables) and the present one. Raises Refused
    for the schema of a newer phasegate.
    """
    engine = connect(url)
    config = _config()
    try:
        if engine.url.drivername == "sqlite":
            Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADING})
            found = _revision(connection)
            _require_known(engine, found)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return found, newest_schema()
    except OSError as error:
        raise Unavailable(f"cannot make {engine.url.database}: {error.strerror}") from error
    finally:
        engine.dispose()


def newest_schema() -> str:
    """The version of the schema that this code reads and writes."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _require_known(engine: Engine, found: str | None) -> None:
    """Raises Refused for a schema that this code has no migration of: it cannot say what is in there."""
    known = {one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        where = engine.url.render_as_string(hide_password=True)
        raise Refused(
            f"the schema of {where} is {found}, which this phasegate does not know; it knows up to {newest_schema()}",
            hint="a newer phasegate made it: use that one, or restore the copy from before its upgrade",
            expected=newest_schema(), found=found,
        )  # fmt: skip


def is_blank(url: str) -> bool:
    """Whether nothing of a ledger is there yet: no file, or no tables of any version. Raises Unavailable."""
    engine = connect(url)
    try:
        if engine.url.drivername == "sqlite" and not Path(str(engine.url.database)).is_file():
            return True
        with reading(engine) as connection:
            return _revision(connection) is None
    finally:
        engine.dispose()


def require_schema(engine: Engine) -> None:
    """Raises Unavailable unless the schema is there and is this version's, Refused for that of a newer phasegate."""
    database = engine.url.database
    if engine.url.drivername == "sqlite" and not Path(str(database)).is_file():
        raise Unavailable(f"there is no ledger at {database}", hint=UPGRADE_HINT)
    with reading(engine) as connection:
        found = _revision(connection)
    _require_known(engine, found)
    if found != (expected := newest_schema()):
        where = engine.url.render_as_string(hide_password=True)
        behind = "there are no tables of a ledger in" if found is None else "the schema is behind in"
        raise Unavailable(f"{behind} {where}: {found or 'nothing'}, expected {expected}", hint=UPGRADE_HINT)
