"""Upgrades that are killed with -9 at each of their statements in turn. `python -m tests.support.interrupted_upgrade URL`

Says, a line for each, where it was killed and what was found afterwards: the version, and a hash of the whole schema. The
last one is not killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from hashlib import sha256

from sqlalchemy import Engine, MetaData, text

from infra.ledger import database
from tests.support.faults import Nth, watch_database

_CATALOGUE = {
    "sqlite": "SELECT sql FROM sqlite_master ORDER BY name",
    "postgresql": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
}


def found(url: str) -> tuple[str, str]:
    engine = database.connect(url)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        rows = connection.execute(text(_CATALOGUE[engine.dialect.name])).scalars().all()
        tables = MetaData()
        tables.reflect(connection)
    engine.dispose()
    return version, sha256(repr((rows, sorted(tables.tables))).encode()).hexdigest()


def upgraded(url: str, nth: int) -> bool:
    """False when it was killed before its end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    connect = database.connect

    def watched(address: str) -> Engine:
        engine = connect(address)
        watch_database(engine, Nth(nth, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        return engine

    vars(database)["connect"] = watched
    database.upgrade(url)
    os._exit(0)


def main(url: str) -> None:
    nth, is_done = 0, False
    while not is_done:
        nth += 1
        is_done = upgraded(url, nth)
        sys.stdout.write(json.dumps([nth, *found(url)]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
