"""Migrations and tables say the same, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import infra.access.tables  # noqa: F401 - its tables are among those of the metadata
from events.errors import Refused, Unavailable
from infra.ledger import Ledger
from infra.ledger.database import connect, newest_schema, upgrade
from infra.ledger.tables import DIGESTED, metadata


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_database")
    upgrade(address)
    return address


def test_the_migrations_make_the_tables_that_queries_expect(url: str) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def is_now(url: str, version: str) -> None:
    engine = connect(url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    engine.dispose()


def test_an_older_schema_is_not_opened_and_the_way_on_is_said(url: str) -> None:
    is_now(url, "0001")
    with pytest.raises(Unavailable, match=f"the schema is behind .*0001, expected {newest_schema()}") as error:
        Ledger.open(url)
    assert error.value.hint == "phasegate db upgrade"


def test_the_schema_of_a_newer_phasegate_is_neither_opened_nor_upgraded(url: str) -> None:
    is_now(url, "9999")
    for act in (Ledger.open, upgrade):
        with pytest.raises(Refused, match=f"is 9999, .*knows up to {newest_schema()}") as error:
            act(url)
        assert "newer phasegate" in error.value.hint


def test_a_digest_covers_every_other_column() -> None:
    for name, columns in DIGESTED.items():
        missing = {column.name for column in metadata.tables[name].columns} - set(columns)
        assert missing == ({"digest", "id"} if name == "logs" else {"digest"})
