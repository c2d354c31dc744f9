"""Whether this database keeps what it says it has committed: PostgreSQL can be told not to."""

from __future__ import annotations

from sqlalchemy import Engine, text

from events.errors import Refused
from infra.ledger.database import reading

NEEDED = ("fsync", "synchronous_commit", "full_page_writes")
"""`off` in any of them loses commits, or the database, in a power cut."""


def switched_off(engine: Engine) -> list[str]:
    """The settings that are off, as they are for this connection; none in SQLite, which phasegate sets itself."""
    if engine.dialect.name != "postgresql":
        return []
    with reading(engine) as connection:
        return [name for name in NEEDED if connection.execute(text(f"SHOW {name}")).scalar_one() == "off"]


def require_durable(engine: Engine) -> None:
    """Raises Refused where a commit that returned could be lost. Positions, heads and signed checkpoints rest on it."""
    if off := switched_off(engine):
        where = engine.url.render_as_string(hide_password=True)
        raise Refused(
            f"{where} may lose what it has committed: {', '.join(f'{name} is off' for name in off)}",
            hint="switch it on for the server, this database and this role (ALTER SYSTEM, DATABASE, ROLE), and start again",
        )
