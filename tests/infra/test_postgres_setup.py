"""What docs/postgresql.md tells an operator to set up: partitions, by the statements that stand there, and settings."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from events.errors import Refused
from flows.reading import Reading
from flows.replaying import replay_with_decisions
from flows.wiring import assemble
from infra.ledger import Ledger
from infra.ledger.database import connect, upgrade
from infra.ledger.durability import NEEDED
from infra.ledger.roles import RIGHTS, excess, grant
from tests.contracts.ledger import Writing
from tests.support import small
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.old_ledgers import REVISIONS, restore
from tests.support.scenarios import memory
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, play

pytestmark = pytest.mark.postgres

PAGE = Path(__file__).resolve().parents[2] / "docs" / "postgresql.md"


def documented() -> str:
    """The statements of the page that partition."""
    (found,) = re.findall(r"```sql\n(BEGIN;.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def refused(engine: Engine, statement: str) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError, match="the ledger only grows"):
        connection.execute(text(statement))


def test_an_owner_who_is_no_superuser_makes_tables_and_roles_as_documented(postgres_url: str) -> None:
    first = re.findall(r"```sql\n(CREATE ROLE.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    names = {role: f"{role}_of_owner" for role in RIGHTS}
    with psycopg.connect(postgres_url, autocommit=True) as superuser:
        for statement in first.strip().splitlines():
            superuser.execute(statement)
        own = (
            make_url(postgres_url)
            .set(username="phasegate_owner", database="ledger")
            .render_as_string(hide_password=False)
        )
        upgrade(own)
        engine = connect(own)
        grant(engine, names)
        assert not any("CREATE ROLE" in statement for statement in grant(engine, names))
        recorder = connect(engine.url.set(username=names["recorder"]).render_as_string(hide_password=False))
        assert excess(recorder) == []
        assert excess(engine) == ["it may make roles", "it owns the tables, and could switch their triggers off"]
        recorder.dispose()
        engine.dispose()
        superuser.execute("DROP DATABASE ledger")
        for name in (*names.values(), "phasegate_owner"):
            superuser.execute(f"DROP ROLE {name}")


def test_a_ledger_is_partitioned_as_documented_and_is_all_that_it_was(postgres_database: str) -> None:
    restore(REVISIONS[-1], postgres_database)
    upgrade(postgres_database)
    with Ledger.open(postgres_database) as ledger:
        before = list(ledger.read(small.PROGRAMME))
    with psycopg.connect(postgres_database, autocommit=True) as owner:
        owner.execute(documented())
    with Ledger.open(postgres_database) as ledger:
        assert list(ledger.read(small.PROGRAMME)) == before
        ledger.append(Writing("p").records(300))
        assert list(ledger.integrity(keys=[LOG_KEY.verifier])) == []
    engine = connect(postgres_database)
    with engine.connect() as connection:
        parts = connection.execute(text("SELECT DISTINCT tableoid::regclass::text FROM entries")).scalars().all()
    assert len(parts) == 2
    for table in ("entries", "openings", *parts):
        refused(engine, f"DELETE FROM {table}")
        refused(engine, f"UPDATE {table} SET log_id = 0")
        refused(engine, f"TRUNCATE {table} CASCADE")
    engine.dispose()


def test_a_programme_is_recorded_erased_and_replayed_in_partitions_by_their_roles(postgres_database: str) -> None:
    upgrade(postgres_database)
    with psycopg.connect(postgres_database, autocommit=True) as owner:
        owner.execute(documented())
    names = {role: f"{role}_of_parts" for role in RIGHTS}
    engine = connect(postgres_database)
    grant(engine, names)
    as_recorder = engine.url.set(username=names["recorder"]).render_as_string(hide_password=False)
    bus = memory()
    bus.ensure_topics()
    on = Stage(assemble(bus, Ledger.open(as_recorder), ORIGIN, OFFICE_KEY, LOG_KEY))
    play(on)
    on.tell(erasure(place_of(first_entry(on.parts.ledger, small.scores()[0].id))))
    recorder = connect(as_recorder)
    assert excess(recorder) == []
    keys = ({OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,))
    with Reading(on.parts.ledger, bus.partitions, *keys) as reading:
        assert len(reading.ledger.erased(small.PROGRAMME)) == 1
        assert replay_with_decisions(reading, reading.head(small.PROGRAMME)).report.first_difference is None
    recorder.dispose()
    with engine.begin() as connection:
        for name in names.values():
            connection.execute(text(f"DROP OWNED BY {name}"))
            connection.execute(text(f"DROP ROLE {name}"))
    engine.dispose()


def test_nothing_is_recorded_where_a_commit_can_be_lost(postgres_database: str) -> None:
    upgrade(postgres_database)
    engine = connect(postgres_database)
    bus = memory()
    parts = assemble(bus, Ledger.open(postgres_database), ORIGIN, OFFICE_KEY, LOG_KEY)
    parts.recorder().close()
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {engine.url.database} SET synchronous_commit = off"))
    parts.ledger.close()
    with pytest.raises(Refused, match="may lose what it has committed: synchronous_commit is off"):
        parts.recorder()
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {engine.url.database} SET synchronous_commit = local"))
    parts.ledger.close()
    parts.recorder().close()
    parts.close()
    with engine.connect() as connection:
        known = connection.execute(text("SELECT name FROM pg_settings")).scalars().all()
    assert set(NEEDED) <= set(known)
    engine.dispose()
