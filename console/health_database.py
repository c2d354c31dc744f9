"""The ledger's database as an operator should have set it up: who may do what in it, and whether it keeps what it commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.health import Finding
from infra.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

SQLITE = "SQLite: whoever may write the file may change it"


@contextmanager
def _ledger(settings: Settings) -> Iterator[Engine]:
    from infra.ledger.database import connect, require_schema

    engine = connect(settings.database)
    try:
        require_schema(engine)
        yield engine
    finally:
        engine.dispose()


def roles(settings: Settings) -> Finding:
    """A warning where the ledger's own role could do what nobody may: then only checkpoints outside show it."""
    from infra.ledger.roles import excess

    with _ledger(settings) as engine:
        if engine.dialect.name != "postgresql":
            return Finding("roles", "ok", SQLITE)
        found, name = excess(engine), engine.url.username
    if found:
        told = f"{name or 'this role'} may do more than a recorder should: {', '.join(found)}"
        return Finding("roles", "warning", told, "phasegate db roles, and connect as the role that it makes")
    return Finding("roles", "ok", f"{name} may do no more than a recorder should")


def durability(settings: Settings) -> Finding:
    from infra.ledger.durability import NEEDED, require_durable

    with _ledger(settings) as engine:
        require_durable(engine)
        said = "SQLite, synchronous=FULL" if engine.dialect.name == "sqlite" else f"{', '.join(NEEDED)} are on"
    return Finding("durability", "ok", said)


def copy(settings: Settings) -> Finding:
    """Whether this is the newest copy of the ledger, as far as this home and its witnesses know."""
    from flows.newest_copy import require_newest, require_unseen
    from infra.ledger import Ledger

    with Ledger.open(settings.database) as ledger:
        require_newest(ledger, settings)
        require_unseen(ledger, settings)
    return Finding("copy", "ok", "has all that left this home, and all that its witnesses say they have cosigned")
