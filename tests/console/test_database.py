"""`db upgrade` and `db roles`."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from infra.ledger.database import connect
from tests.console.conftest import Phasegate


@pytest.mark.postgres
def test_the_statements_are_shown_or_run_and_sqlite_has_no_roles(
    phasegate: Phasegate, postgres_database: str, tmp_path: Path
) -> None:
    words = ("db", "roles", "--recorder", "cli_recorder", "--database", postgres_database)
    assert phasegate("db", "upgrade", "--database", postgres_database).code == 0
    shown = phasegate(*words, "--dry-run", "--json").data["statements"]
    assert any("CREATE ROLE" in statement for statement in shown)
    assert phasegate(*words, "--json").data["statements"] == shown
    again = phasegate(*words, "--json").data["statements"]
    assert again == [statement for statement in shown if "CREATE ROLE" not in statement]
    assert phasegate("db", "roles", "--database", postgres_database).code == 2
    assert phasegate(*words, "--reader", "cli_recorder").code == 6
    assert phasegate("db", "roles", "--recorder", "postgres", "--database", postgres_database).code == 6
    sqlite = f"sqlite:///{tmp_path}/ledger.sqlite"
    phasegate("db", "upgrade", "--database", sqlite)
    assert phasegate("db", "roles", "--recorder", "me", "--database", sqlite).code == 6
    engine = connect(postgres_database)
    with engine.begin() as connection:
        connection.execute(text("DROP OWNED BY cli_recorder"))
        connection.execute(text("DROP ROLE cli_recorder"))
    engine.dispose()
