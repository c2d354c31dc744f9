"""The ledger in PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from events.errors import Unavailable
from infra.ledger import Ledger
from infra.ledger.database import connect, database_url, upgrade
from tests.contracts.ledger import LedgerContract, Writing
from tests.contracts.snapshots import SnapshotContract
from tests.contracts.tampering import TamperingContract

pytestmark = pytest.mark.postgres


class TestPostgresLedger(LedgerContract):
    @pytest.fixture
    def url(self, postgres_database: str) -> str:
        return postgres_database


class TestPostgresSnapshots(SnapshotContract):
    @pytest.fixture
    def url(self, postgres_database: str) -> str:
        return postgres_database


class TestPostgresTampering(TamperingContract):
    @pytest.fixture
    def url(self, postgres_database: str) -> str:
        return postgres_database


@pytest.mark.parametrize("table", ["entries", "openings", "checkpoints", "logs", "positions", "relays", "streams"])
def test_no_table_is_truncated(postgres_database: str, table: str) -> None:
    upgrade(postgres_database)
    engine = connect(postgres_database)
    with pytest.raises(Exception, match="the ledger only grows"), engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {table} CASCADE"))
    engine.dispose()


def test_both_forms_of_the_address_use_psycopg_3() -> None:
    for form in ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"):
        assert database_url(form).drivername == "postgresql+psycopg"


def test_a_server_that_does_not_answer_is_unavailable_and_the_message_has_no_password() -> None:
    with pytest.raises(Unavailable) as error:
        Ledger.open("postgresql://u:hidden@127.0.0.1:1/d")
    assert "hidden" not in str(error.value)


def test_a_lost_connection_is_replaced(postgres_database: str) -> None:
    upgrade(postgres_database)
    log = Writing("p")
    with Ledger.open(postgres_database) as ledger:
        ledger.append(log.records(1))
        engine = connect(postgres_database)
        with engine.connect() as connection:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(text(ended + " AND datname = current_database()"))
        engine.dispose()
        ledger.append(log.records(1))
        assert [head.size for head in ledger.heads()] == [2]
