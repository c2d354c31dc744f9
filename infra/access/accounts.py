"""Local accounts: for an office that has no provider of identities."""

from __future__ import annotations

from sqlalchemy import Engine, insert

from infra.access.rows import Given
from infra.access.tables import account_roles, accounts
from infra.ledger.database import writing


class Accounts:
    """Durable when a call returns. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, password_hash: str | None, now_ms: int) -> None:
        """An account with no role yet; without a password nobody signs in to it. Raises Conflict for a name that is taken."""
        values = {"name": name, "password": password_hash, "created_ms": now_ms}
        with writing(self._engine) as connection:
            connection.execute(insert(accounts).values(values))

    def give(self, name: str, given: Given, now_ms: int) -> None:
        """A role in a programme, in place of the same one there."""
        values = {"account": name, "programme": given.programme, "role": given.role, "who": given.who}
        same = account_roles.delete().where(
            account_roles.c.account == name,
            account_roles.c.programme == given.programme,
            account_roles.c.role == given.role,
        )
        with writing(self._engine) as connection:
            connection.execute(same)
            connection.execute(insert(account_roles).values({**values, "given_ms": now_ms}))
