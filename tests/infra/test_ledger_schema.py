"""Migrations and tables say the same, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from events.errors import Unavailable
from infra.ledger import Ledger
from infra.ledger.database import connect, upgrade
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


def test_a_schema_of_another_version_is_not_opened(url: str) -> None:
    engine = connect(url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()
    with pytest.raises(Unavailable, match="0000") as error:
        Ledger.open(url)
    assert error.value.hint == "phasegate db upgrade"


def test_a_digest_covers_every_other_column() -> None:
    for name, columns in DIGESTED.items():
        missing = {column.name for column in metadata.tables[name].columns} - set(columns)
        assert missing == ({"digest", "id"} if name == "logs" else {"digest"})
