"""Ledgers of every earlier schema, with what the code of their time wrote into them, are brought up and go on being what they
were; and an upgrade that is killed, or done twice at once, leaves the old schema or the new one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.erasures import Erasures
from handlers.judge import Deployment
from handlers.replay import Replay
from infra.ledger import Ledger
from infra.ledger.database import connect, newest_schema, upgrade
from tests.support import small
from tests.support.old_ledgers import REVISIONS, restore
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = Deployment(4, {OFFICE_KEY.kid: OFFICE_KEY.public})


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_database")
    return address


def rows(url: str) -> list[list[object]]:
    """What was written, as it is stored."""
    engine = connect(url)
    with engine.connect() as connection:
        wanted = ("SELECT entry FROM entries ORDER BY log_id, 1", "SELECT note FROM checkpoints ORDER BY log_id, size")
        found = [[bytes(row) for row in connection.execute(text(one)).scalars()] for one in wanted]
    engine.dispose()
    return [list(one) for one in found]


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_ledger_of_an_earlier_schema_is_brought_up_and_replays_as_before(url: str, revision: str) -> None:
    restore(revision, url)
    before = rows(url)
    assert upgrade(url) == (revision, newest_schema())
    assert rows(url) == before
    assert upgrade(url) == (newest_schema(), newest_schema())
    with Ledger.open(url) as ledger:
        assert list(ledger.integrity(keys=[LOG_KEY.verifier])) == []
        look = Erasures(ledger, small.PROGRAMME).look
        again = Replay(small.PROGRAMME, f"{ORIGIN}/{small.PROGRAMME}", DEPLOYMENT, ledger.attribution, hidden=look)
        for stored in ledger.read(small.PROGRAMME):
            again.feed(stored)
        found = again.finish()
        assert found.first_difference is None
        assert found.verdicts.checked > 30


@pytest.mark.timeout(180)
def test_an_upgrade_that_is_killed_at_any_statement_leaves_the_old_schema_or_the_new_one(url: str) -> None:
    restore(REVISIONS[0], url)
    command = [sys.executable, "-m", "tests.support.interrupted_upgrade", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) > 10
    versions = [version for _, version, _ in found]
    old, new = REVISIONS[0], newest_schema()
    assert versions == [old] * versions.count(old) + [new] * versions.count(new)
    assert versions.count(old) > 10
    assert len({schema for _, version, schema in found if version == old}) == 1
    assert len({schema for _, version, schema in found if version == new}) == 1
    with Ledger.open(url) as ledger:
        assert list(ledger.integrity(keys=[LOG_KEY.verifier])) == []


def test_several_upgrades_at_once_wait_for_each_other(url: str) -> None:
    restore(REVISIONS[0], url)
    command = [sys.executable, "-m", "console", "db", "upgrade", "--json", "--database", url]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [json.loads(one.communicate()[0])["data"] for one in started]
    assert [one.returncode for one in started] == [0, 0, 0]
    assert sorted(one["from"] for one in said) == [REVISIONS[0], newest_schema(), newest_schema()]
