"""Ledgers that earlier versions of the code wrote, put back as they were (tests/infra/old_ledgers)."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import make_url, text

from infra.ledger import database
from infra.ledger.database import connect, writing

FOLDER = Path(__file__).resolve().parents[1] / "infra" / "old_ledgers"
REVISIONS = sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.sql.gz"))
TABLES = ("streams", "logs", "entries", "openings", "erasures", "positions", "checkpoints", "tiles")


def restore(revision: str, url: str) -> None:
    """Into a database that is empty: a file as it was, or the same rows in the tables that PostgreSQL had then."""
    if make_url(url).drivername == "sqlite":
        with sqlite3.connect(str(make_url(url).database)) as file:
            file.executescript(gzip.decompress((FOLDER / f"{revision}.sql.gz").read_bytes()).decode())
        file.close()
        return
    _make_tables(revision, url)
    with sqlite3.connect(":memory:") as rows:
        rows.executescript(gzip.decompress((FOLDER / f"{revision}.sql.gz").read_bytes()).decode())
        _copy(rows, url)
    rows.close()


def _make_tables(revision: str, url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    engine = connect(url)
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def _copy(rows: sqlite3.Connection, url: str) -> None:
    there = {name for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    engine = connect(url)
    with writing(engine) as connection:
        for table in TABLES:
            if table not in there:
                continue
            found = rows.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in found.description]
            columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join(["%s"] * len(names))
            values: list[tuple[Any, ...]] = found.fetchall()
            if values:
                connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)
        connection.execute(text("SELECT setval('logs_id_seq', (SELECT max(id) FROM logs))"))
    engine.dispose()
