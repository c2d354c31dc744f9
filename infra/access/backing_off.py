"""Sign-ins that failed: who guesses waits, twice as long each time. Kept in the database, so that a restart forgives nothing
and several processes count together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Engine, delete, select, text, update

from infra.access.tables import sign_in_failures
from infra.ledger.database import writing

FREE: Mapping[str, int] = {"account": 5, "address": 30}
"""Failures before anybody waits. Many people may sit behind one address."""

WAIT_FIRST_MS = 1_000
WAIT_MAX_MS = 15 * 60_000
FORGOTTEN_MS = 24 * 3_600_000

_MAKE = text("INSERT INTO sign_in_failures (about, failures, last_ms) VALUES (:about, 0, :now) ON CONFLICT DO NOTHING")


def wait_ms(failures: int, free: int) -> int:
    """How long somebody waits after the last of so many failures."""
    over = failures - free
    return 0 if over < 0 else min(WAIT_MAX_MS, WAIT_FIRST_MS << min(over, 20))


class BackingOff:
    """Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, account: str, address: str, now_ms: int) -> int:
        """Counts an attempt as failed until `forgive` says otherwise, so that many at once gain nothing; or the milliseconds
        to wait before the next one is looked at.
        """
        with writing(self._engine) as connection:
            connection.execute(delete(sign_in_failures).where(sign_in_failures.c.last_ms <= now_ms - FORGOTTEN_MS))
            waits = [_wait(connection, kind, about, now_ms) for kind, about in _abouts(account, address)]
            if not any(waits):
                for _, about in _abouts(account, address):
                    counted = update(sign_in_failures).where(sign_in_failures.c.about == about)
                    connection.execute(counted.values(failures=sign_in_failures.c.failures + 1, last_ms=now_ms))
        return max(waits)

    def forgive(self, account: str, address: str) -> None:
        """The attempt was good: the account's failures are forgotten; of the address this attempt alone, since somebody with
        an account of its own could clear it otherwise.
        """
        (_, of_account), (_, of_address) = _abouts(account, address)
        with writing(self._engine) as connection:
            connection.execute(delete(sign_in_failures).where(sign_in_failures.c.about == of_account))
            counted = update(sign_in_failures).where(
                sign_in_failures.c.about == of_address, sign_in_failures.c.failures > 0
            )
            connection.execute(counted.values(failures=sign_in_failures.c.failures - 1))


def _abouts(account: str, address: str) -> Iterable[tuple[str, str]]:
    """In one order, so that two who come at once do not wait for each other."""
    return (("account", f"account:{account}"), ("address", f"address:{address}"))


def _wait(connection: Connection, kind: str, about: str, now_ms: int) -> int:
    connection.execute(_MAKE, {"about": about, "now": now_ms})
    asked = select(sign_in_failures.c.failures, sign_in_failures.c.last_ms).where(sign_in_failures.c.about == about)
    row = connection.execute(asked.with_for_update()).one()
    return max(0, int(row.last_ms) + wait_ms(row.failures, FREE[kind]) - now_ms)
