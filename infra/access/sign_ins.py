"""Sign-ins that were begun at a provider: each comes back once, soon, and to the browser that began it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Engine, delete, insert

from infra.access.sessions import hashed
from infra.access.tables import sign_ins
from infra.ledger.database import writing

LASTS_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser was sent away with; `onward` is where it wanted to go."""

    state: str
    nonce: str
    verifier: str
    onward: str


class SignIns:
    """Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, browser: str, onward: str, now_ms: int) -> Begun:
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), onward)
        values = {
            "state_sha256": hashed(begun.state), "browser_sha256": hashed(browser), "nonce": begun.nonce,
            "verifier": begun.verifier, "next": onward, "created_ms": now_ms,
        }  # fmt: skip
        with writing(self._engine) as connection:
            connection.execute(delete(sign_ins).where(sign_ins.c.created_ms <= now_ms - LASTS_MS))
            connection.execute(insert(sign_ins).values(values))
        return begun

    def take(self, state: str, browser: str, now_ms: int) -> Begun | None:
        """The sign-in of this state, which is gone then, however it ends; None for one that was not begun, was taken before,
        is too old, or was begun by another browser.
        """
        taken = delete(sign_ins).where(sign_ins.c.state_sha256 == hashed(state)).returning(*sign_ins.c)
        with writing(self._engine) as connection:
            row = connection.execute(taken).one_or_none()
        if row is None or row.browser_sha256 != hashed(browser) or row.created_ms <= now_ms - LASTS_MS:
            return None
        return Begun(state, row.nonce, row.verifier, row.next)
