"""Sessions: a browser holds a random secret, and only its hash is here, so that who reads the table enters nowhere."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select, update

from infra.access.rows import Given, Origin, Session, decode_given, encode_given
from infra.access.tables import account_roles, accounts, sessions
from infra.ledger.database import reading, writing

LASTS_MS = 12 * 3_600_000
IDLE_MS = 30 * 60_000
SEEN_EACH_MS = 60_000
"""How exactly it is known when a session was last used: it is not written for every page."""


class Sessions:
    """Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, account: str, origin: Origin, now_ms: int, given: Sequence[Given] | None = None) -> str:
        """A new session; the secret that its browser holds. `given` is what a provider says; None: what the account has."""
        secret = secrets.token_urlsafe(32)
        values = {
            "id_sha256": hashed(secret), "account": account, "origin": origin, "created_ms": now_ms, "seen_ms": now_ms,
            "roles": None if given is None else encode_given(given),
        }  # fmt: skip
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(_is_over(now_ms)))
            connection.execute(insert(sessions).values(values))
        return secret

    def find(self, secret: str, now_ms: int) -> Session | None:
        """The session of this secret, which is used now; None where there is none, it is over, or its account has ended."""
        own = sessions.c.id_sha256 == hashed(secret)
        with reading(self._engine) as connection:
            row = connection.execute(select(sessions).where(own, ~_is_over(now_ms))).one_or_none()
            given = None if row is None else _given(connection, row.account, row.roles)
        if row is None or given is None:
            return None
        if now_ms - row.seen_ms >= SEEN_EACH_MS:
            with writing(self._engine) as connection:
                connection.execute(update(sessions).where(own).values(seen_ms=now_ms))
        return Session(row.account, row.origin, given, row.created_ms, row.seen_ms)

    def end(self, secret: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.id_sha256 == hashed(secret)))

    def end_all(self, account: str, origin: Origin) -> int:
        """Everywhere. Returns how many there were."""
        whose = (sessions.c.account == account) & (sessions.c.origin == origin)
        with writing(self._engine) as connection:
            return connection.execute(delete(sessions).where(whose)).rowcount


def hashed(secret: str) -> bytes:
    """What is stored of a secret. It is 256 random bits: there is nothing to guess that a slow hash would protect."""
    return sha256(secret.encode()).digest()


def _is_over(now_ms: int) -> ColumnElement[bool]:
    return (sessions.c.created_ms <= now_ms - LASTS_MS) | (sessions.c.seen_ms <= now_ms - IDLE_MS)


def _given(connection: Connection, account: str, roles: str | None) -> tuple[Given, ...] | None:
    if roles is not None:
        return decode_given(roles)
    open_ = select(accounts.c.name).where(accounts.c.name == account, accounts.c.ended_ms.is_(None))
    if connection.execute(open_).one_or_none() is None:
        return None
    return read_given(connection, account)


def read_given(connection: Connection, account: str) -> tuple[Given, ...]:
    """What an account has now, by programme."""
    wanted = select(account_roles.c.programme, account_roles.c.role, account_roles.c.who).where(
        account_roles.c.account == account
    )
    return tuple(Given(*row) for row in connection.execute(wanted.order_by(*account_roles.primary_key)))
