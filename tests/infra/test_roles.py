"""The roles of a PostgreSQL ledger: each does what the table of rights says and nothing else, and the parts work as them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError

import infra.access.tables  # noqa: F401 - its tables are among those of the metadata
from events.errors import Refused
from flows.attesting import replayed
from flows.reading import Reading
from flows.wiring import assemble
from infra.ledger import Ledger
from infra.ledger.database import connect, upgrade
from infra.ledger.roles import RIGHTS, Role, excess, grant, plan
from infra.ledger.tables import metadata
from tests.support import small
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.scenarios import memory
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, play

pytestmark = pytest.mark.postgres

DENIED = "42501"
CHANGES = (
    "TRUNCATE {t}",
    "ALTER TABLE {t} ADD COLUMN own int",
    "DROP TABLE {t} CASCADE",
    "ALTER TABLE {t} DISABLE TRIGGER ALL",
    "CREATE TRIGGER own BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION phasegate_refuse()",
    "CREATE TABLE own (x int)",
    "CREATE TEMPORARY TABLE own (x int)",
)
"""What no role may do."""
ROLES: tuple[Role, ...] = ("recorder", "reader", "auditor", "intake")
_numbers = itertools.count()


@pytest.fixture
def names() -> dict[Role, str]:
    """Roles belong to the server, so each test has its own."""
    number = next(_numbers)
    return {role: f"{role}_{number}" for role in ROLES}


@pytest.fixture
def granted(postgres_database: str, names: dict[Role, str]) -> Iterator[dict[Role, str]]:
    """The address of a new ledger as each role; they are dropped with it."""
    upgrade(postgres_database)
    owner = connect(postgres_database)
    grant(owner, names)
    yield {role: make_url(postgres_database).set(username=name).render_as_string() for role, name in names.items()}
    with owner.begin() as connection:
        for name in names.values():
            connection.execute(text(f"DROP OWNED BY {name}"))
            connection.execute(text(f"DROP ROLE {name}"))
    owner.dispose()


def may(engine: Engine, statement: str) -> bool:
    """Whether PostgreSQL lets this role do it; what it then says for other reasons does not matter."""
    with engine.connect() as connection:
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            return getattr(error.orig, "sqlstate", None) != DENIED
        finally:
            connection.rollback()
    return True


def rights_of(engine: Engine, table: str) -> set[str]:
    """What a role may do with a table, found by doing it."""
    columns = [column.name for column in metadata.tables[table].columns]
    tried = {
        "SELECT": f"SELECT * FROM {table} LIMIT 1",
        "INSERT": f"INSERT INTO {table} DEFAULT VALUES",
        "DELETE": f"DELETE FROM {table} WHERE false",
        **{f'UPDATE "{name}"': f'UPDATE {table} SET "{name}" = DEFAULT WHERE false' for name in columns},
    }
    return {what for what, statement in tried.items() if may(engine, statement)}


def declared(role: Role, table: str) -> set[str]:
    found: set[str] = set()
    for right in RIGHTS[role].get(table, ()):
        way, _, columns = right.partition(" ")
        if way == "UPDATE":
            names = [f'"{column.name}"' for column in metadata.tables[table].columns]
            found |= {f"UPDATE {name}" for name in (columns.strip("()").split(", ") if columns else names)}
        else:
            found.add(way)
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(granted: dict[Role, str], role: Role) -> None:
    engine = connect(granted[role])
    for table in metadata.tables:
        assert rights_of(engine, table) == declared(role, table), table
        done = [statement for statement in CHANGES if may(engine, statement.format(t=table))]
        assert done == [], table
    assert not may(engine, "SET session_replication_role = replica")
    assert excess(engine, role) == []
    engine.dispose()


def test_every_table_has_rights_of_somebody() -> None:
    assert set(metadata.tables) <= {table for rights in RIGHTS.values() for table in rights}


def test_the_document_has_the_same_table() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "postgresql.md").read_text(encoding="utf-8")
    rows = [
        line.strip("|").split("|") for line in page.partition("| table | recorder |")[2].split("\n\n")[0].splitlines()
    ]
    shown = {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows[2:]}
    tables = {table for rights in RIGHTS.values() for table in rights}
    said = {table: [", ".join(RIGHTS[role].get(table, ("-",))).replace('"', "") for role in ROLES] for table in tables}
    assert shown == said


def test_the_recorder_records_signs_and_erases_as_its_role_and_the_flows_read_as_theirs(
    granted: dict[Role, str],
) -> None:
    bus = memory()
    bus.ensure_topics()
    on = Stage(assemble(bus, Ledger.open(granted["recorder"]), ORIGIN, OFFICE_KEY, LOG_KEY))
    reader = assemble(bus, Ledger.open(granted["reader"]), ORIGIN, OFFICE_KEY, LOG_KEY)
    on.way.parts, on.way.office = reader, reader.office()
    on.way.office.pause = on._record_meanwhile
    play(on)
    on.recorder.settle_up()
    ledger = on.parts.ledger
    on.tell(erasure(place_of(first_entry(ledger, small.scores()[0].id))))
    assert len(ledger.erased(small.PROGRAMME)) == 1
    keys = ({OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,))
    with Reading(Ledger.open(granted["auditor"]), bus.partitions, *keys) as audit:
        assert audit.ledger.checkpoints(small.PROGRAMME)
        assert list(audit.ledger.integrity(keys=[LOG_KEY.verifier])) == []
        assert replayed(audit, small.PROGRAMME, again=True).gathered.report.first_difference is None
    reader.close()
    on.parts.close()


def test_an_opening_goes_only_with_its_erasure_whatever_tables_the_recorder_makes_of_its_own(
    granted: dict[Role, str], postgres_database: str, names: dict[Role, str]
) -> None:
    bus = memory()
    bus.ensure_topics()
    on = Stage(assemble(bus, Ledger.open(granted["recorder"]), ORIGIN, OFFICE_KEY, LOG_KEY))
    on.tell(small.announced(), *small.beginnings())
    on.parts.close()
    owner = connect(postgres_database)
    with owner.begin() as connection:
        connection.execute(text(f"GRANT TEMPORARY ON DATABASE {owner.url.database} TO {names['recorder']}"))
    recorder = connect(granted["recorder"])
    with recorder.connect() as connection:
        with pytest.raises(DBAPIError, match="the ledger only grows"):
            connection.execute(text("DELETE FROM openings"))
        connection.rollback()
        connection.execute(text("CREATE TEMPORARY TABLE erasures AS TABLE erasures WITH NO DATA"))
        connection.execute(text('INSERT INTO pg_temp.erasures (log_id, "index") SELECT log_id, "index" FROM openings'))
        with pytest.raises(DBAPIError, match="the ledger only grows"):
            connection.execute(text("DELETE FROM openings"))
    assert excess(recorder) == ["it may make temporary tables"]
    recorder.dispose()
    owner.dispose()


def test_what_was_granted_beyond_is_found_and_taken_away_again(
    granted: dict[Role, str], postgres_database: str, names: dict[Role, str]
) -> None:
    owner, recorder = connect(postgres_database), connect(granted["recorder"])
    assert excess(owner) == ["it is a superuser, whom nothing holds"]
    with owner.begin() as connection:
        connection.execute(text(f"GRANT DELETE, TRUNCATE ON entries TO {names['recorder']}"))
        connection.execute(text(f"GRANT UPDATE (note) ON checkpoints TO {names['recorder']}"))
    assert excess(recorder) == ["UPDATE checkpoints.note", "DELETE entries", "TRUNCATE entries"]
    grant(owner, names)
    assert excess(recorder) == []
    with owner.begin() as connection:
        connection.execute(text(f"ALTER TABLE entries OWNER TO {names['recorder']}"))
    assert excess(recorder) == ["it owns the tables, and could switch their triggers off"]
    with pytest.raises(Refused, match="owns the tables"):
        plan(owner, names)
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE entries OWNER TO CURRENT_USER"))
    recorder.dispose()
    owner.dispose()
