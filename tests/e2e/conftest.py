"""Real parts for the end-to-end tests; PostgreSQL comes from where the ledger's own tests have it, and the command line from
where the console's have it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.conftest import required
from tests.console.conftest import phasegate
from tests.infra.conftest import postgres_database, postgres_url
from tests.support.chromium import chromium
from tests.support.console_process import console_process
from tests.support.deployment import environment
from tests.support.k_ai import played

__all__ = ["phasegate", "postgres_database", "postgres_url"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real one, for one file of tests: while it runs, nothing else in this thread may run an event loop."""
    with ExitStack() as stack:
        yield required("Chromium", lambda: stack.enter_context(chromium()))


@dataclass(frozen=True, slots=True)
class Over:
    """A console at `url`, over this database."""

    url: str
    database: str


@pytest.fixture(scope="module")
def k_ai_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Over]:
    """A console over the whole of K-AI, which was played without Kafka."""
    home: Path = tmp_path_factory.mktemp("console")
    database = f"sqlite:///{shutil.copy(played(), home / 'ledger.sqlite')}"
    with console_process(environment(home, database), home / "console.log") as answering:
        yield Over(answering.url, database)
