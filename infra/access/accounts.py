"""Local accounts: for an office that has no provider of identities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from events.errors import Conflict, NotFound, Refused
from infra.access.rows import ANY, Given, Role
from infra.access.sessions import read_given
from infra.access.tables import account_roles, accounts, sessions
from infra.ledger.database import reading, writing

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_NEEDS_WHO = ("entrant", "evaluator")


@dataclass(frozen=True, slots=True)
class Account:
    """`password_hash` is None where nobody can sign in with one. Times are Unix milliseconds."""

    name: str
    password_hash: str | None
    created_ms: int
    ended_ms: int | None
    given: tuple[Given, ...]


class Accounts:
    """Durable when a call returns. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, password_hash: str | None, now_ms: int) -> None:
        """An account with no role yet; without a password nobody signs in to it. Raises Refused for a name that cannot be one
        or is taken, also by one that has ended: a name means one person for good.
        """
        self.require_free(name)
        values = {"name": name, "password": password_hash, "created_ms": now_ms}
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(accounts).values(values))
        except Conflict as error:
            raise _taken(name) from error

    def require_free(self, name: str) -> None:
        """Raises Refused for a name that cannot be one, and for one that is taken."""
        if not _NAME.fullmatch(name):
            raise Refused(
                f"{name[:80]!r} cannot be the name of an account",
                hint="small letters, digits and . _ @ -, beginning with a letter or digit, at most 64",
            )
        if self.find(name) is not None:
            raise _taken(name)

    def find(self, name: str) -> Account | None:
        """The account, ended ones too."""
        with reading(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
            return None if row is None else _account(connection, row)

    def all(self) -> list[Account]:
        """By name, ended ones too."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.name)).all()
            return [_account(connection, row) for row in rows]

    def give(self, name: str, given: Given, now_ms: int) -> None:
        """A role in a programme, in place of the same one there. Raises NotFound, and Refused for a role that does not say
        whom it is for.
        """
        require_sound(given)
        with writing(self._engine) as connection:
            _require_open(connection, name)
            connection.execute(delete(account_roles).where(_same(name, given.programme, given.role)))
            values = {"programme": given.programme, "role": given.role, "who": given.who, "given_ms": now_ms}
            connection.execute(insert(account_roles).values({"account": name, **values}))

    def take(self, name: str, programme: str, role: Role) -> None:
        """From the next page on the account does not have this role there. Raises NotFound where it did not have it."""
        with writing(self._engine) as connection:
            _require_open(connection, name)
            if not connection.execute(delete(account_roles).where(_same(name, programme, role))).rowcount:
                raise NotFound(f"{name!r} is not {role} in {programme!r}", hint="phasegate accounts list")

    def set_password(self, name: str, password_hash: str) -> None:
        """Whoever is signed in to the account is signed in no more."""
        with writing(self._engine) as connection:
            _require_open(connection, name)
            connection.execute(update(accounts).where(accounts.c.name == name).values(password=password_hash))
            _sign_out(connection, name)

    def end(self, name: str, now_ms: int) -> None:
        """For good: nobody signs in to it, and whoever is signed in is no more."""
        with writing(self._engine) as connection:
            _require_open(connection, name)
            connection.execute(update(accounts).where(accounts.c.name == name).values(ended_ms=now_ms, password=None))
            connection.execute(delete(account_roles).where(account_roles.c.account == name))
            _sign_out(connection, name)


def require_sound(given: Given) -> None:
    """Raises Refused for a role that does not say whom it is for, or says it where it is for nobody."""
    if (given.role in _NEEDS_WHO) != (given.who is not None):
        need = f"--{given.role} ID says which" if given.role in _NEEDS_WHO else "only entrant and evaluator do"
        raise Refused(f"the role {given.role} for {given.who!r}: {need}")
    if given.who is not None and given.programme == ANY:
        raise Refused(f"an {given.role} is one of one programme", hint="name it with --programme")


def _taken(name: str) -> Refused:
    return Refused(f"there is an account {name!r} already", hint="phasegate accounts list")


def _same(name: str, programme: str, role: Role) -> Any:
    columns = account_roles.c
    return (columns.account == name) & (columns.programme == programme) & (columns.role == role)


def _account(connection: Connection, row: Any) -> Account:
    return Account(row.name, row.password, row.created_ms, row.ended_ms, read_given(connection, row.name))


def _require_open(connection: Connection, name: str) -> None:
    row = connection.execute(select(accounts.c.ended_ms).where(accounts.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"there is no account {name[:80]!r}", hint="phasegate accounts list")
    if row.ended_ms is not None:
        raise Refused(f"the account {name!r} has ended", hint="make another one, under another name")


def _sign_out(connection: Connection, name: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.account == name, sessions.c.origin == "local"))
