"""Stored tiles, on both databases: made with checkpoints, read by proofs, and never believed without the entries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, event, text

from events.errors import Tampered
from events.merkle import leaf_hash, tree_root
from events.proofs import inclusion_proof, verify_inclusion
from events.tiles import reading_tiles, tiles_of
from infra.keys import from_seed
from infra.ledger import Ledger
from infra.ledger.database import database_url, upgrade
from tests.contracts.ledger import Writing

KEY = from_seed("phasegate.example/any", b"\x01" * 32)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_database")
    upgrade(address)
    return address


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as ledger:
        yield ledger


@pytest.fixture
def intruder(url: str) -> Iterator[Engine]:
    """Somebody with all rights whom no trigger stops."""
    engine = create_engine(database_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            for name in ("tiles_no_update", "tiles_no_delete"):
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            for name in ("tiles_no_update", "tiles_no_delete"):
                connection.exec_driver_sql(f"DROP TRIGGER {name} ON tiles")
    yield engine
    engine.dispose()


def count(engine: Engine, where: str = "1 = 1") -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT COUNT(*) FROM tiles WHERE {where}")).scalar_one())


def test_full_tiles_are_stored_with_the_checkpoint_and_agree_with_the_entries(ledger: Ledger, intruder: Engine) -> None:
    log = Writing("p")
    before = 0
    for records, full in ((255, 0), (1, 1), (1, 1), (300, 2)):
        ledger.append(log.records(records))
        assert count(intruder) == before
        ledger.sign("p", KEY)
        leaves = [leaf_hash(data) for _, data in log.appended]
        assert count(intruder) == (before := full)
        tiles = ledger.tiles("p")
        for tile in tiles_of(len(leaves)):
            if tile.level == 0:
                start = tile.number * 256
                assert tiles.hashes(tile) == leaves[start : start + tile.width]
            else:
                assert tiles.hashes(tile) == [tree_root(leaves[n * 256 : n * 256 + 256]) for n in range(tile.width)]
    assert list(ledger.integrity("p", [KEY.verifier])) == []


def test_proofs_read_few_rows_however_long_the_log(ledger: Ledger) -> None:
    log = Writing("p")
    ledger.append(log.records(5000))
    ledger.sign("p", KEY)
    leaves = [leaf_hash(data) for _, data in log.appended]
    statements: list[str] = []
    event.listen(ledger._engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    for index in (0, 2500, 4999):
        proof = inclusion_proof(index, 5000, reading_tiles(5000, ledger.tiles("p").hashes))
        verify_inclusion(index, 5000, leaves[index], proof, tree_root(leaves))
    assert len(statements) <= 3 * 10


def test_a_missing_tile_is_computed_from_the_entries(ledger: Ledger, intruder: Engine) -> None:
    log = Writing("p")
    ledger.append(log.records(600))
    ledger.sign("p", KEY)
    with intruder.connect() as connection:
        connection.execute(text("DELETE FROM tiles WHERE number = 1"))
    leaves = [leaf_hash(data) for _, data in log.appended]
    for index in (0, 300, 599):
        proof = inclusion_proof(index, 600, reading_tiles(600, ledger.tiles("p").hashes))
        verify_inclusion(index, 600, leaves[index], proof, tree_root(leaves))


@pytest.mark.parametrize("column", ["hashes", "root", "number", "level", "log_id"])
def test_a_changed_tile_is_a_fault_that_says_where(ledger: Ledger, intruder: Engine, column: str) -> None:
    log = Writing("p")
    ledger.append(log.records(300))
    ledger.sign("p", KEY)
    changed = {"hashes": bytes(8192), "root": bytes(32), "number": 5, "level": 3, "log_id": 9}[column]
    with intruder.connect() as connection:
        if intruder.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(f"UPDATE tiles SET {column} = :new"), {"new": changed})
    faults = list(ledger.integrity("p", [KEY.verifier]))
    assert [fault.table for fault in faults] == ["tiles"]
    assert faults[0].column == {"level": "number"}.get(column, column)
    assert faults[0].key == {"number": "p/tile/0/005", "level": "p/tile/3/000", "log_id": "9/0/0"}.get(
        column, "p/tile/0/000"
    )


def test_a_changed_entry_is_laid_at_the_entry_before_its_tile(ledger: Ledger, intruder: Engine) -> None:
    log = Writing("p")
    ledger.append(log.records(300))
    ledger.sign("p", KEY)
    with intruder.connect() as connection:
        if intruder.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER entries_no_update"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        changed = log.appended[7][1].replace(b"broker", b"producer")
        connection.execute(
            text("UPDATE entries SET entry = :new WHERE index = 7".replace("index", '"index"')), {"new": changed}
        )
    faults = list(ledger.integrity("p", [KEY.verifier]))
    assert faults[0].table == "entries"
    assert next(fault.expected.split()[:2] for fault in faults if fault.table == "tiles") == ["hash", "7"]


def test_nothing_is_signed_over_tiles_that_do_not_lead_to_the_root(ledger: Ledger, intruder: Engine) -> None:
    log = Writing("p")
    ledger.append(log.records(300))
    ledger.sign("p", KEY)
    with intruder.connect() as connection:
        connection.execute(text("UPDATE tiles SET root = :new"), {"new": bytes(32)})
    ledger.append(log.records(300))
    with pytest.raises(Tampered, match="tiles of 'p' lead to root"):
        ledger.sign("p", KEY)
    assert [row.size for row in ledger.checkpoints("p")] == [300]
